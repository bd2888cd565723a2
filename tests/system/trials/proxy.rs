//! The fault proxy: it is between the handlers and the local cloud, gives each call the fault that the seed decides,
//! and records it.

use super::archive_round::is_shared;
use super::call::{Call, ENDPOINT_VARIABLES, Service};
use super::clocks::{self, Clocks};
use super::fault::{Fault, POISON, server_error, throttling};
use super::process;
use crate::simulators::relay::{self, Connection, Reply, Request, Response, Upstream};
use crate::support::cloud::Cloud;
use crate::support::partial_success::{events_not_taken, leave_half_out};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The functions whose calls go through the proxy: all.
pub(super) const FUNCTIONS: [&str; 6] = [
    "csv-validator",
    "data-transformer",
    "notification-sender",
    "webhook-validator",
    "fraud-detector",
    "transaction-archival",
];

/// What the proxy did with one call.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "the number is for readers of a round's journal")]
pub(super) struct Entry {
    pub(super) call: Call,
    /// The index of this call among those of this operation on this subject, from 0.
    pub(super) number: u32,
    pub(super) fault: Fault,
    /// When it was sent on and when the service had responded, as positions in the order of all such moments; and the
    /// status of that response.
    pub(super) done: Option<(u64, u64, u16)>,
}

#[derive(Default)]
struct State {
    numbers: HashMap<(String, String), u32>,
    /// Calls about one of these meet no fault.
    without_faults: HashSet<String>,
    /// Rows that the table rejected, and accepts now.
    accepted_rows: HashSet<String>,
    /// The round that archives, in whose faulty phase calls that all archivals share fail too.
    archival: Option<u64>,
    journal: Vec<Entry>,
    /// How many handlers were killed.
    killed: u64,
    moments: u64,
    /// The calls in progress or yet to be done.
    open: HashMap<usize, String>,
}

/// The proxy.
#[derive(Clone)]
pub(super) struct Proxy {
    seed: u64,
    upstream: Upstream,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// Opens it, and makes all functions of the stack call it instead of the services.
    pub(super) async fn open(cloud: &Cloud, seed: u64) -> Self {
        let upstream = Upstream { http: cloud.http.clone(), endpoint: cloud.stack.endpoint.as_str().into() };
        let proxy = Self { seed, upstream, state: Arc::default() };
        let shared = proxy.clone();
        let address = relay::open(move |request, connection| shared.clone().respond(request, connection)).await;
        for function in FUNCTIONS {
            let endpoints = ENDPOINT_VARIABLES.map(|name| (name, address.as_str()));
            clocks::set(cloud, seed, function, Clocks::Own, &endpoints).await;
        }
        proxy
    }

    /// From now on calls about one of these words meet no fault.
    pub(super) fn stop_faults(&self, words: impl IntoIterator<Item = String>) {
        self.state.lock().unwrap().without_faults.extend(words);
    }

    /// From now on the table accepts a row that it has rejected.
    pub(super) fn accept_row(&self, transaction_id: &str) {
        self.state.lock().unwrap().accepted_rows.insert(transaction_id.to_owned());
    }

    /// From now on calls that all archivals share fail as the seed decides for this round.
    pub(super) fn begin_archival_faults(&self, round: u64) {
        self.state.lock().unwrap().archival = Some(round);
    }

    /// From now on calls that all archivals share meet no fault.
    pub(super) fn end_archival_faults(&self) {
        self.state.lock().unwrap().archival = None;
    }

    /// Whether no call about these words is in progress any more.
    pub(super) fn is_settled(&self, words: &[String]) -> bool {
        let state = self.state.lock().unwrap();
        !state.open.values().any(|subject| words.iter().any(|word| subject.contains(word.as_str())))
    }

    /// The journal of calls about these words, in its order.
    pub(super) fn journal(&self, words: &[String]) -> Vec<Entry> {
        let state = self.state.lock().unwrap();
        let is_about = |entry: &&Entry| words.iter().any(|word| entry.call.subject.contains(word.as_str()));
        state.journal.iter().filter(is_about).cloned().collect()
    }

    /// How many times a handler has stored the object whose path ends like this: the bucket publishes an event for
    /// each.
    pub(super) fn stored(&self, path: &str) -> usize {
        let state = self.state.lock().unwrap();
        let is_stored = |entry: &&Entry| {
            entry.call.service == Service::S3
                && entry.call.operation == "PUT"
                && entry.call.subject.ends_with(path)
                && entry.done.is_some_and(|(.., status)| status == 200)
        };
        state.journal.iter().filter(is_stored).count()
    }

    /// How many calls met each fault.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for entry in &self.state.lock().unwrap().journal {
            *counts.entry(entry.fault.name()).or_default() += 1;
        }
        counts
    }

    /// How many handlers were killed.
    pub(super) fn killed(&self) -> u64 {
        self.state.lock().unwrap().killed
    }

    /// Decides the fault of a call, and records it. Returns its index in the journal.
    fn decide(&self, mut call: Call) -> (usize, Fault) {
        let mut state = self.state.lock().unwrap();
        let mut is_faultless = state.without_faults.iter().any(|word| call.subject.contains(word.as_str()));
        if is_shared(&call) {
            is_faultless |= state.archival.is_none();
            call.subject.push_str(&state.archival.map(|round| format!(" in round {round}")).unwrap_or_default());
        }
        let number = state.numbers.entry((call.operation.clone(), call.subject.clone())).or_default();
        let this = *number;
        *number += 1;
        let fault = match () {
            () if is_poisoned(&call, &state.accepted_rows) => Fault::ServerError,
            () if is_faultless => Fault::None,
            () => Fault::of(self.seed, &call, this),
        };
        let index = state.journal.len();
        state.open.insert(index, call.subject.clone());
        state.journal.push(Entry { call, number: this, fault, done: None });
        (index, fault)
    }

    async fn respond(self, request: Request, connection: Connection) -> Reply {
        let call = Call::of(&request);
        let service = call.service;
        let (index, fault) = self.decide(call);
        if let Fault::Late(milliseconds) = fault {
            // The connection ends now, and the entry stays open until it is done.
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                self.send_on(index, &request).await;
                self.close(index);
            });
            return Reply::Close;
        }
        let reply = self.apply(fault, service, index, &request, connection).await;
        self.close(index);
        reply
    }

    async fn apply(
        &self,
        fault: Fault,
        service: Service,
        index: usize,
        request: &Request,
        connection: Connection,
    ) -> Reply {
        match fault {
            Fault::Dropped | Fault::Late(_) => Reply::Close,
            Fault::ServerError => Reply::Response(server_error(service)),
            Fault::Throttled => Reply::Response(throttling(service)),
            Fault::Partial if service == Service::EventBridge => Reply::Response(events_not_taken()),
            Fault::Killed => {
                self.kill(connection);
                Reply::Close
            }
            fault => {
                if let Fault::Delayed(milliseconds) = fault {
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                }
                let Some(response) = self.send_on(index, request).await else { return Reply::Close };
                self.return_response(fault, index, request, response, connection).await
            }
        }
    }

    /// The fault of a response to a call that was done.
    async fn return_response(
        &self,
        fault: Fault,
        index: usize,
        request: &Request,
        response: Response,
        connection: Connection,
    ) -> Reply {
        match fault {
            Fault::ResponseLost => Reply::Close,
            Fault::ResponseCut => Reply::RespondAndClose(response.cut()),
            Fault::KilledAfter => {
                self.kill(connection);
                Reply::Close
            }
            Fault::Twice => self.send_on(index, request).await.map_or(Reply::Close, Reply::Response),
            Fault::Partial => Reply::Response(leave_half_out(&request.body, response)),
            _ => Reply::Response(response),
        }
    }

    fn kill(&self, connection: Connection) {
        let killed = u64::from(process::kill_owner(connection));
        self.state.lock().unwrap().killed += killed;
    }

    /// Sends a call on. None if the cloud did not respond, as happens when it ends.
    async fn send_on(&self, index: usize, request: &Request) -> Option<Response> {
        let began = self.moment();
        let response = self.upstream.forward(request).await.ok()?;
        let ended = self.moment();
        let done = &mut self.state.lock().unwrap().journal[index].done;
        // For a call that is done twice, the first one counts.
        done.get_or_insert((began, ended, response.status));
        Some(response)
    }

    fn moment(&self) -> u64 {
        let mut state = self.state.lock().unwrap();
        state.moments += 1;
        state.moments
    }

    fn close(&self, index: usize) {
        self.state.lock().unwrap().open.remove(&index);
    }
}

/// Whether a call writes a row that the table always rejects.
fn is_poisoned(call: &Call, accepted_rows: &HashSet<String>) -> bool {
    let is_poison = call.operation == "PutItem" && call.subject.contains(POISON);
    is_poison && !accepted_rows.iter().any(|id| call.subject.contains(id.as_str()))
}

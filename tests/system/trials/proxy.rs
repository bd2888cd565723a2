//! The fault proxy: it stands between the handlers and the local cloud, does to each call what the seed says, and writes
//! down what it did.

use super::archive_round::is_shared;
use super::call::{Call, ENDPOINT_VARIABLES, Service};
use super::clocks::{self, Clocks};
use super::fault::{Fault, POISON, refusal, throttling};
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
#[expect(dead_code, reason = "the number is for whoever reads the journal of a round")]
pub(super) struct Entry {
    pub(super) call: Call,
    /// Which of the calls of this operation on this thing it was, from 0.
    pub(super) number: u32,
    pub(super) fault: Fault,
    /// When it was sent on and when the service had answered, as places in the order of all such moments; and the status of
    /// that answer.
    pub(super) done: Option<(u64, u64, u16)>,
}

#[derive(Default)]
struct State {
    numbers: HashMap<(String, String), u32>,
    /// Nothing goes wrong with what is about one of these.
    calm: HashSet<String>,
    /// Rows that the table refused for good, and takes now.
    cured: HashSet<String>,
    /// The round that archives, in whose storm what all archivals share fails too.
    archival: Option<u64>,
    journal: Vec<Entry>,
    /// How many handlers were killed.
    killed: u64,
    moments: u64,
    /// The calls that are under way or yet to be done.
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
    /// Opens it, and makes all functions of the stack call it in place of the services.
    pub(super) async fn open(cloud: &Cloud, seed: u64) -> Self {
        let upstream = Upstream { http: cloud.http.clone(), endpoint: cloud.stack.endpoint.as_str().into() };
        let proxy = Self { seed, upstream, state: Arc::default() };
        let shared = proxy.clone();
        let address = relay::open(move |request, connection| shared.clone().answer(request, connection)).await;
        for function in FUNCTIONS {
            let endpoints = ENDPOINT_VARIABLES.map(|name| (name, address.as_str()));
            clocks::set(cloud, seed, function, Clocks::Own, &endpoints).await;
        }
        proxy
    }

    /// From now on nothing goes wrong with what is about one of these words.
    pub(super) fn calm(&self, words: impl IntoIterator<Item = String>) {
        self.state.lock().unwrap().calm.extend(words);
    }

    /// From now on the table takes a row that it has refused.
    pub(super) fn cure(&self, transaction_id: &str) {
        self.state.lock().unwrap().cured.insert(transaction_id.to_owned());
    }

    /// From now on what all archivals share fails as the seed says for this round.
    pub(super) fn begin_archival_storm(&self, round: u64) {
        self.state.lock().unwrap().archival = Some(round);
    }

    /// From now on nothing goes wrong with what all archivals share.
    pub(super) fn end_archival_storm(&self) {
        self.state.lock().unwrap().archival = None;
    }

    /// Whether nothing about these words is under way any more.
    pub(super) fn is_settled(&self, words: &[String]) -> bool {
        let state = self.state.lock().unwrap();
        !state.open.values().any(|subject| words.iter().any(|word| subject.contains(word.as_str())))
    }

    /// What was done about these words, in its order.
    pub(super) fn journal(&self, words: &[String]) -> Vec<Entry> {
        let state = self.state.lock().unwrap();
        let is_about = |entry: &&Entry| words.iter().any(|word| entry.call.subject.contains(word.as_str()));
        state.journal.iter().filter(is_about).cloned().collect()
    }

    /// How many times a handler has stored the object whose path ends like this: the bucket publishes an event for each.
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

    /// Decides what becomes of a call, and writes it down. Returns its place in the journal.
    fn decide(&self, mut call: Call) -> (usize, Fault) {
        let mut state = self.state.lock().unwrap();
        let mut is_calm = state.calm.iter().any(|word| call.subject.contains(word.as_str()));
        if is_shared(&call) {
            is_calm |= state.archival.is_none();
            call.subject.push_str(&state.archival.map(|round| format!(" in round {round}")).unwrap_or_default());
        }
        let number = state.numbers.entry((call.operation.clone(), call.subject.clone())).or_default();
        let this = *number;
        *number += 1;
        let fault = match () {
            () if is_poisoned(&call, &state.cured) => Fault::Refused,
            () if is_calm => Fault::None,
            () => Fault::of(self.seed, &call, this),
        };
        let place = state.journal.len();
        state.open.insert(place, call.subject.clone());
        state.journal.push(Entry { call, number: this, fault, done: None });
        (place, fault)
    }

    async fn answer(self, request: Request, connection: Connection) -> Reply {
        let call = Call::of(&request);
        let service = call.service;
        let (place, fault) = self.decide(call);
        if let Fault::Late(milliseconds) = fault {
            // The connection ends now, and the place stays open until it is done.
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                self.send_on(place, &request).await;
                self.close(place);
            });
            return Reply::Close;
        }
        let reply = self.apply(fault, service, place, &request, connection).await;
        self.close(place);
        reply
    }

    async fn apply(
        &self,
        fault: Fault,
        service: Service,
        place: usize,
        request: &Request,
        connection: Connection,
    ) -> Reply {
        match fault {
            Fault::Dropped | Fault::Late(_) => Reply::Close,
            Fault::Refused => Reply::Answer(refusal(service)),
            Fault::Throttled => Reply::Answer(throttling(service)),
            Fault::Partial if service == Service::EventBridge => Reply::Answer(events_not_taken()),
            Fault::Killed => {
                self.kill(connection);
                Reply::Close
            }
            fault => {
                if let Fault::Delayed(milliseconds) = fault {
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                }
                let Some(response) = self.send_on(place, request).await else { return Reply::Close };
                self.hand_back(fault, place, request, response, connection).await
            }
        }
    }

    /// What becomes of the answer of a call that was done.
    async fn hand_back(
        &self,
        fault: Fault,
        place: usize,
        request: &Request,
        response: Response,
        connection: Connection,
    ) -> Reply {
        match fault {
            Fault::AnswerLost => Reply::Close,
            Fault::AnswerCut => Reply::AnswerAndClose(response.cut()),
            Fault::KilledAfter => {
                self.kill(connection);
                Reply::Close
            }
            Fault::Twice => self.send_on(place, request).await.map_or(Reply::Close, Reply::Answer),
            Fault::Partial => Reply::Answer(leave_half_out(&request.body, response)),
            _ => Reply::Answer(response),
        }
    }

    fn kill(&self, connection: Connection) {
        let killed = u64::from(process::kill_owner(connection));
        self.state.lock().unwrap().killed += killed;
    }

    /// Sends a call on. None if the cloud did not answer, as happens when it ends.
    async fn send_on(&self, place: usize, request: &Request) -> Option<Response> {
        let began = self.moment();
        let response = self.upstream.forward(request).await.ok()?;
        let ended = self.moment();
        let done = &mut self.state.lock().unwrap().journal[place].done;
        // What is done twice was done when it was done first.
        done.get_or_insert((began, ended, response.status));
        Some(response)
    }

    fn moment(&self) -> u64 {
        let mut state = self.state.lock().unwrap();
        state.moments += 1;
        state.moments
    }

    fn close(&self, place: usize) {
        self.state.lock().unwrap().open.remove(&place);
    }
}

/// Whether a call writes a row that the table refuses for good.
fn is_poisoned(call: &Call, cured: &HashSet<String>) -> bool {
    let is_poison = call.operation == "PutItem" && call.subject.contains(POISON);
    is_poison && !cured.iter().any(|id| call.subject.contains(id.as_str()))
}

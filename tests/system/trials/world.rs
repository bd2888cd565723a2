//! What all rounds of a run share: the cloud with the fault proxy, and the messages from it.

use super::chance::Chance;
use super::clocks::{self, Clocks};
use super::feed::{
    Feed, file_of_dead_letter, file_of_event, file_of_notification, payment_of_alert, payment_of_dead_letter,
    payment_of_event,
};
use super::ledger::Moment;
use super::promise::Tally;
use super::proxy::Proxy;
use crate::support::cloud::{Cloud, Created};
use crate::support::queues::Queue;
use aws_sdk_eventbridge::types::Target;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The stack of the trials.
pub(super) const STACK: &str = "trials";

/// How long to wait before checking an execution again; many are in progress.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The most deliveries of an event.
const DELIVERIES_MAX: u64 = 5;

/// What all rounds share.
pub(super) struct World {
    pub(super) cloud: Cloud,
    pub(super) seed: u64,
    pub(super) proxy: Proxy,
    pub(super) tally: Tally,
    /// The events of the bucket, by file.
    pub(super) arrivals: Feed,
    /// The events of the bus, by payment.
    pub(super) payments: Feed,
    /// The notifications of both topics, by file and by payment.
    pub(super) notifications: Feed,
    pub(super) alerts: Feed,
    /// The dead letters, by file and by payment.
    pub(super) dead_letters: Feed,
    pub(super) payment_dead_letters: Feed,
    /// The subjects of a round's calls, to find the cause of a failure.
    pub(super) words: Mutex<HashMap<u64, Vec<String>>>,
    /// The key of a partner that tries to read and change files of the others.
    pub(super) forger_key: String,
    /// Held by the round that archives, since an archival takes all that is due.
    pub(super) archive: futures::lock::Mutex<()>,
    /// When the run began, by the clock that judges.
    began: Instant,
}

impl World {
    /// Takes over a stack: its rules deliver nothing, so that the trials deliver the events instead.
    pub(super) async fn open(seed: u64) -> Self {
        let cloud = Cloud::of_stack(STACK).await;
        let rule = cloud.stack.function("transaction-file-arrival");
        let arrivals = listen_in_place_of(&cloud, &rule, "default").await;
        let rule = cloud.stack.function("high-value-transactions");
        let bus = cloud.stack.event_bus.clone();
        cloud.events().disable_rule().name(&rule).event_bus_name(&bus).send().await.unwrap();
        let pattern = json!({"source": ["webhook.transaction"]}).to_string();
        let payments = listen(&cloud, &pattern, &bus).await;
        let notifications = cloud.queue_of_topic("notifications", &cloud.stack.topic_arn, &json!({})).await.url;
        let alerts = cloud.queue_of_topic("alerts", &cloud.stack.alerts_topic_arn, &json!({})).await.url;
        let forger_key = cloud.partner_named("forger", &cloud.stack.usage_plan_id).await.key;
        clocks::are_seen(&cloud, seed, &forger_key).await;
        Self {
            seed,
            words: Mutex::default(),
            forger_key,
            proxy: Proxy::open(&cloud, seed).await,
            tally: Tally::default(),
            arrivals: Feed::of_queue(&cloud, &arrivals, file_of_event),
            payments: Feed::of_queue(&cloud, &payments, payment_of_event),
            notifications: Feed::of_queue(&cloud, &notifications, file_of_notification),
            alerts: Feed::of_queue(&cloud, &alerts, payment_of_alert),
            dead_letters: Feed::of_queue(&cloud, &cloud.stack.dead_letter_queue_url, file_of_dead_letter),
            payment_dead_letters: Feed::of_queue(
                &cloud,
                &cloud.stack.webhook_dead_letter_queue_url,
                payment_of_dead_letter,
            ),
            archive: futures::lock::Mutex::default(),
            began: Instant::now(),
            cloud,
        }
    }

    /// The present moment.
    pub(super) fn moment(&self) -> Moment {
        self.began.elapsed()
    }

    /// Gives the processes of a function other clocks. Rounds at the same time get them too.
    pub(super) async fn set_clocks(&self, function: &str, clocks: Clocks) {
        clocks::set(&self.cloud, self.seed, function, clocks, &[]).await;
    }

    /// Keeps the subjects of a round's calls.
    pub(super) fn add_round_words(&self, round: u64, words: impl IntoIterator<Item = String>) {
        self.words.lock().unwrap().entry(round).or_default().extend(words);
    }

    /// The chance of one event in a round.
    pub(super) fn chance(&self, round: u64, what: &str) -> Chance {
        Chance::of(self.seed, &["round", &round.to_string(), what])
    }

    /// Delivers one event to a workflow as EventBridge may: once or up to five times, at once or late, and waits until
    /// all those executions have ended.
    pub(super) async fn deliver(&self, state_machine: &str, event: &Value, mut chance: Chance) {
        let mut deliveries = 1;
        while deliveries < DELIVERIES_MAX && chance.percent(35) {
            deliveries += 1;
        }
        let delays: Vec<u64> = (0..deliveries).map(|_| delay_ms(&mut chance)).collect();
        let each = delays.into_iter().map(async |milliseconds| {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            self.execute(state_machine, event).await
        });
        futures::future::join_all(each).await;
    }

    /// Starts a workflow and waits until it has ended. Returns the outcome.
    pub(super) async fn execute(&self, state_machine: &str, input: &Value) -> ExecutionStatus {
        let workflows = self.cloud.step_functions();
        let start = workflows.start_execution().state_machine_arn(state_machine).input(input.to_string());
        let arn = start.send().await.unwrap().execution_arn;
        loop {
            let execution = workflows.describe_execution().execution_arn(&arn).send().await.unwrap();
            if execution.status != ExecutionStatus::Running {
                return execution.status;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// Some events are delivered at once, and some late.
fn delay_ms(chance: &mut Chance) -> u64 {
    match chance.between(0, 9) {
        0..=4 => 0,
        5..=7 => chance.between(1, 400),
        8 => chance.between(400, 2_000),
        _ => chance.between(2_000, 6_000),
    }
}

/// Replaces a rule's target by a queue, with the same event pattern. Returns the queue's URL.
async fn listen_in_place_of(cloud: &Cloud, rule: &str, bus: &str) -> String {
    let found = cloud.events().describe_rule().name(rule).event_bus_name(bus).send().await.unwrap();
    let url = listen(cloud, &found.event_pattern.unwrap(), bus).await;
    cloud.events().disable_rule().name(rule).event_bus_name(bus).send().await.unwrap();
    url
}

async fn listen(cloud: &Cloud, pattern: &str, bus: &str) -> String {
    let Queue { name, arn, url, .. } = cloud.queue("trials").await;
    cloud.events().put_rule().name(&name).event_bus_name(bus).event_pattern(pattern).send().await.unwrap();
    cloud.remove_at_end(Created::Rule { name: name.clone(), bus: bus.to_owned() });
    let target = Target::builder().id("listener").arn(arn).build().unwrap();
    cloud.events().put_targets().rule(&name).event_bus_name(bus).targets(target).send().await.unwrap();
    url
}

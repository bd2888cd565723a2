//! A round of payments: webhooks that are sent several times, at once and with other contents, while everything fails
//! around them; and their outcomes.

use super::chance::Chance;
use super::feed::message_of;
use super::promise::Promise;
use super::retired;
use super::sender::{LastResponse, send};
use super::world::World;
use crate::support::cloud::{Cloud, eventually, now_ms};
use crate::support::provider::{Provider, sign};
use serde_json::{Value, json};
use std::time::Duration;

const AMOUNTS: [(&str, &str, &str); 9] = [
    ("0.01", "EUR", "low"),
    ("999.99", "EUR", "low"),
    ("999", "JPY", "low"),
    ("1000", "USD", "medium"),
    ("10000.00", "EUR", "medium"),
    ("10000.01", "EUR", "high"),
    ("25000.123", "KWD", "high"),
    ("9007199254740993", "JPY", "high"),
    ("999999999999999999999999999999999999.99", "EUR", "high"),
];
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const REDRIVES_MAX: usize = 3;

/// One payment of a round.
pub(super) struct Trial<'w> {
    world: &'w World,
    round: u64,
    pub(super) provider: Provider<'w>,
    other: Provider<'w>,
    payment: Value,
    band: &'static str,
}

/// Events of other types about a payment.
const OTHER_TYPES: [&str; 4] = ["transaction.updated", "transaction.refunded", "refund.created", "transaction.expired"];
/// The number of the event that is sent last.
const LAST_EVENT: u64 = 9;
const HOUR_MS: u64 = 60 * 60 * 1000;

/// Plays a round and judges it.
pub(super) async fn play(world: &World, round: u64) {
    let mut chance = world.chance(round, "payments");
    let trials =
        (0..chance.between(1, 4)).map(|number| Trial::of(world, round, number, &mut chance)).collect::<Vec<_>>();
    world.add_round_words(round, trials.iter().map(|trial| trial.id().to_owned()));
    if chance.percent(30) {
        // What the same customer paid before, in a currency that was retired since.
        let (id, customer) = (format!("H{round}-0."), format!("C{round}."));
        retired::put(&trials[0].provider, &id, &customer, "75.30", now_ms() - HOUR_MS).await;
    }
    futures::future::join_all(trials.iter().map(Trial::play)).await;
}

impl<'w> Trial<'w> {
    fn of(world: &'w World, round: u64, number: u64, chance: &mut Chance) -> Self {
        let amount = *chance.pick(&AMOUNTS);
        Self::of_amount(world, round, number, amount, chance)
    }

    /// A payment of the high band, in a known case.
    pub(super) fn high(world: &'w World, round: u64) -> Self {
        world.proxy.stop_faults([format!("P{round}-"), format!("C{round}.")]);
        Self::of_amount(world, round, 0, ("25000.00", "EUR", "high"), &mut world.chance(round, "payment"))
    }

    fn of_amount(
        world: &'w World,
        round: u64,
        number: u64,
        (amount, currency, band): (&str, &str, &'static str),
        chance: &mut Chance,
    ) -> Self {
        let (mut provider, mut other) = (world.cloud.provider(), world.cloud.other_provider());
        if chance.percent(50) {
            (provider, other) = (other, provider);
        }
        let payment = json!({
            "transaction_id": format!("P{round}-{number}."), "amount": amount, "currency": currency,
            "provider": provider.name, "customer_id": format!("C{round}."),
            "metadata": {"country": *chance.pick(&["DE", "JP", "US"]), "order": chance.between(1, 99)},
        });
        Self { world, round, provider, other, payment, band }
    }

    fn id(&self) -> &str {
        self.payment["transaction_id"].as_str().unwrap()
    }

    fn chance(&self, what: &str) -> Chance {
        self.world.chance(self.round, &format!("{} {what}", self.id()))
    }

    async fn play(&self) {
        let mut chance = self.chance("copies");
        let waits: Vec<_> = (0..chance.between(0, 2)).map(|_| chance.between(0, 2)).collect();
        let others = waits.iter().zip(0..).map(|(wait, number)| async move {
            tokio::time::sleep(Duration::from_millis(wait * 150)).await;
            self.send_other_event(number).await;
        });
        let created = async {
            if chance.percent(50) {
                // So that another event may be first.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            self.play_created(!waits.is_empty(), &mut chance).await;
            if chance.percent(30) {
                self.send_other_event(LAST_EVENT).await;
            }
        };
        futures::future::join(futures::future::join_all(others), created).await;
    }

    /// Sends an event of another type about the payment, which must be accepted before and after the payment itself.
    pub(super) async fn send_other_event(&self, number: u64) {
        let mut chance = self.chance(&format!("other {number}"));
        let mut event = self.payment.clone();
        event["type"] = json!(*chance.pick(&OTHER_TYPES));
        event["metadata"]["change"] = json!(chance.between(1, 3));
        let response = self.post(&event, &self.provider, format!("other event {number}")).await;
        let is_accepted = (200..300).contains(&response.status);
        self.world.tally.judge(Promise::OtherEventsBlockNothing, is_accepted, || {
            format!("{} of {}: {} {}", event["type"], self.id(), response.status, response.body)
        });
    }

    /// Sends the payment, and judges its outcome. `beside_others`: events of other types are sent too.
    pub(super) async fn play_created(&self, beside_others: bool, chance: &mut Chance) {
        let copies =
            (0..chance.between(1, 4)).map(|copy| self.post(&self.payment, &self.provider, format!("copy {copy}")));
        for response in futures::future::join_all(copies).await {
            let describe = || format!("transaction.created of {}: {} {}", self.id(), response.status, response.body);
            if beside_others {
                self.world.tally.judge(Promise::OtherEventsBlockNothing, response.status == 200, describe);
            }
            assert_eq!(response.status, 200, "{}", describe());
        }
        self.others_are_rejected(chance).await;
        if self.band == "high" {
            self.deliver_events().await;
        }
        self.nothing_is_lost().await;
        self.is_stored_once_and_published().await;
        self.takes_only_its_route().await;
    }

    async fn post(&self, payment: &Value, signer: &Provider<'_>, what: String) -> LastResponse {
        let body = payment.to_string();
        send(self.chance(&what), || {
            let signed = sign(&signer.secret, &body, 0);
            let request = self.world.cloud.http.post(&self.world.cloud.stack.webhook_url).body(body.clone());
            let request = request.header("content-type", "application/json");
            signed.headers().into_iter().fold(request, |request, (name, value)| request.header(name, value))
        })
        .await
    }

    /// The same id with other content, and the same content signed by another provider, change nothing.
    async fn others_are_rejected(&self, chance: &mut Chance) {
        let tally = &self.world.tally;
        if chance.percent(50) {
            let mut other = self.payment.clone();
            other["amount"] = json!("5.5");
            other["currency"] = json!("EUR");
            let response = self.post(&other, &self.provider, "conflict".to_owned()).await;
            tally.judge(Promise::WebhooksOnce, response.status == 409, || {
                format!("{} {}", response.status, response.body)
            });
        }
        if chance.percent(50) {
            let response = self.post(&self.payment, &self.other, "forged".to_owned()).await;
            tally.judge(Promise::PartnersApart, response.status == 401, || {
                format!("{} {}", response.status, response.body)
            });
        }
    }

    /// Delivers every event about the payment to the workflow, as often as that may happen.
    async fn deliver_events(&self) {
        let mut delivered = 0;
        loop {
            let events = self.world.payments.about(self.id());
            let is_over = self.world.proxy.is_settled(&[self.id().to_owned()]);
            if delivered > 0 && delivered == events.len() && is_over {
                return;
            }
            let deliveries = events.iter().enumerate().skip(delivered).map(|(number, event)| {
                let chance = self.chance(&format!("deliver {number}"));
                self.world.deliver(&self.world.cloud.stack.webhook_state_machine_arn, event, chance)
            });
            futures::future::join_all(deliveries).await;
            delivered = events.len();
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn item(&self) -> Value {
        self.provider.item(&self.payment).await.unwrap_or(Value::Null)
    }

    fn dead_letters(&self) -> Vec<Value> {
        self.world.payment_dead_letters.about(self.id())
    }

    /// A payment of the high band is assessed, or its event is a dead letter that can be redriven. The first analysis
    /// is kept.
    async fn nothing_is_lost(&self) {
        let world = self.world;
        if self.band == "high" {
            eventually(&format!("{} to be assessed or in the dead-letter queue", self.id()), async || {
                (self.item().await["status"] == "analyzed" || !self.dead_letters().is_empty()).then_some(())
            })
            .await;
        }
        world.proxy.stop_faults([self.id().to_owned(), format!("C{}.", self.round)]);
        if self.band != "high" {
            return;
        }
        for _ in 0..REDRIVES_MAX {
            if self.item().await["status"] == "analyzed" {
                break;
            }
            let input = self.dead_letters().pop().map(|dead_letter| dead_letter["input"].clone()).unwrap_or_default();
            world.execute(&world.cloud.stack.webhook_state_machine_arn, &input).await;
        }
        let first = self.item().await;
        world.tally.judge(Promise::AssessedOnce, first["status"] == "analyzed", || format!("{first}"));
        let again = world.payments.about(self.id()).remove(0);
        world.execute(&world.cloud.stack.webhook_state_machine_arn, &again).await;
        let second = self.item().await;
        let is_current = first["analysis"] == second["analysis"] && first["analyzed_at_ms"] == second["analyzed_at_ms"];
        world.tally.judge(Promise::AssessedOnce, is_current, || format!("{first} became {second}"));
    }

    async fn is_stored_once_and_published(&self) {
        let tally = &self.world.tally;
        let item = self.item().await;
        let amount = amount_of(&self.payment);
        let kept = item["amount"] == amount && item["currency"] == self.payment["currency"];
        tally.judge(Promise::MoneyExact, kept, || format!("{amount}: {item}"));
        let is_done = item["published_at_ms"].is_string() && item["publishing_until_ms"].is_null();
        tally.judge(Promise::WebhooksOnce, is_done && item["amount_band"] == self.band, || format!("{item}"));
        let events = eventually(&format!("the event of {}", self.id()), async || {
            Some(self.world.payments.about(self.id())).filter(|events| !events.is_empty())
        })
        .await;
        let mut details: Vec<Value> = events.iter().map(|event| event["detail"].clone()).collect();
        for detail in &mut details {
            detail["published_at"] = Value::Null;
        }
        let first = details.first().cloned().unwrap_or_default();
        let is_one = first["amount"] == amount && details.iter().all(|detail| *detail == first);
        tally.judge(Promise::WebhooksOnce, is_one, || format!("{details:?}"));
        assert_eq!(other_items(&self.world.cloud, self.id(), &self.other.name).await, 0, "another provider's row");
    }

    /// Subscribers receive messages from the one route of the payment's band, and repeats name the original.
    async fn takes_only_its_route(&self) {
        let received = match self.band {
            "low" => self.world.alerts.about(self.id()),
            _ => {
                eventually(&format!("a message about {}", self.id()), async || {
                    Some(self.world.alerts.about(self.id())).filter(|received| !received.is_empty())
                })
                .await
            }
        };
        let item = self.item().await;
        for reported in &received {
            let message = message_of(reported);
            let alert = |kind: &str| format!("{}#{}#{kind}", self.provider.name, self.id());
            let kept = match (self.band, message["kind"].as_str()) {
                ("medium", None) => message["amount_band"] == "medium",
                ("high", Some("high_value")) => message["alert_id"] == alert("high_value"),
                ("high", Some("high_risk")) => {
                    let score = item["analysis"]["score"].as_str().map(str::to_owned);
                    message["alert_id"] == alert("high_risk")
                        && score.is_none_or(|score| message["risk_score"].to_string().contains(&score))
                }
                _ => false,
            };
            self.world.tally.judge(Promise::NotificationsRecognizable, kept, || format!("{} {message}", self.band));
        }
        let is_assessed = item["status"] == "analyzed";
        self.world.tally.judge(Promise::WebhooksOnce, is_assessed == (self.band == "high"), || format!("{item}"));
    }
}

/// The amount without zeros at its end, as it is stored.
pub(super) fn amount_of(payment: &Value) -> String {
    let text = payment["amount"].as_str().unwrap();
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

async fn other_items(cloud: &Cloud, id: &str, provider: &str) -> usize {
    let other = Provider { cloud, name: provider.to_owned(), secret: String::new() };
    usize::from(other.item(&json!({"transaction_id": id})).await.is_some())
}

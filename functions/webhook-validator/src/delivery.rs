//! One delivery of a payment that is signed and valid.
//!
//! The first delivery stores and publishes it, and has a bounded time for that. Other deliveries meanwhile wait for the
//! outcome, since a response of 200 promises that the payment will not be lost, and publish it themselves where the first one
//! did not finish.

use crate::Ports;
use adapters::payment_table::{PaymentKey, Written};
use adapters::{Failure, Tracer, clock};
use api::{ApiError, Code, Rejection};
use domain::Timestamp;
use domain::payments::webhook::{AmountBand, Delivery, KnownPayment, PUBLICATION_MILLISECONDS_MAX, Payment, Stage};
use serde_json::json;
use std::time::Duration;

const DETAIL_TYPE: &str = "Transaction Created";

/// How long to wait before reading again whether another delivery has published the payment.
const READ_AGAIN_MILLISECONDS: u64 = 100;

/// The outcome of a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The payment is stored and, if its event is one that is published, published.
    Accepted,
    /// That had happened before.
    Repeated,
}

/// Stores and publishes the payment, as far as that was not done.
pub(crate) async fn deliver(
    payment: &Payment,
    ports: &Ports,
    tracer: &Tracer,
    now_ms: u64,
) -> Result<Outcome, ApiError> {
    let delivering = Delivering { payment, key: PaymentKey::of(payment), ports, tracer };
    let mut known = match delivering.store(now_ms).await? {
        Written::Applied => return delivering.finish().await,
        Written::Conflict(known) => known,
    };
    loop {
        let now_ms = clock::now_ms();
        known = match known.on_delivery(&payment.digest, now_ms) {
            Delivery::Conflict => return Err(conflict()),
            Delivery::Repeat => return Ok(Outcome::Repeated),
            Delivery::Wait => delivering.read_again(known).await?,
            Delivery::Store => match delivering.store(now_ms).await? {
                Written::Applied => return delivering.finish().await,
                Written::Conflict(known) => known,
            },
            Delivery::Publish => match delivering.take_over(&known, now_ms).await? {
                Written::Applied => {
                    tracing::warn!("the publication that an earlier delivery began is completed");
                    return delivering.finish().await;
                }
                Written::Conflict(known) => known,
            },
        };
    }
}

/// 409, and a line by which the template's metric counts it: one id was used for two payments.
fn conflict() -> ApiError {
    tracing::error!(event = "transaction_conflict", "a payment with this id and other content was received before");
    let message = "A payment with this transaction_id and other content was received before. Nothing was changed. Use another \
                   transaction_id for another payment.";
    Rejection::new(Code::TransactionConflict, message).into()
}

struct Delivering<'a> {
    payment: &'a Payment,
    key: PaymentKey,
    ports: &'a Ports,
    tracer: &'a Tracer,
}

impl Delivering<'_> {
    async fn store(&self, now_ms: u64) -> Result<Written, Failure> {
        let until_ms = now_ms + PUBLICATION_MILLISECONDS_MAX;
        self.tracer.step("store", self.ports.payments.store(self.payment, now_ms, until_ms)).await
    }

    async fn take_over(&self, known: &KnownPayment, now_ms: u64) -> Result<Written, Failure> {
        let Stage::Publishing { until_ms: before_ms } = known.stage else {
            return Ok(Written::Conflict(known.clone()));
        };
        let until_ms = now_ms + PUBLICATION_MILLISECONDS_MAX;
        self.tracer.step("take over", self.ports.payments.take_over(&self.key, before_ms, until_ms)).await
    }

    async fn read_again(&self, known: KnownPayment) -> Result<KnownPayment, Failure> {
        // The API's own time limit ends the waiting.
        tokio::time::sleep(Duration::from_millis(READ_AGAIN_MILLISECONDS)).await;
        Ok(self.ports.payments.read(&self.key).await?.unwrap_or(known))
    }

    /// Publishes what is stored, and records that in the table. If that fails, the response is 503 and the sender tries again.
    async fn finish(&self) -> Result<Outcome, ApiError> {
        if !self.payment.event_type.is_routed() {
            tracing::info!(event = "payment_stored", "stored, and not routed");
            return Ok(Outcome::Accepted);
        }
        if let Err(failure) = self.tracer.step("publish", self.publish()).await {
            self.give_up().await;
            return Err(failure.into());
        }
        self.tracer.step("mark", self.ports.payments.published(self.payment, clock::now_ms())).await?;
        Ok(Outcome::Accepted)
    }

    /// Lets the next delivery publish at once, instead of after the time that this one had. Should that fail, the time ends
    /// by itself.
    async fn give_up(&self) {
        let now_ms = clock::now_ms();
        if let Ok(Some(KnownPayment { stage: Stage::Publishing { until_ms }, .. })) =
            self.ports.payments.read(&self.key).await
        {
            let _ = self.ports.payments.take_over(&self.key, until_ms, now_ms).await;
        }
    }

    async fn publish(&self) -> Result<(), Failure> {
        let payment = self.payment;
        let band = AmountBand::of(payment.amount);
        let detail = json!({
            "transaction_id": payment.transaction_id,
            "provider": payment.provider.as_str(),
            // As text: a bus and its targets make floats of numbers.
            "amount": payment.amount.to_string(),
            "amount_band": band.as_str(),
            "currency": payment.currency.code(),
            "customer_id": payment.customer_id,
            "published_at": Timestamp::from_unix_milliseconds(clock::now_ms()).to_milliseconds_text(),
        });
        self.ports.bus.publish(DETAIL_TYPE, &detail).await?;
        tracing::info!(event = "payment_published", band = band.as_str(), "published");
        Ok(())
    }
}

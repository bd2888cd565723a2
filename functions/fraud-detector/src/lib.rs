//! Assesses the risk of one payment, stores the analysis, and publishes an alert if the risk is high.
//!
//! A payment has one analysis, however often it is assessed: the first one that is written is in effect, and later runs
//! continue with it. Every step may be repeated at any time, so the next run completes one that was killed. An alert is
//! published once, as far as possible: if a run is killed between publishing and recording, the next one publishes
//! again with the same `alert_id`.

mod alert;

use adapters::customer_table::KnownCustomer;
use adapters::payment_table::{CurrentAnalysis, PaymentKey, StoredPayment};
use adapters::{Configuration, CustomerTable, Failure, PaymentTable, Topic, Tracer, logging};
use alert::RiskAlert;
use domain::payments::archive::ArchivedPayment;
use domain::payments::risk::{self, Analysis, PaymentFacts, RiskFactor, RiskLevel, RiskScore};
use serde::{Deserialize, Serialize};

/// The input: the payment to assess.
#[derive(Clone, Debug, Deserialize)]
pub struct AssessTask {
    /// Its id.
    pub transaction_id: String,
    /// The name of its provider.
    pub provider: String,
}

/// The outcome.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Assessment {
    /// The payment has an analysis.
    Assessed {
        /// The payment's id.
        transaction_id: String,
        /// The name of its provider.
        provider: String,
        /// How risky it is, from 0 to 1, as a string.
        risk_score: RiskScore,
        /// What the score means.
        risk_level: RiskLevel,
        /// The factors found.
        factors: Vec<RiskFactor>,
        /// Whether an alert was published, now or before.
        alerted: bool,
    },
    /// The payment is not in the table: it was archived or never stored. Nothing was done.
    Gone {
        /// The payment's id.
        transaction_id: String,
        /// The name of its provider.
        provider: String,
    },
}

/// The resources of the function.
#[derive(Debug)]
pub struct Ports {
    /// The table of payments.
    pub payments: PaymentTable,
    /// The table of customers.
    pub customers: CustomerTable,
    /// The topic of alerts.
    pub alerts: Topic,
    /// The environment that alerts name.
    pub environment: String,
}

impl Ports {
    /// The ports of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self {
            payments: PaymentTable::new(configuration)?,
            customers: CustomerTable::new(configuration)?,
            alerts: Topic::of_alerts(configuration)?,
            environment: configuration.variable("ENVIRONMENT")?,
        })
    }
}

/// Assesses one payment.
///
/// # Errors
/// A table or the topic rejected a call or did not respond, or an item is malformed.
pub async fn handle(task: AssessTask, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Assessment, Failure> {
    logging::set_transaction_id(&task.transaction_id);
    let key = PaymentKey::of_created(&task.transaction_id, &task.provider);
    let detector = Detector { key, ports, tracer, now_ms };
    Ok(match detector.assess().await? {
        Some(current) => detector.assessed(current),
        None => detector.gone(),
    })
}

struct Detector<'a> {
    key: PaymentKey,
    ports: &'a Ports,
    tracer: &'a Tracer,
    now_ms: u64,
}

impl Detector<'_> {
    /// Completes the remaining steps for the payment. Returns its analysis; none if the payment does not exist.
    async fn assess(&self) -> Result<Option<CurrentAnalysis>, Failure> {
        let stored = self.tracer.step("read payment", self.ports.payments.read_payment(&self.key)).await?;
        let Some(StoredPayment { payment, is_alerted }) = stored else {
            return Ok(None);
        };
        let profile = self.ports.customers.read(&payment.provider, &payment.customer_id);
        let customer = self.tracer.step("read profile", profile).await?;
        let current = match payment.analysis.clone() {
            Some(analysis) => Some(CurrentAnalysis { analysis, is_alerted }),
            None => self.analyze(&payment, customer.as_ref()).await?,
        };
        let Some(mut current) = current else {
            return Ok(None);
        };
        // Before the profile is written: the alert is urgent, and the profile is for later payments.
        if current.analysis.level == RiskLevel::HighRisk && !current.is_alerted {
            self.alert(&payment, &current.analysis).await?;
            current.is_alerted = true;
        }
        let facts = facts(&payment);
        let learn = self.ports.customers.learn(&payment.provider, &payment.customer_id, customer, &facts);
        self.tracer.step("write profile", learn).await?;
        Ok(Some(current))
    }

    async fn analyze(
        &self,
        payment: &ArchivedPayment,
        customer: Option<&KnownCustomer>,
    ) -> Result<Option<CurrentAnalysis>, Failure> {
        let ArchivedPayment { provider, customer_id, received_at_ms, digest, .. } = payment;
        let recent = self.ports.payments.recent_of_customer(provider, customer_id, *received_at_ms);
        let recent = self.tracer.step("read recent payments", recent).await?;
        let analysis = risk::assess(&facts(payment), &recent, customer.map(|customer| &customer.profile));
        let write = self.ports.payments.write_analysis(&self.key, digest, &analysis, self.now_ms);
        self.tracer.step("write analysis", write).await
    }

    async fn alert(&self, payment: &ArchivedPayment, analysis: &Analysis) -> Result<(), Failure> {
        let alert = RiskAlert::new(payment, analysis, &self.ports.environment, self.now_ms);
        self.tracer.step("alert", self.ports.alerts.publish(&alert, &alert.attributes())).await?;
        tracing::info!(event = "alert_published", alert_id = alert.alert_id, "alert published");
        let mark = self.ports.payments.alerted(&self.key, &payment.digest, self.now_ms);
        self.tracer.step("mark alerted", mark).await
    }

    fn assessed(self, current: CurrentAnalysis) -> Assessment {
        let Analysis { score, level, factors } = current.analysis;
        tracing::info!(event = "payment_assessed", risk_score = %score, risk_level = level.as_str(), "payment assessed");
        Assessment::Assessed {
            provider: self.key.event_key.provider().to_owned(),
            transaction_id: self.key.transaction_id,
            risk_score: score,
            risk_level: level,
            factors: factors.into_iter().map(|finding| finding.factor).collect(),
            alerted: current.is_alerted,
        }
    }

    fn gone(self) -> Assessment {
        tracing::warn!(event = "payment_gone", "the payment is not in the table; nothing is assessed");
        let provider = self.key.event_key.provider().to_owned();
        Assessment::Gone { transaction_id: self.key.transaction_id, provider }
    }
}

/// The facts that count for the risk of a payment.
fn facts(payment: &ArchivedPayment) -> PaymentFacts<'_> {
    PaymentFacts {
        transaction_id: &payment.transaction_id,
        amount: payment.amount,
        currency: payment.currency,
        received_at_ms: payment.received_at_ms,
        metadata: payment.metadata.as_deref(),
    }
}

#[cfg(test)]
mod tests;

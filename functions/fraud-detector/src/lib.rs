//! Assesses the risk of one payment, keeps what it found, and tells somebody where the risk is high.
//!
//! A payment has one analysis, whoever assesses it and however often: the first that is written stands, and whoever comes
//! later goes on with that one. Every step may be repeated at any time, so a run that died is completed by the next.
//! Somebody is told once, as far as that can be: a run that died between telling and recording it is followed by one that
//! tells again, under the same `alert_id`.

mod alert;

use adapters::customer_table::KnownCustomer;
use adapters::payment_table::{CurrentAnalysis, PaymentKey, StoredPayment};
use adapters::{Configuration, CustomerTable, Failure, PaymentTable, Topic, Tracer, logging};
use alert::RiskAlert;
use domain::payments::archive::ArchivedPayment;
use domain::payments::risk::{self, Analysis, PaymentFacts, RiskFactor, RiskLevel, RiskScore};
use serde::{Deserialize, Serialize};

/// The input: which payment to assess.
#[derive(Clone, Debug, Deserialize)]
pub struct AssessTask {
    /// Its id.
    pub transaction_id: String,
    /// The name of its provider.
    pub provider: String,
}

/// What became of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Assessment {
    /// The payment has an analysis.
    Assessed {
        /// The payment's id.
        transaction_id: String,
        /// The name of its provider.
        provider: String,
        /// How risky it is, from 0 to 1, as text.
        risk_score: RiskScore,
        /// What the score means.
        risk_level: RiskLevel,
        /// What was found.
        factors: Vec<RiskFactor>,
        /// Whether somebody was told, now or before.
        alerted: bool,
    },
    /// The payment is not in the table, because it was archived or never stored. Nothing was done.
    Gone {
        /// The payment's id.
        transaction_id: String,
        /// The name of its provider.
        provider: String,
    },
}

/// What the function reaches outside itself.
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
/// A table or the topic refused a call or did not answer, or what a table holds is not ours.
pub async fn handle(task: AssessTask, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Assessment, Failure> {
    logging::set_transaction_id(&task.transaction_id);
    let key = PaymentKey::of_created(&task.transaction_id, &task.provider);
    let detector = Detector { key, ports, tracer, now_ms };
    Ok(match detector.assess().await? {
        Some(standing) => detector.assessed(standing),
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
    /// Does what is left to do for the payment. Returns its analysis, with somebody told of it where that is due; none if
    /// the payment is gone.
    async fn assess(&self) -> Result<Option<CurrentAnalysis>, Failure> {
        let stored = self.tracer.step("read payment", self.ports.payments.read_payment(&self.key)).await?;
        let Some(StoredPayment { payment, is_alerted }) = stored else {
            return Ok(None);
        };
        let profile = self.ports.customers.read(&payment.provider, &payment.customer_id);
        let customer = self.tracer.step("read profile", profile).await?;
        let standing = match payment.analysis.clone() {
            Some(analysis) => Some(CurrentAnalysis { analysis, is_alerted }),
            None => self.analyze(&payment, customer.as_ref()).await?,
        };
        let Some(mut standing) = standing else {
            return Ok(None);
        };
        // Before the profile is written: somebody waits for the alert, and the profile is for later payments.
        if standing.analysis.level == RiskLevel::HighRisk && !standing.is_alerted {
            self.alert(&payment, &standing.analysis).await?;
            standing.is_alerted = true;
        }
        let facts = facts(&payment);
        let learn = self.ports.customers.learn(&payment.provider, &payment.customer_id, customer, &facts);
        self.tracer.step("write profile", learn).await?;
        Ok(Some(standing))
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
        tracing::info!(event = "alert_published", alert_id = alert.alert_id, "alerted");
        let mark = self.ports.payments.alerted(&self.key, &payment.digest, self.now_ms);
        self.tracer.step("mark alerted", mark).await
    }

    fn assessed(self, standing: CurrentAnalysis) -> Assessment {
        let Analysis { score, level, factors } = standing.analysis;
        tracing::info!(event = "payment_assessed", risk_score = %score, risk_level = level.as_str(), "assessed");
        Assessment::Assessed {
            provider: self.key.event_key.provider().to_owned(),
            transaction_id: self.key.transaction_id,
            risk_score: score,
            risk_level: level,
            factors: factors.into_iter().map(|finding| finding.factor).collect(),
            alerted: standing.is_alerted,
        }
    }

    fn gone(self) -> Assessment {
        tracing::warn!("the payment is not in the table; nothing is assessed");
        let provider = self.key.event_key.provider().to_owned();
        Assessment::Gone { transaction_id: self.key.transaction_id, provider }
    }
}

/// What counts for the risk of a payment.
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

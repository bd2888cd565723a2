//! How risky a payment is, and why: named factors with fixed weights.
//!
//! Nothing is random and no clock is read: the same payment, with the same payments before it, has the same score whenever
//! and however often it is computed. A customer is a `customer_id` of one provider; two providers may mean two people by it.

mod assessment;
mod factor;
mod profile;

pub use assessment::{Analysis, FactorFinding, PaymentFacts, RecentPayment, assess};
pub use factor::{RiskFactor, RiskLevel, RiskScore};
pub use profile::{CustomerProfile, KnownValue, Moment};

//! The risk of a payment: named factors with fixed weights.
//!
//! Nothing is random and no clock is read: the same payment, with the same payments before it, has the same score
//! whenever and however often it is computed. A customer is a `customer_id` of one provider; the same id of another
//! provider is another customer.

mod assessment;
mod factor;
mod profile;

pub use assessment::{Analysis, FactorFinding, PaymentFacts, RecentPayment, assess};
pub use factor::{RiskFactor, RiskLevel, RiskScore};
pub use profile::{CustomerProfile, KnownValue, Moment};

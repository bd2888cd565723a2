//! Payments that providers announce by webhook: who signed one, what it says, where it goes.

mod band;
mod delivery;
mod event;
mod event_key;
mod fault;
mod outstanding;
mod payment;
mod provider;
mod secret;
pub mod signature;
mod status;

pub use band::AmountBand;
pub use delivery::{Delivery, KnownPayment, PUBLICATION_MILLISECONDS_MAX, Stage};
pub use event::EventType;
pub use event_key::EventKey;
pub use fault::{Field, PaymentFault, PaymentFaultCode};
pub use outstanding::Outstanding;
pub use payment::Payment;
pub use provider::Provider;
pub use secret::{Keyring, KeyringFault, ProviderSecrets, Secret, SecretFault};
pub use signature::{SignatureFault, SignatureHeaders};
pub use status::PaymentStatus;

//! Payments that providers send by webhook: the signature, the body, the route.

mod band;
mod delivery;
mod error;
mod event;
mod event_key;
mod outstanding;
mod payment;
mod provider;
mod secret;
pub mod signature;
mod status;

pub use band::AmountBand;
pub use delivery::{Delivery, KnownPayment, PUBLICATION_MILLISECONDS_MAX, Stage};
pub use error::{Field, PaymentError, PaymentErrorCode};
pub use event::EventType;
pub use event_key::EventKey;
pub use outstanding::Outstanding;
pub use payment::Payment;
pub use provider::Provider;
pub use secret::{Keyring, KeyringError, ProviderSecrets, Secret, SecretError};
pub use signature::{SignatureError, SignatureHeaders};
pub use status::PaymentStatus;

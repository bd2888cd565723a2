//! The signing secrets of providers.

use super::Provider;
use crate::Redacted;
use crate::limits::{PROVIDER_SECRETS_MAX, PROVIDERS_MAX, SECRET_BYTES_MAX, SECRET_BYTES_MIN};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;

/// The key of a provider's signatures. It is never shown, and cannot be compared by `==`, whose time would reveal how
/// many bytes were right.
///
/// ```
/// let secret = domain::payments::webhook::Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// assert!(secret.is_same_as(&secret.clone()));
/// # Ok::<(), domain::payments::webhook::SecretError>(())
/// ```
///
/// ```compile_fail
/// let secret = domain::payments::webhook::Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// assert!(secret == secret.clone());
/// # Ok::<(), domain::payments::webhook::SecretError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Secret(Redacted<Vec<u8>>);

/// Why a text is not a secret. It never holds any of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SecretError {
    /// Not base64 of the standard alphabet, with its padding.
    #[error("the secret is not base64, with or without whsec_ before it")]
    Malformed,
    /// Fewer than 24 bytes or more than 64.
    #[error("the secret has not between 24 and 64 bytes")]
    Length,
}

impl Secret {
    /// Reads a secret as Standard Webhooks writes it: base64 of 24 to 64 bytes, with or without `whsec_` before it.
    ///
    /// # Errors
    /// A [`SecretError`] that says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let key = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).map_err(|_| SecretError::Malformed)?;
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&key.len()) {
            return Err(SecretError::Length);
        }
        Ok(Self(Redacted::new(key)))
    }

    /// Whether both are the same key. For keys of the same length, it takes constant time.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0.is_same_as(other.key())
    }

    pub(super) fn key(&self) -> &[u8] {
        self.0.reveal()
    }
}

/// The secrets of a provider that are valid now.
#[derive(Clone, Debug)]
pub struct ProviderSecrets {
    /// The provider.
    pub provider: Provider,
    /// One, or two while they are being rotated.
    pub secrets: Vec<Secret>,
}

/// The secrets of all providers. No two providers share one, so that a signature has one signer.
#[derive(Clone, Debug, Default)]
pub struct Keyring(Vec<ProviderSecrets>);

/// Why secrets are not a keyring. This is an error of the configuration: nothing is accepted until it is fixed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyringError {
    /// More than [`PROVIDERS_MAX`] providers.
    #[error("there are more than {PROVIDERS_MAX} providers")]
    TooManyProviders,
    /// More than [`PROVIDER_SECRETS_MAX`] secrets of one provider.
    #[error("{} has more than {PROVIDER_SECRETS_MAX} secrets", .0.as_str())]
    TooManySecrets(Provider),
    /// A provider that is listed twice.
    #[error("{} is listed twice", .0.as_str())]
    ProviderRepeated(Provider),
    /// A secret that another provider has as well: either could sign for the other.
    #[error("{} has a secret that another provider has as well", .0.as_str())]
    SecretShared(Provider),
}

impl Keyring {
    /// The keyring of these providers. If it is empty, no signature verifies.
    ///
    /// # Errors
    /// A [`KeyringError`] that names the provider.
    pub fn new(providers: Vec<ProviderSecrets>) -> Result<Self, KeyringError> {
        if providers.len() > PROVIDERS_MAX {
            return Err(KeyringError::TooManyProviders);
        }
        let (mut names, mut others) = (BTreeSet::new(), Vec::<&Secret>::new());
        for ProviderSecrets { provider, secrets } in &providers {
            if secrets.len() > PROVIDER_SECRETS_MAX {
                return Err(KeyringError::TooManySecrets(provider.clone()));
            }
            if !names.insert(provider) {
                return Err(KeyringError::ProviderRepeated(provider.clone()));
            }
            // Each is compared with each other one. There are 200 at most, and they are read rarely.
            if secrets.iter().any(|secret| others.iter().any(|other| secret.is_same_as(other))) {
                return Err(KeyringError::SecretShared(provider.clone()));
            }
            others.extend(secrets);
        }
        Ok(Self(providers))
    }

    /// Every secret with its provider.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (&Provider, &Secret)> {
        self.0.iter().flat_map(|provider| provider.secrets.iter().map(|secret| (&provider.provider, secret)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> Secret {
        Secret::parse(&STANDARD.encode([byte; 24])).unwrap()
    }

    fn of(name: &str, secrets: Vec<Secret>) -> ProviderSecrets {
        ProviderSecrets { provider: Provider::named(name).unwrap(), secrets }
    }

    #[test]
    fn secrets_are_read_strictly_and_never_shown() {
        let text = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let (bare, prefixed) = (Secret::parse(text).unwrap(), Secret::parse(&format!("whsec_{text}")).unwrap());
        assert!(bare.is_same_as(&prefixed) && !bare.is_same_as(&secret(1)));
        let shown = format!("{:?}", of("acme", vec![Secret::parse(text).unwrap()]));
        assert!(shown.contains("redacted") && !shown.contains("MfKQ") && !shown.contains("49, 242"), "{shown}");
        for (text, error) in [
            ("", SecretError::Length),
            ("whsec_", SecretError::Length),
            ("c2hvcnQ=", SecretError::Length),
            (&STANDARD.encode([7; 23]), SecretError::Length),
            (&STANDARD.encode([7; 65]), SecretError::Length),
            ("not base64 at all", SecretError::Malformed),
            ("whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SecretError::Malformed),
            (" MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SecretError::Malformed),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", SecretError::Malformed),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", SecretError::Malformed),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-", SecretError::Malformed),
        ] {
            assert_eq!(Secret::parse(text).err(), Some(error), "{text:?}");
        }
        assert!(Secret::parse(&STANDARD.encode([7; 24])).is_ok() && Secret::parse(&STANDARD.encode([7; 64])).is_ok());
    }

    #[test]
    fn a_keyring_has_one_signer_for_each_secret() {
        let named = |name: &str| Provider::named(name).unwrap();
        for (providers, expected) in [
            (vec![], None),
            (vec![of("a", vec![secret(1), secret(2)]), of("b", vec![secret(3)]), of("c", vec![])], None),
            (vec![of("a", vec![secret(1), secret(2), secret(3)])], Some(KeyringError::TooManySecrets(named("a")))),
            (
                vec![of("a", vec![secret(1)]), of("a", vec![secret(2)])],
                Some(KeyringError::ProviderRepeated(named("a"))),
            ),
            (
                vec![of("a", vec![secret(1)]), of("b", vec![secret(2), secret(1)])],
                Some(KeyringError::SecretShared(named("b"))),
            ),
            ((0..=100).map(|at| of(&format!("p{at}"), vec![])).collect(), Some(KeyringError::TooManyProviders)),
        ] {
            assert_eq!(Keyring::new(providers).err(), expected);
        }
    }
}

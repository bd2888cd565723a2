//! The secrets that providers sign with, from Secrets Manager: one for each provider, read once and now and then again.
//!
//! A secret's value is JSON, `{"secrets": ["whsec_…"]}`, with two while they are being rotated. What it holds is never
//! logged.

use crate::Configuration;
use crate::failure::{Failure, FailureKind};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use domain::payments::webhook::{Keyring, Provider, ProviderSecrets, Secret};
use futures::future;
use futures::lock::Mutex;
use serde::Deserialize;
use std::sync::Arc;

/// How long the secrets are used before they are read again: a secret that was revoked is refused after this, at the latest.
const REFRESH_MILLISECONDS_DEFAULT: u64 = 5 * 60 * 1000;
/// A signature that fits no secret has them read again, so that a new secret is known at once; but no more often than this,
/// or forged webhooks would be paid for by calls.
const REFRESH_MILLISECONDS_MIN: u64 = 10 * 1000;

/// What could not be read is read again after this: it may be there again.
const UNREADABLE_MILLISECONDS_MAX: u64 = 1000;

/// The secrets of all providers.
#[derive(Debug)]
pub struct SigningSecrets {
    client: Client,
    prefix: String,
    providers: Vec<Provider>,
    refresh_ms: u64,
    read: Mutex<Option<Read>>,
}

/// The secrets as they were read.
#[derive(Clone, Debug)]
struct Read {
    secrets: Arc<ReadSecrets>,
    at_ms: u64,
}

impl Read {
    /// How old these may be, where `age_ms` is for secrets that are complete.
    fn age_max_ms(&self, age_ms: u64) -> u64 {
        if self.secrets.unreadable.is_some() { age_ms.min(UNREADABLE_MILLISECONDS_MAX) } else { age_ms }
    }
}

/// The secrets that could be read.
#[derive(Debug)]
pub struct ReadSecrets {
    /// Those of all providers but the unreadable ones.
    pub keyring: Keyring,
    /// Why a provider's secret could not be read. Whoever signed with that is refused for no error of its own; the
    /// others are not concerned.
    pub unreadable: Option<Failure>,
}

/// What a secret's value is.
#[derive(Deserialize)]
struct SecretValue {
    secrets: Vec<String>,
}

impl SigningSecrets {
    /// The secrets of this environment. Nothing is read yet.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        let names = configuration.names("WEBHOOK_PROVIDERS");
        let seconds = configuration.variable("SECRETS_REFRESH_SECONDS").ok().and_then(|text| text.parse::<u64>().ok());
        Ok(Self {
            client: Client::new(configuration.sdk()),
            prefix: configuration.variable("SIGNING_SECRETS_PREFIX")?,
            providers: names.iter().filter_map(|name| Provider::named(name.as_str())).collect(),
            refresh_ms: seconds.map_or(REFRESH_MILLISECONDS_DEFAULT, |seconds| seconds * 1000),
            read: Mutex::default(),
        })
    }

    /// The secrets, read again if they are old.
    ///
    /// # Errors
    /// The secrets are not a keyring.
    pub async fn current(&self, now_ms: u64) -> Result<Arc<ReadSecrets>, Failure> {
        self.not_older_than(self.refresh_ms, now_ms).await
    }

    /// The secrets for a signature that fitted none of [`Self::current`]: read again, unless that was done just now.
    ///
    /// # Errors
    /// As of [`Self::current`].
    pub async fn newest(&self, now_ms: u64) -> Result<Arc<ReadSecrets>, Failure> {
        self.not_older_than(REFRESH_MILLISECONDS_MIN.min(self.refresh_ms), now_ms).await
    }

    async fn not_older_than(&self, age_ms: u64, now_ms: u64) -> Result<Arc<ReadSecrets>, Failure> {
        // Held while they are read, so that who comes meanwhile does not read them too.
        let mut known = self.read.lock().await;
        if let Some(read) = known.as_ref().filter(|read| now_ms.saturating_sub(read.at_ms) < read.age_max_ms(age_ms)) {
            return Ok(Arc::clone(&read.secrets));
        }
        let mut unreadable = None;
        let mut readable = Vec::new();
        for read in future::join_all(self.providers.iter().map(|provider| self.read(provider))).await {
            match read {
                Ok(secrets) => readable.push(secrets),
                Err(failure) => {
                    let error = failure.kind.name();
                    tracing::error!(
                        event = "secret_unreadable",
                        error,
                        detail = failure.detail,
                        "a secret cannot be read"
                    );
                    unreadable = Some(failure);
                }
            }
        }
        let keyring = Keyring::new(readable)
            .map_err(|error| Failure::new(FailureKind::InvalidInput, format!("signing secrets: {error}")))?;
        let secrets = Arc::new(ReadSecrets { keyring, unreadable });
        *known = Some(Read { secrets: Arc::clone(&secrets), at_ms: now_ms });
        Ok(secrets)
    }

    /// The secrets of one provider; none where it has no secret, so that one provider's absence stops no other.
    async fn read(&self, provider: &Provider) -> Result<ProviderSecrets, Failure> {
        let name = format!("{}{}", self.prefix, provider.as_str());
        let secrets = match self.client.get_secret_value().secret_id(&name).send().await {
            Ok(value) => parse(value.secret_string().unwrap_or_default(), &name)?,
            Err(error) => match error.as_service_error() {
                Some(GetSecretValueError::ResourceNotFoundException(_)) => {
                    tracing::warn!(
                        event = "secret_missing",
                        provider = provider.as_str(),
                        "the provider has no secret"
                    );
                    Vec::new()
                }
                _ => {
                    let call = "secretsmanager:GetSecretValue";
                    return Err(Failure::of_call(call, &error, FailureKind::SecretsUnavailable));
                }
            },
        };
        Ok(ProviderSecrets { provider: provider.clone(), secrets })
    }
}

/// Reads a secret's value. What is wrong with it is told without its text.
fn parse(text: &str, name: &str) -> Result<Vec<Secret>, Failure> {
    let unreadable = |why: String| Failure::new(FailureKind::InvalidInput, format!("the secret {name}: {why}"));
    let value: SecretValue =
        serde_json::from_str(text).map_err(|_| unreadable("it is not {\"secrets\": [\"whsec_…\"]}".to_owned()))?;
    value.secrets.iter().map(|text| Secret::parse(text).map_err(|error| unreadable(error.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_secret_is_told_without_it() {
        assert_eq!(parse(r#"{"secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}"#, "n").unwrap().len(), 1);
        assert!(parse(r#"{"secrets": []}"#, "n").unwrap().is_empty());
        for text in ["", "whsec_c2VjcmV0", r#"{"secrets": "whsec_c2VjcmV0"}"#, r#"{"secrets": ["whsec_c2VjcmV0"]}"#] {
            let failure = parse(text, "webhook/dev/acme").unwrap_err();
            assert!(failure.detail.starts_with("the secret webhook/dev/acme: "), "{failure}");
            assert!(!failure.detail.contains("c2VjcmV0"), "{failure}");
        }
    }
}

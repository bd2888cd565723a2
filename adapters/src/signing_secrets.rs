//! The signing secrets of providers from Secrets Manager: one for each provider, cached and refreshed.
//!
//! The value of a secret is JSON, `{"secrets": ["whsec_…"]}`, with two entries during a rotation. It is never logged.

use crate::Configuration;
use crate::failure::{Failure, FailureKind};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use domain::payments::webhook::{Keyring, Provider, ProviderSecrets, Secret};
use futures::future;
use futures::lock::Mutex;
use serde::Deserialize;
use std::sync::Arc;

/// How long the secrets are cached: a revoked secret is rejected after this time at the latest.
const REFRESH_MILLISECONDS_DEFAULT: u64 = 5 * 60 * 1000;
/// A signature that matches no secret makes them be read again, so that a new secret works at once; but no more often
/// than this, so that forged webhooks do not cause calls.
const REFRESH_MILLISECONDS_MIN: u64 = 10 * 1000;

/// How long an incomplete result is cached.
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
    /// The maximum age of these secrets, where `age_ms` is that of complete ones.
    fn age_max_ms(&self, age_ms: u64) -> u64 {
        if self.secrets.unreadable.is_some() { age_ms.min(UNREADABLE_MILLISECONDS_MAX) } else { age_ms }
    }
}

/// The secrets that could be read.
#[derive(Debug)]
pub struct ReadSecrets {
    /// The secrets of all providers except the unreadable ones.
    pub keyring: Keyring,
    /// Why the secret of a provider could not be read. Its webhooks cannot be verified, which is not the provider's
    /// error; others are not affected.
    pub unreadable: Option<Failure>,
}

/// The value of a secret.
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

    /// The secrets, refreshed if they are old.
    ///
    /// # Errors
    /// The secrets do not form a keyring.
    pub async fn current(&self, now_ms: u64) -> Result<Arc<ReadSecrets>, Failure> {
        self.not_older_than(self.refresh_ms, now_ms).await
    }

    /// The secrets for a signature that matched none of [`Self::current`]: read again, unless they were just read.
    ///
    /// # Errors
    /// As of [`Self::current`].
    pub async fn newest(&self, now_ms: u64) -> Result<Arc<ReadSecrets>, Failure> {
        self.not_older_than(REFRESH_MILLISECONDS_MIN.min(self.refresh_ms), now_ms).await
    }

    async fn not_older_than(&self, age_ms: u64, now_ms: u64) -> Result<Arc<ReadSecrets>, Failure> {
        // Held while they are read, so that concurrent callers do not read them too.
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
                    tracing::error!(
                        event = "secret_unreadable",
                        error = failure.kind.name(),
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

    /// The secrets of one provider; none if it has no secret, so that a missing secret affects no other provider.
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

/// Reads the value of a secret. The failure never has its text.
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
    fn a_failure_never_has_the_secret() {
        assert_eq!(parse(r#"{"secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}"#, "n").unwrap().len(), 1);
        assert!(parse(r#"{"secrets": []}"#, "n").unwrap().is_empty());
        for text in ["", "whsec_c2VjcmV0", r#"{"secrets": "whsec_c2VjcmV0"}"#, r#"{"secrets": ["whsec_c2VjcmV0"]}"#] {
            let failure = parse(text, "webhook/dev/acme").unwrap_err();
            assert!(failure.detail.starts_with("the secret webhook/dev/acme: "), "{failure}");
            assert!(!failure.detail.contains("c2VjcmV0"), "{failure}");
        }
    }
}

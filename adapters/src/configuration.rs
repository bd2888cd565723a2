//! The configuration of a function from its environment, and of its clients.

use crate::failure::{Failure, FailureKind};
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use domain::{Partner, Schedules};
use std::time::Duration;

/// Longest time for one try of one call, and for a call with its own retries. The workflow's shortest state timeout is
/// eight seconds.
const CALL_TRY_SECONDS_MAX: u64 = 3;
const CALL_SECONDS_MAX: u64 = 6;
/// How often a call is tried, and the waits between, which double from the first to the longest.
const CALL_TRIES_MAX: u32 = 5;
const FIRST_WAIT_MILLISECONDS: u64 = 100;
const LONGEST_WAIT_SECONDS: u64 = 2;

/// The configuration of a function. Each adapter reads its own variables, so that a function needs only those of the
/// resources that it uses.
#[derive(Clone, Debug)]
pub struct Configuration {
    sdk: SdkConfig,
}

impl Configuration {
    /// The configuration of every client, from the environment.
    pub async fn from_environment() -> Self {
        Self { sdk: sdk().await }
    }

    /// A configuration with other clients, for tests that simulate AWS in the process.
    #[must_use]
    pub fn of_sdk(sdk: SdkConfig) -> Self {
        Self { sdk }
    }

    /// The configuration of every client.
    #[must_use]
    pub fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// The value of a variable.
    ///
    /// # Errors
    /// It is missing or empty.
    pub fn variable(&self, name: &str) -> Result<String, Failure> {
        std::env::var(name).ok().filter(|value| !value.is_empty()).ok_or_else(|| {
            Failure::new(FailureKind::InvalidInput, format!("the environment variable {name} is missing"))
        })
    }

    /// The value of a variable that may be missing or empty.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        std::env::var(name).unwrap_or_default()
    }

    /// The schedules of partners. A part that cannot be read is logged, and makes the report of missing files fail.
    #[must_use]
    pub fn schedules(&self) -> Schedules {
        let schedules = Schedules::read(&self.text("PARTNER_SCHEDULES"));
        for part in schedules.errors() {
            tracing::error!(event = "schedule_unreadable", part, "a part of PartnerSchedules cannot be read");
        }
        schedules
    }

    /// The well-formed names in a variable with a comma-separated list. It may be missing or empty.
    #[must_use]
    pub fn names(&self, variable: &str) -> Vec<Partner> {
        let list = self.text(variable);
        list.split(',').map(str::trim).filter_map(Partner::named).collect()
    }
}

/// Adaptive retries, which slow down the whole client if a service throttles it.
pub(crate) fn retries(tries_max: u32) -> RetryConfig {
    RetryConfig::adaptive()
        .with_max_attempts(tries_max)
        .with_initial_backoff(Duration::from_millis(FIRST_WAIT_MILLISECONDS))
        .with_max_backoff(Duration::from_secs(LONGEST_WAIT_SECONDS))
}

/// Standard retries, for a caller that handles throttling itself.
pub(crate) fn steady_retries(tries_max: u32) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(tries_max)
        .with_initial_backoff(Duration::from_millis(FIRST_WAIT_MILLISECONDS))
        .with_max_backoff(Duration::from_secs(LONGEST_WAIT_SECONDS))
}

/// A call ends after this many seconds, its retries included, and each try of it after [`CALL_TRY_SECONDS_MAX`].
pub(crate) fn timeouts(call_seconds_max: u64) -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(CALL_TRY_SECONDS_MAX))
        .operation_timeout(Duration::from_secs(call_seconds_max))
        .build()
}

/// Credentials come only from the environment, as Lambda sets them, and TLS from `ring`: the default chain and the
/// default provider take start-up time and are not needed.
async fn sdk() -> SdkConfig {
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .retry_config(retries(CALL_TRIES_MAX))
        .timeout_config(timeouts(CALL_SECONDS_MAX))
        .load()
        .await
}

//! The commands for operators. They use the tables and queues directly, with the AWS credentials of the shell.

pub(crate) mod dead_letter;
pub(crate) mod file_status;
pub(crate) mod interruption;
pub(crate) mod publisher;
pub(crate) mod queue;
pub(crate) mod redrive;
pub(crate) mod row;
pub(crate) mod shards;
pub(crate) mod transactions;
pub(crate) mod work;
pub(crate) mod workflow;

use crate::http::runtime;
use crate::problem::{Exit, Problem};
use crate::settings::{Settings, is_this_machine};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

const REGION_DEFAULT: &str = "us-east-1";
/// The error codes of AWS services for a missing permission or an invalid credential.
const DENIED: [&str; 9] = [
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "InvalidSignatureException",
];
/// The error codes of AWS services for a missing resource.
const NOT_THERE: [&str; 3] =
    ["ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"];

/// The AWS clients and their runtime.
pub(crate) struct Aws {
    pub(crate) runtime: tokio::runtime::Runtime,
    sdk: SdkConfig,
}

impl Aws {
    /// For the local cloud, if the profile has one; otherwise for AWS with the credentials of the shell. The profile comes
    /// first, so that a local test never reaches an AWS account.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Problem> {
        let runtime = runtime()?;
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
        if let Some(local) = &settings.profile.local_cloud {
            if !local.endpoint.strip_prefix("http://").is_some_and(is_this_machine) {
                let message = "local_cloud.endpoint is not on this machine. For AWS, use the credentials of the shell.";
                return Err(Problem::usage("local_cloud_elsewhere", message));
            }
            let secret = local.secret_access_key.reveal();
            loader = loader
                .endpoint_url(&local.endpoint)
                .region(Region::new(local.region.clone()))
                .credentials_provider(Credentials::new(&local.access_key_id, secret, None, None, "local cloud"));
        }
        let mut sdk = runtime.block_on(loader.load());
        if sdk.region().is_none() {
            sdk = sdk.into_builder().region(Region::new(REGION_DEFAULT)).build();
        }
        Ok(Self { runtime, sdk })
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk)
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        // An emulator has no host name for each bucket.
        let path_style = self.sdk.endpoint_url().is_some();
        aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&self.sdk).force_path_style(path_style).build())
    }

    pub(crate) fn step_functions(&self) -> aws_sdk_sfn::Client {
        aws_sdk_sfn::Client::new(&self.sdk)
    }

    pub(crate) fn event_bridge(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::new(&self.sdk)
    }

    /// The endpoint of all services, if there is one: at an emulator.
    pub(crate) fn endpoint(&self) -> Option<String> {
        self.sdk.endpoint_url().map(str::to_owned)
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk)
    }
}

/// An error of AWS, or that it was not reached.
pub(crate) fn aws_problem<E, R>(call: &str, error: &SdkError<E, R>) -> Problem
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    if DENIED.contains(&code) {
        let message =
            format!("AWS denied {call}: {code}. Check the credentials, their permissions and the region of the shell.");
        return Problem::new(Exit::Denied, "aws_denied", message);
    }
    if NOT_THERE.contains(&code) {
        let message = format!("AWS did not find the resource of {call}. Check --env and the region of the shell.");
        return Problem::usage("aws_not_found", message);
    }
    let details = DisplayErrorContext(error).to_string();
    // Only the text of the SDK's error says so; its class is "construction" or "dispatch".
    if details.contains("credentials") && error.as_service_error().is_none() {
        let message = "The shell has no usable AWS credentials. Set AWS_PROFILE or the AWS_… variables; with single \
                       sign-on: eval \"$(aws configure export-credentials --format env)\"";
        return Problem::new(Exit::Denied, "aws_credentials_missing", message);
    }
    Problem::new(Exit::Unavailable, "aws_unavailable", format!("{call} failed: {details}"))
}

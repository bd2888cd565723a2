//! The bucket of the archive. Its objects are never overwritten or deleted by this program.

use crate::Configuration;
use crate::configuration::retries;
use crate::failure::{Failure, FailureKind};
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode};
use bytes::Bytes;
use std::time::Duration;

/// Longest time for one try of a call, for a call with its retries, and to read an object's bytes. An object is 32 MiB
/// at most, and a function of 512 MB moves that in a second or two.
const TRY_SECONDS_MAX: u64 = 8;
const CALL_SECONDS_MAX: u64 = 15;
const READ_SECONDS_MAX: u64 = 10;
const TRIES_MAX: u32 = 3;

/// The outcome of storing an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stored {
    /// It was created.
    Created,
    /// The key exists. The object may be the same, from an earlier try of the call.
    Exists,
}

/// The bucket.
#[derive(Clone, Debug)]
pub struct ArchiveStore {
    client: Client,
    bucket: String,
}

impl ArchiveStore {
    /// The bucket of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_secs(TRY_SECONDS_MAX))
            .operation_timeout(Duration::from_secs(CALL_SECONDS_MAX))
            .build();
        let s3 = aws_sdk_s3::config::Builder::from(configuration.sdk())
            // The local cloud has one host name, so the bucket is in the path there.
            .force_path_style(configuration.sdk().endpoint_url().is_some())
            .retry_config(retries(TRIES_MAX))
            .timeout_config(timeouts);
        Ok(Self { client: Client::from_conf(s3.build()), bucket: configuration.variable("AUDIT_BUCKET")? })
    }

    /// Stores an object unless its key exists. S3 accepts it only if its bytes have the SHA-256 that is sent with them.
    ///
    /// # Errors
    /// The bucket rejected the call or did not respond. The object may have been stored.
    pub async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Stored, Failure> {
        let result = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .if_none_match("*")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .content_type("application/gzip")
            .body(ByteStream::from(bytes))
            .send()
            .await;
        match result {
            Ok(_) => Ok(Stored::Created),
            Err(error) if error.code() == Some("PreconditionFailed") => Ok(Stored::Exists),
            Err(error) => Err(Failure::of_call("s3:PutObject", &error, FailureKind::StoreUnavailable)),
        }
    }

    /// Reads an object, and checks its bytes against the SHA-256 with which it was stored.
    ///
    /// # Errors
    /// The object does not exist, or the bucket rejected the call or did not respond.
    pub async fn read(&self, key: &str) -> Result<Bytes, Failure> {
        let request =
            self.client.get_object().bucket(&self.bucket).key(key).checksum_mode(ChecksumMode::Enabled).send().await;
        let object =
            request.map_err(|error| Failure::of_call("s3:GetObject", &error, FailureKind::StoreUnavailable))?;
        let unread = |why: String| Failure::new(FailureKind::StoreUnavailable, format!("s3:GetObject body: {why}"));
        match tokio::time::timeout(Duration::from_secs(READ_SECONDS_MAX), object.body.collect()).await {
            Ok(Ok(bytes)) => Ok(bytes.into_bytes()),
            Ok(Err(error)) => Err(unread(error.to_string())),
            Err(_) => Err(unread(format!("not read in {READ_SECONDS_MAX} seconds"))),
        }
    }
}

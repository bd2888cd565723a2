//! The bucket of files.

mod listing;
mod reading;
mod writing;

use crate::Configuration;
use crate::failure::{Failure, FailureKind};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{ResponseChecksumValidation, StalledStreamProtectionConfig};
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::limits::UPLOAD_URL_SECONDS;
use domain::{ContentDigest, FileId, Partner};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, UNIX_EPOCH};

pub use reading::OpenObject;
pub use writing::ObjectWriter;

/// Objects under this prefix were valid when the API stored them. They start the workflow.
pub const VALIDATED_PREFIX: &str = "validated/";
/// Objects under this prefix and a partner's name were put in the bucket directly. They start the workflow.
pub const INCOMING_PREFIX: &str = "incoming/";
/// Rejected files. They start nothing.
const REJECTED_PREFIX: &str = "rejected/";
/// Error reports. They start nothing.
const REPORTS_PREFIX: &str = "reports/";
/// Correctable files, which expire after some days. They start nothing.
const CORRECTIONS_PREFIX: &str = "corrections/";

/// How long a link to a report or a correctable file is valid, in seconds.
pub const LINK_SECONDS: u64 = 15 * 60;

/// How long a body may stall before the connection counts as broken, in seconds. The 20 seconds of the SDK would be a
/// third of the time for a large file.
const STALL_SECONDS_MAX: u64 = 5;

/// The names of the metadata that the API stores with a file.
const PARTNER: &str = "partner";
const ATTEMPT: &str = "attempt";
const RECEIVED_AT: &str = "received-at";
const SHA256: &str = "sha256";

/// The metadata that the API stores with a file, for people who look at the bucket. The program never reads it: the
/// status table is the source of truth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UploadMetadata {
    /// Who sent it.
    pub partner: String,
    /// The attempt of the upload.
    pub attempt: u32,
    /// When it was received, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// The SHA-256 of its bytes.
    pub sha256: String,
}

impl UploadMetadata {
    fn to_map(&self) -> HashMap<String, String> {
        HashMap::from([
            (PARTNER.to_owned(), self.partner.clone()),
            (ATTEMPT.to_owned(), self.attempt.to_string()),
            (RECEIVED_AT.to_owned(), self.received_at_ms.to_string()),
            (SHA256.to_owned(), self.sha256.clone()),
        ])
    }
}

/// The bucket.
#[derive(Clone, Debug)]
pub struct ObjectStore {
    pub(crate) client: Client,
    pub(crate) bucket: String,
}

impl ObjectStore {
    /// The bucket of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        // The local cloud has one host name, so the bucket is in the path there.
        let path_style = configuration.sdk().endpoint_url().is_some();
        let stalls =
            StalledStreamProtectionConfig::enabled().grace_period(Duration::from_secs(STALL_SECONDS_MAX)).build();
        let s3 = aws_sdk_s3::config::Builder::from(configuration.sdk())
            .force_path_style(path_style)
            .stalled_stream_protection(stalls)
            // A reader of a whole file computes its SHA-256 anyway. A second checksum by the SDK would take seconds for
            // a large file.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Ok(Self { client: Client::from_conf(s3), bucket: configuration.variable("S3_BUCKET")? })
    }

    /// The key of a valid file.
    #[must_use]
    pub fn validated_key(file_id: &FileId) -> String {
        format!("{VALIDATED_PREFIX}{file_id}.csv")
    }

    /// The key of a presigned upload.
    #[must_use]
    pub fn presigned_key(partner: &Partner, file_id: &FileId) -> String {
        format!("{INCOMING_PREFIX}{}/{file_id}.csv", partner.as_str())
    }

    /// The key of a rejected file.
    #[must_use]
    pub fn rejected_key(file_id: &FileId) -> String {
        format!("{REJECTED_PREFIX}{file_id}.csv")
    }

    /// Whether an object with this key starts the workflow.
    #[must_use]
    pub fn starts_workflow(key: &str) -> bool {
        [VALIDATED_PREFIX, INCOMING_PREFIX].iter().any(|prefix| key.starts_with(prefix))
    }

    /// The key of the error report of a rejected file.
    #[must_use]
    pub fn report_key(file_id: &FileId, attempt: u32) -> String {
        format!("{REPORTS_PREFIX}{file_id}-{attempt}.csv")
    }

    /// The key of the correctable file of a rejected file: with its rejected rows, or with `all`.
    #[must_use]
    pub fn correction_key(file_id: &FileId, attempt: u32, rows: &str) -> String {
        format!("{CORRECTIONS_PREFIX}{file_id}-{attempt}-{rows}.csv")
    }

    /// Stores a file under `key` and returns the new version. Its digest is sent as a signed header, and S3 rejects
    /// other bytes, so that neither a payload signature nor another checksum has to read them again.
    ///
    /// # Errors
    /// The bucket rejected it or did not respond.
    pub async fn put(&self, key: &str, bytes: Bytes, metadata: &UploadMetadata) -> Result<Option<String>, Failure> {
        let stored = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type("text/csv; charset=utf-8")
            .set_metadata(Some(metadata.to_map()))
            .set_checksum_sha256(ContentDigest::parse(&metadata.sha256).as_ref().map(checksum))
            .body(ByteStream::from(bytes))
            .customize()
            .disable_payload_signing()
            .send()
            .await
            .map_err(|error| Failure::of_call("s3:PutObject", &error, FailureKind::StoreUnavailable))?;
        Ok(stored.version_id)
    }

    /// Opens one version of an object, or its bytes from `range.0` up to but not including `range.1`.
    ///
    /// # Errors
    /// The object does not exist, or the bucket rejected the call or did not respond.
    pub async fn open(&self, key: &str, version_id: &str, range: Option<(u64, u64)>) -> Result<OpenObject, Failure> {
        OpenObject::open(self.clone(), key, version_id, range).await
    }

    /// Opens one version of an object that may have expired; none if it has. S3 responds `AccessDenied` for an expired
    /// object to a role that may not list the bucket. Since a missing permission looks the same, it is logged.
    ///
    /// # Errors
    /// The bucket rejected the call for another reason or did not respond.
    pub async fn open_if_kept(&self, key: &str, version_id: &str) -> Result<Option<OpenObject>, Failure> {
        OpenObject::open_if_kept(self.clone(), key, version_id).await
    }

    /// A presigned URL that allows storing one object with this key, size and SHA-256, valid from `from_ms` (in whole
    /// seconds) for fifteen minutes. S3 rejects everything else, because size and digest are signed headers.
    ///
    /// # Errors
    /// The URL could not be signed.
    pub async fn upload_url(
        &self,
        key: &str,
        bytes: u64,
        digest: &ContentDigest,
        from_ms: u64,
    ) -> Result<UploadUrl, Failure> {
        let unsigned = |error: String| Failure::new(FailureKind::InvalidInput, format!("upload URL: {error}"));
        let from_seconds = from_ms / 1000;
        let expiry = PresigningConfig::builder()
            .start_time(UNIX_EPOCH + Duration::from_secs(from_seconds))
            .expires_in(Duration::from_secs(UPLOAD_URL_SECONDS))
            .build()
            .map_err(|error| unsigned(error.to_string()))?;
        let length = i64::try_from(bytes).map_err(|error| unsigned(error.to_string()))?;
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_length(length);
        let put = put.checksum_sha256(checksum(digest));
        let request = put.presigned(expiry).await.map_err(|error| unsigned(error.to_string()))?;
        Ok(UploadUrl::of(&request, (from_seconds + UPLOAD_URL_SECONDS) * 1000))
    }

    /// Scheme and host of all signed URLs, for the content security policy.
    ///
    /// # Errors
    /// A URL could not be signed.
    pub async fn origin(&self) -> Result<String, Failure> {
        let link = self.link(REPORTS_PREFIX).await?;
        let host_at = link.find("://").map_or(0, |at| at + "://".len());
        let length = link[host_at..].find('/').unwrap_or(link.len() - host_at);
        Ok(link[..host_at + length].to_owned())
    }

    /// A link that downloads the object under `key` as a file of this name, for fifteen minutes.
    ///
    /// # Errors
    /// The link could not be signed.
    pub async fn download_link(&self, key: &str, name: &str) -> Result<String, Failure> {
        let get = self.client.get_object().bucket(&self.bucket).key(key);
        signed(get.response_content_disposition(format!("attachment; filename=\"{name}\""))).await
    }

    /// A link that opens the report under `key` for fifteen minutes.
    ///
    /// # Errors
    /// The link could not be signed.
    pub async fn link(&self, key: &str) -> Result<String, Failure> {
        signed(self.client.get_object().bucket(&self.bucket).key(key)).await
    }
}

/// A presigned link for this request.
async fn signed(get: GetObjectFluentBuilder) -> Result<String, Failure> {
    let unsigned = |error: String| Failure::new(FailureKind::InvalidInput, format!("link: {error}"));
    let expiry =
        PresigningConfig::expires_in(Duration::from_secs(LINK_SECONDS)).map_err(|error| unsigned(error.to_string()))?;
    let request = get.presigned(expiry).await;
    request.map(|request| request.uri().to_owned()).map_err(|error| unsigned(error.to_string()))
}

/// A digest in the form of S3.
fn checksum(digest: &ContentDigest) -> String {
    STANDARD.encode(digest.to_bytes())
}

/// The names of the signed headers of a URL.
fn signed_headers(url: &str) -> Vec<&str> {
    let list =
        url.split_once("X-Amz-SignedHeaders=").map_or("", |(_, rest)| rest.split('&').next().unwrap_or_default());
    list.split("%3B").collect()
}

/// A presigned URL for one upload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UploadUrl {
    /// The method of the request.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers that the request must have, exactly.
    pub headers: BTreeMap<String, String>,
    /// When the URL expires, in milliseconds since 1970.
    pub expires_at_ms: u64,
}

impl UploadUrl {
    fn of(request: &PresignedRequest, expires_at_ms: u64) -> Self {
        // In Lambda, the SDK adds its trace header to every request. It is not signed, so a sender need not send it,
        // and a browser may not: the bucket's CORS rules allow only the required headers.
        let signed = signed_headers(request.uri());
        let headers = request.headers().filter(|(name, _)| signed.contains(name));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { method: request.method().to_owned(), url: request.uri().to_owned(), headers, expires_at_ms }
    }
}

#[cfg(test)]
mod tests;

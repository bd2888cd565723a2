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
/// Objects under this prefix and a partner's name came straight into the bucket. They start the workflow.
pub const INCOMING_PREFIX: &str = "incoming/";
/// Refused files are kept here. Nothing starts.
const REJECTED_PREFIX: &str = "rejected/";
/// Error reports lie here. Nothing starts.
const REPORTS_PREFIX: &str = "reports/";
/// Correctable files lie here for some days. Nothing starts.
const CORRECTIONS_PREFIX: &str = "corrections/";

/// How long a link to a report or a correctable file works, in seconds.
pub const LINK_SECONDS: u64 = 15 * 60;

/// A body of which nothing came for so long counts as broken. The SDK's own 20 seconds would be a third of the time that
/// there is for a large file.
const STALL_SECONDS_MAX: u64 = 5;

/// The names of the metadata that the API stores with a file.
const PARTNER: &str = "partner";
const ATTEMPT: &str = "attempt";
const RECEIVED_AT: &str = "received-at";
const SHA256: &str = "sha256";

/// What the API writes beside a file that it stores, for whoever looks at the bucket. Nothing of it is ever read again: what
/// is true of a file is in the status table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UploadMetadata {
    /// Who sent it.
    pub partner: String,
    /// The attempt that the upload began.
    pub attempt: u32,
    /// When it arrived, in milliseconds since 1970.
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
        // The local cloud answers under one host name, so the bucket is named in the path there.
        let path_style = configuration.sdk().endpoint_url().is_some();
        let stalls =
            StalledStreamProtectionConfig::enabled().grace_period(Duration::from_secs(STALL_SECONDS_MAX)).build();
        let s3 = aws_sdk_s3::config::Builder::from(configuration.sdk())
            .force_path_style(path_style)
            .stalled_stream_protection(stalls)
            // Whoever reads a whole file takes its SHA-256 anyway, which names the file. To let the SDK compute a second
            // digest of each byte would cost a large file seconds.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Ok(Self { client: Client::from_conf(s3), bucket: configuration.variable("S3_BUCKET")? })
    }

    /// Where the bytes of a valid file lie.
    #[must_use]
    pub fn validated_key(file_id: &FileId) -> String {
        format!("{VALIDATED_PREFIX}{file_id}.csv")
    }

    /// Where a partner may put the bytes of a file by a presigned upload.
    #[must_use]
    pub fn presigned_key(partner: &Partner, file_id: &FileId) -> String {
        format!("{INCOMING_PREFIX}{}/{file_id}.csv", partner.as_str())
    }

    /// Where the bytes of a refused file lie.
    #[must_use]
    pub fn rejected_key(file_id: &FileId) -> String {
        format!("{REJECTED_PREFIX}{file_id}.csv")
    }

    /// Whether the workflow starts for an object under this key.
    #[must_use]
    pub fn starts_workflow(key: &str) -> bool {
        [VALIDATED_PREFIX, INCOMING_PREFIX].iter().any(|prefix| key.starts_with(prefix))
    }

    /// Where the error report of a refused file lies.
    #[must_use]
    pub fn report_key(file_id: &FileId, attempt: u32) -> String {
        format!("{REPORTS_PREFIX}{file_id}-{attempt}.csv")
    }

    /// Where the correctable file lies that was made of a refused one: of its rejected rows, or of `all`.
    #[must_use]
    pub fn correction_key(file_id: &FileId, attempt: u32, rows: &str) -> String {
        format!("{CORRECTIONS_PREFIX}{file_id}-{attempt}-{rows}.csv")
    }

    /// Stores a file under `key` and returns the version that was made. Its digest goes with it, signed, and the bucket
    /// refuses bytes of another one; so neither the payload's signature nor a checksum has to read them all again.
    ///
    /// # Errors
    /// The bucket refused it or did not answer.
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

    /// Opens one version of an object, or the bytes from `range.0` up to but not including `range.1` of it.
    ///
    /// # Errors
    /// The object is gone, or the bucket refused the call or did not answer.
    pub async fn open(&self, key: &str, version_id: &str, range: Option<(u64, u64)>) -> Result<OpenObject, Failure> {
        OpenObject::open(self.clone(), key, version_id, range).await
    }

    /// Opens one version of an object that may have expired. None if it is not kept any more. To a role that may not list the
    /// bucket, S3 answers `AccessDenied` for that too; since a missing right looks the same, it is logged.
    ///
    /// # Errors
    /// The bucket refused the call for another reason or did not answer.
    pub async fn open_if_kept(&self, key: &str, version_id: &str) -> Result<Option<OpenObject>, Failure> {
        OpenObject::open_if_kept(self.clone(), key, version_id).await
    }

    /// A URL by which whoever has it may store one object: under this key, of this size, with this SHA-256, from
    /// `from_ms` on (whole seconds of it) for a quarter of an hour. S3 refuses everything else, because size and digest
    /// are headers that are signed.
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

    /// Scheme and host of every URL that is signed here, for those who must name them beforehand.
    ///
    /// # Errors
    /// No URL could be signed.
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

/// A link by which whoever has it may make this request.
async fn signed(get: GetObjectFluentBuilder) -> Result<String, Failure> {
    let unsigned = |error: String| Failure::new(FailureKind::InvalidInput, format!("link: {error}"));
    let expiry =
        PresigningConfig::expires_in(Duration::from_secs(LINK_SECONDS)).map_err(|error| unsigned(error.to_string()))?;
    let request = get.presigned(expiry).await;
    request.map(|request| request.uri().to_owned()).map_err(|error| unsigned(error.to_string()))
}

/// A digest as S3 takes it.
fn checksum(digest: &ContentDigest) -> String {
    STANDARD.encode(digest.to_bytes())
}

/// The names of the headers that a signed URL counts on.
fn signed_headers(url: &str) -> Vec<&str> {
    let list =
        url.split_once("X-Amz-SignedHeaders=").map_or("", |(_, rest)| rest.split('&').next().unwrap_or_default());
    list.split("%3B").collect()
}

/// A URL by which one object may be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UploadUrl {
    /// The method of the request.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers that the request must have, exactly.
    pub headers: BTreeMap<String, String>,
    /// Until when the request may begin, in milliseconds since 1970.
    pub expires_at_ms: u64,
}

impl UploadUrl {
    fn of(request: &PresignedRequest, expires_at_ms: u64) -> Self {
        // Lambda makes the SDK add its own trace to every request. It is not signed, so it is no part of what a sender must
        // send; and a browser may not send it to the bucket, which allows the headers that it must send and no others.
        let signed = signed_headers(request.uri());
        let headers = request.headers().filter(|(name, _)| signed.contains(name));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { method: request.method().to_owned(), url: request.uri().to_owned(), headers, expires_at_ms }
    }
}

#[cfg(test)]
mod tests;

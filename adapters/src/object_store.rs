//! The bucket of files.

use crate::Configuration;
use crate::failure::{Failure, FailureKind};
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::FileId;
use std::collections::HashMap;
use std::time::Duration;

/// Objects under this prefix were valid when the API stored them. They start the workflow.
pub const VALIDATED_PREFIX: &str = "validated/";
/// Objects under this prefix and a partner's name came straight into the bucket. They start the workflow.
pub const INCOMING_PREFIX: &str = "incoming/";
/// Refused files are kept here. Nothing starts.
const REJECTED_PREFIX: &str = "rejected/";
/// Error reports lie here. Nothing starts.
const REPORTS_PREFIX: &str = "reports/";

/// How long a link to a report works, in seconds.
const LINK_SECONDS: u64 = 15 * 60;

/// The names of the metadata that the API stores with a file.
const PARTNER: &str = "partner";
const ATTEMPT: &str = "attempt";
const RECEIVED_AT: &str = "received-at";
const SHA256: &str = "sha256";

/// What the API knows of a file that it stores.
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

    fn from_map(map: &HashMap<String, String>) -> Option<Self> {
        Some(Self {
            partner: map.get(PARTNER)?.clone(),
            attempt: map.get(ATTEMPT)?.parse().ok()?,
            received_at_ms: map.get(RECEIVED_AT)?.parse().ok()?,
            sha256: map.get(SHA256)?.clone(),
        })
    }
}

/// An object whose bytes are about to be read.
#[derive(Debug)]
pub struct OpenObject {
    /// What the API stored with it; none if it came by another road.
    pub upload: Option<UploadMetadata>,
    /// When this version was written, in milliseconds since 1970.
    pub written_at_ms: u64,
    body: ByteStream,
    window: Window,
}

impl OpenObject {
    /// The next bytes, or none after the last.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        while self.window.take > 0 {
            let bytes = self.body.try_next().await.map_err(|error| {
                Failure::new(FailureKind::StoreUnavailable, format!("s3:GetObjectVersion body: {error}"))
            })?;
            match bytes.map(|bytes| self.window.cut(bytes)) {
                Some(bytes) if bytes.is_empty() => {}
                bytes => return Ok(bytes),
            }
        }
        Ok(None)
    }
}

/// The part of a body that was asked for. A server may ignore a Range header and send everything (RFC 9110, section
/// 14.2), as the local cloud does for a version.
#[derive(Debug)]
struct Window {
    skip: u64,
    take: u64,
}

impl Window {
    fn new(range: Option<(u64, u64)>, is_partial: bool) -> Self {
        match range {
            Some((start, end)) if !is_partial => Self { skip: start, take: end.saturating_sub(start) },
            _ => Self { skip: 0, take: u64::MAX },
        }
    }

    fn cut(&mut self, mut bytes: Bytes) -> Bytes {
        let skipped = self.skip.min(bytes.len() as u64);
        // Both numbers are at most the length of the bytes, which is a usize.
        let mut bytes = bytes.split_off(usize::try_from(skipped).unwrap_or(usize::MAX));
        let taken = self.take.min(bytes.len() as u64);
        bytes.truncate(usize::try_from(taken).unwrap_or(usize::MAX));
        self.skip -= skipped;
        self.take -= taken;
        bytes
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
        let s3 = aws_sdk_s3::config::Builder::from(configuration.sdk()).force_path_style(path_style).build();
        Ok(Self { client: Client::from_conf(s3), bucket: configuration.variable("S3_BUCKET")? })
    }

    /// Where the bytes of a valid file lie.
    #[must_use]
    pub fn validated_key(file_id: &FileId) -> String {
        format!("{VALIDATED_PREFIX}{file_id}.csv")
    }

    /// Where the bytes of a refused file lie.
    #[must_use]
    pub fn rejected_key(file_id: &FileId) -> String {
        format!("{REJECTED_PREFIX}{file_id}.csv")
    }

    /// Where the error report of a refused file lies.
    #[must_use]
    pub fn report_key(file_id: &FileId, attempt: u32) -> String {
        format!("{REPORTS_PREFIX}{file_id}-{attempt}.csv")
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
            .set_checksum_sha256(checksum(&metadata.sha256))
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
        let header = range.map(|(start, end)| format!("bytes={start}-{}", end.saturating_sub(1)));
        let output = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .version_id(version_id)
            .set_range(header)
            .send()
            .await
            .map_err(|error| Failure::of_call("s3:GetObjectVersion", &error, FailureKind::StoreUnavailable))?;
        Ok(open_object(output, range))
    }

    /// A link that opens the report under `key` for fifteen minutes.
    ///
    /// # Errors
    /// The link could not be signed.
    pub async fn link(&self, key: &str) -> Result<String, Failure> {
        let unsigned = |error: String| Failure::new(FailureKind::InvalidInput, format!("link: {error}"));
        let expiry = PresigningConfig::expires_in(Duration::from_secs(LINK_SECONDS))
            .map_err(|error| unsigned(error.to_string()))?;
        let request = self.client.get_object().bucket(&self.bucket).key(key).presigned(expiry).await;
        request.map(|request| request.uri().to_owned()).map_err(|error| unsigned(error.to_string()))
    }
}

/// A digest in hexadecimal digits as S3 takes it, in base64. Of any other text there is none, and the client computes a
/// checksum of its own.
fn checksum(sha256: &str) -> Option<String> {
    let digits = sha256.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or_default());
    let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16)).collect::<Result<_, _>>().ok()?;
    Some(STANDARD.encode(bytes))
}

fn open_object(output: GetObjectOutput, range: Option<(u64, u64)>) -> OpenObject {
    let upload = output.metadata.as_ref().and_then(UploadMetadata::from_map);
    let written_at_ms = output
        .last_modified
        .and_then(|at| at.to_millis().ok())
        .and_then(|milliseconds| u64::try_from(milliseconds).ok())
        .unwrap_or_default();
    let window = Window::new(range, output.content_range.is_some());
    OpenObject { upload, written_at_ms, body: output.body, window }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_a_checksum() {
        let of_nothing = domain::ContentDigest::of(b"");
        let expected = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(checksum(of_nothing.as_str()).as_deref(), Some(expected));
        assert_eq!(checksum("no digest"), None);
    }

    #[test]
    fn what_was_not_asked_for_is_cut_off() {
        let cut = |range, is_partial| {
            let mut window = Window::new(range, is_partial);
            let chunks = ["abc", "defg", "hi"].map(|chunk| window.cut(Bytes::from_static(chunk.as_bytes())));
            String::from_utf8(chunks.concat()).unwrap()
        };
        assert_eq!(cut(None, false), "abcdefghi");
        assert_eq!(cut(Some((4, 8)), false), "efgh");
        assert_eq!(cut(Some((4, 8)), true), "abcdefghi");
        assert_eq!(cut(Some((3, 3)), false), "");
    }
}

//! Reads an object to its end, even if the connection breaks.

use super::ObjectStore;
use crate::failure::{Failure, FailureKind};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

/// How often reading an object is resumed after its connection broke. The state that reads a large file is not retried,
/// so a broken connection is handled here.
const RESUMPTIONS_MAX: u32 = 10;

/// An object whose bytes are about to be read.
#[derive(Debug)]
pub struct OpenObject {
    /// When this version was written, in milliseconds since 1970.
    pub written_at_ms: u64,
    store: ObjectStore,
    key: String,
    version_id: String,
    body: ByteStream,
    window: Window,
    /// The offset in the object of the next byte.
    position: u64,
    /// The offset after the last requested byte, if it is known.
    end: Option<u64>,
    resumptions: u32,
}

impl OpenObject {
    pub(super) async fn open(
        store: ObjectStore,
        key: &str,
        version_id: &str,
        range: Option<(u64, u64)>,
    ) -> Result<Self, Failure> {
        let output = get(&store, key, version_id, range).await.map_err(|error| failed(&error))?;
        Ok(Self::of(output, store, key, version_id, range))
    }

    pub(super) async fn open_if_kept(store: ObjectStore, key: &str, version_id: &str) -> Result<Option<Self>, Failure> {
        match get(&store, key, version_id, None).await {
            Ok(output) => Ok(Some(Self::of(output, store, key, version_id, None))),
            Err(error) => {
                let failure = failed(&error);
                let is_denied = error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("AccessDenied");
                if is_denied {
                    tracing::warn!(version_id, "an object has expired, or the role may not read it");
                }
                let is_gone = is_denied || failure.kind == FailureKind::ObjectMissing;
                if is_gone { Ok(None) } else { Err(failure) }
            }
        }
    }

    fn of(output: GetObjectOutput, store: ObjectStore, key: &str, version_id: &str, range: Option<(u64, u64)>) -> Self {
        let written_at_ms = output
            .last_modified
            .and_then(|at| at.to_millis().ok())
            .and_then(|milliseconds| u64::try_from(milliseconds).ok())
            .unwrap_or_default();
        let length = output.content_length.and_then(|length| u64::try_from(length).ok());
        Self {
            written_at_ms,
            store,
            key: key.to_owned(),
            version_id: version_id.to_owned(),
            window: Window::new(range, output.content_range.is_some()),
            body: output.body,
            position: range.map_or(0, |(start, _)| start),
            end: range.map(|(_, end)| end).or(length),
            resumptions: 0,
        }
    }

    /// How many bytes are left to read, if that is known.
    #[must_use]
    pub fn bytes_left(&self) -> Option<u64> {
        self.end.map(|end| end.saturating_sub(self.position))
    }

    /// The next bytes, or none after the last. If the connection breaks, the same version is opened again from the next
    /// byte on.
    ///
    /// # Errors
    /// The connection broke too often, or the object could not be opened again.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        while self.window.take > 0 {
            match self.body.try_next().await {
                Ok(Some(bytes)) => {
                    let bytes = self.window.cut(bytes);
                    if !bytes.is_empty() {
                        self.position += bytes.len() as u64;
                        return Ok(Some(bytes));
                    }
                }
                Ok(None) if self.end.is_none_or(|end| self.position >= end) => return Ok(None),
                Ok(None) => self.resume("it ended too early").await?,
                Err(error) => self.resume(&error.to_string()).await?,
            }
        }
        Ok(None)
    }

    async fn resume(&mut self, cause: &str) -> Result<(), Failure> {
        let Some(end) = self.end.filter(|_| self.resumptions < RESUMPTIONS_MAX) else {
            let detail = format!("s3:GetObjectVersion body, resumed {} times: {cause}", self.resumptions);
            return Err(Failure::new(FailureKind::StoreUnavailable, detail));
        };
        self.resumptions += 1;
        tracing::warn!(position = self.position, resumption = self.resumptions, cause, "resuming a body");
        let rest = Some((self.position, end));
        let output = get(&self.store, &self.key, &self.version_id, rest).await.map_err(|error| failed(&error))?;
        self.window = Window::new(rest, output.content_range.is_some());
        self.body = output.body;
        Ok(())
    }
}

async fn get(
    store: &ObjectStore,
    key: &str,
    version_id: &str,
    range: Option<(u64, u64)>,
) -> Result<GetObjectOutput, SdkError<GetObjectError>> {
    let header = range.map(|(start, end)| format!("bytes={start}-{}", end.saturating_sub(1)));
    let request = store.client.get_object().bucket(&store.bucket).key(key).version_id(version_id).set_range(header);
    request.send().await
}

fn failed(error: &SdkError<GetObjectError>) -> Failure {
    Failure::of_call("s3:GetObjectVersion", error, FailureKind::StoreUnavailable)
}

/// The requested part of a body. A server may ignore a Range header and send everything (RFC 9110, section
/// 14.2), as the local cloud does for a version.
#[derive(Debug)]
pub(super) struct Window {
    skip: u64,
    take: u64,
}

impl Window {
    pub(super) fn new(range: Option<(u64, u64)>, is_partial: bool) -> Self {
        match range {
            Some((start, end)) if !is_partial => Self { skip: start, take: end.saturating_sub(start) },
            _ => Self { skip: 0, take: u64::MAX },
        }
    }

    pub(super) fn cut(&mut self, mut bytes: Bytes) -> Bytes {
        let skipped = self.skip.min(bytes.len() as u64);
        // Both numbers are at most the length of the bytes, which is a usize.
        let mut bytes = bytes.split_off(usize::try_from(skipped).unwrap_or(usize::MAX));
        let kept = self.take.min(bytes.len() as u64);
        bytes.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        self.skip -= skipped;
        self.take -= kept;
        bytes
    }
}

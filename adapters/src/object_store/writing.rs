//! Writes an object while its bytes are produced: in parts, so that it is never held in memory as a whole.

use super::ObjectStore;
use crate::failure::{Failure, FailureKind};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};

/// The smallest size of a part, in bytes. S3 accepts only a smaller last part.
const PART_BYTES_MIN: usize = 5 * 1024 * 1024;

/// A CSV file that is being written.
#[derive(Debug)]
pub struct ObjectWriter<'a> {
    store: &'a ObjectStore,
    key: String,
    buffer: Vec<u8>,
    upload_id: Option<String>,
    parts: Vec<CompletedPart>,
}

impl<'a> ObjectWriter<'a> {
    /// Begins the object with this key. Nothing is sent yet.
    #[must_use]
    pub fn new(store: &'a ObjectStore, key: String) -> Self {
        Self { store, key, buffer: Vec::new(), upload_id: None, parts: Vec::new() }
    }

    /// Adds the next bytes, and sends a part when there are enough.
    ///
    /// # Errors
    /// The bucket rejected the part or did not respond.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PART_BYTES_MIN { self.send_part().await } else { Ok(()) }
    }

    /// Ends the object, which can be read from then on.
    ///
    /// # Errors
    /// The bucket rejected it or did not respond.
    pub async fn finish(mut self) -> Result<(), Failure> {
        if self.upload_id.is_none() {
            let put = self.store.client.put_object().bucket(&self.store.bucket).key(&self.key).content_type("text/csv");
            return put.body(ByteStream::from(self.buffer)).send().await.map(|_| ()).map_err(put_failed);
        }
        if !self.buffer.is_empty() {
            self.send_part().await?;
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.parts)).build();
        let complete = self.store.client.complete_multipart_upload().bucket(&self.store.bucket).key(&self.key);
        complete.set_upload_id(self.upload_id).multipart_upload(parts).send().await.map(|_| ()).map_err(put_failed)
    }

    async fn send_part(&mut self) -> Result<(), Failure> {
        let (client, bucket) = (&self.store.client, &self.store.bucket);
        if self.upload_id.is_none() {
            // S3 rejects parts with a checksum that was not declared here.
            let create = client.create_multipart_upload().bucket(bucket).key(&self.key).content_type("text/csv");
            let create = create.checksum_algorithm(ChecksumAlgorithm::Crc32);
            self.upload_id = create.send().await.map_err(put_failed)?.upload_id;
        }
        let number = i32::try_from(self.parts.len() + 1).unwrap_or(i32::MAX);
        let body = ByteStream::from(std::mem::take(&mut self.buffer));
        let part = client.upload_part().bucket(bucket).key(&self.key).part_number(number).body(body);
        let part = part.checksum_algorithm(ChecksumAlgorithm::Crc32);
        let part = part.set_upload_id(self.upload_id.clone()).send().await.map_err(put_failed)?;
        let completed = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag);
        self.parts.push(completed.set_checksum_crc32(part.checksum_crc32).build());
        Ok(())
    }
}

fn put_failed<E: ProvideErrorMetadata, R>(error: SdkError<E, R>) -> Failure {
    Failure::of_call("s3:PutObject (in parts)", &error, FailureKind::StoreUnavailable)
}

//! The error report of a refused file: a CSV file with every error, written while the errors are found.
//!
//! It goes to the bucket in parts, so that neither a file of errors nor its report is ever held whole. It repeats
//! nothing of the file, so it has no formula for a spreadsheet to run and no personal data.

use crate::ObjectStore;
use crate::failure::{Failure, FailureKind};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use domain::csv::RowError;
use std::fmt::Write;

/// A part is sent when it has reached this size, in bytes. The bucket takes no smaller part but the last.
const PART_BYTES_MIN: usize = 5 * 1024 * 1024;
const HEADER: &str = "record,line,column,column_number,byte,code,reason,fix\n";

/// A report that is being written.
#[derive(Debug)]
pub struct ReportWriter<'a> {
    store: &'a ObjectStore,
    key: String,
    buffer: String,
    upload_id: Option<String>,
    parts: Vec<CompletedPart>,
}

/// One error as a line of the report.
pub fn write_line(buffer: &mut String, error: &RowError) {
    let column = error.column.map_or("", |column| column.name());
    let column_number = error.column_number.map_or(String::new(), |number| number.to_string());
    // Writing to a String cannot fail.
    let _ = writeln!(
        buffer,
        "{},{},{column},{column_number},{},{},\"{}\",\"{}\"",
        error.record,
        error.line,
        error.byte,
        error.code.as_str(),
        error.reason.replace('"', "\"\""),
        error.code.fix().replace('"', "\"\""),
    );
}

impl<'a> ReportWriter<'a> {
    /// Begins the report that will lie under `key`. Nothing is sent yet.
    #[must_use]
    pub fn new(store: &'a ObjectStore, key: String) -> Self {
        Self { store, key, buffer: HEADER.to_owned(), upload_id: None, parts: Vec::new() }
    }

    /// Takes lines made by [`write_line`], and sends a part when there is enough for one.
    ///
    /// # Errors
    /// The bucket refused the part or did not answer.
    pub async fn append(&mut self, lines: &str) -> Result<(), Failure> {
        self.buffer.push_str(lines);
        if self.buffer.len() >= PART_BYTES_MIN { self.send_part().await } else { Ok(()) }
    }

    /// Ends the report. From now on it can be read.
    ///
    /// # Errors
    /// The bucket refused it or did not answer.
    pub async fn finish(mut self) -> Result<(), Failure> {
        if self.upload_id.is_none() {
            let put = self.store.client.put_object().bucket(&self.store.bucket).key(&self.key).content_type("text/csv");
            return put.body(ByteStream::from(self.buffer.into_bytes())).send().await.map(|_| ()).map_err(put_failed);
        }
        self.send_part().await?;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.parts)).build();
        let complete = self.store.client.complete_multipart_upload().bucket(&self.store.bucket).key(&self.key);
        complete.set_upload_id(self.upload_id).multipart_upload(parts).send().await.map(|_| ()).map_err(put_failed)
    }

    async fn send_part(&mut self) -> Result<(), Failure> {
        let (client, bucket) = (&self.store.client, &self.store.bucket);
        if self.upload_id.is_none() {
            let create = client.create_multipart_upload().bucket(bucket).key(&self.key).content_type("text/csv");
            self.upload_id = create.send().await.map_err(put_failed)?.upload_id;
        }
        let number = i32::try_from(self.parts.len() + 1).unwrap_or(i32::MAX);
        let body = ByteStream::from(std::mem::take(&mut self.buffer).into_bytes());
        let part = client.upload_part().bucket(bucket).key(&self.key).part_number(number).body(body);
        let part = part.set_upload_id(self.upload_id.clone()).send().await.map_err(put_failed)?;
        let completed = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag);
        self.parts.push(completed.set_checksum_crc32(part.checksum_crc32).build());
        Ok(())
    }
}

fn put_failed<E: ProvideErrorMetadata, R>(error: SdkError<E, R>) -> Failure {
    Failure::of_call("s3:PutObject (report)", &error, FailureKind::StoreUnavailable)
}

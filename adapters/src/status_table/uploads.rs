//! Presigned uploads that wait for their bytes, beside what is known of their files.

use super::unfinished::Listing;
use super::{FileRecord, StatusTable, StatusUpdate, attribute, status_update};
use crate::attribute::{number, text};
use crate::conditional;
use crate::failure::Failure;
use aws_sdk_dynamodb::types::ReturnValue;
use domain::files::unfinished::Entry;
use domain::{FileId, PendingUpload};

impl StatusTable {
    /// Sets the pending upload of a file that is known as `seen`, or learns that the file has changed since it was read.
    /// Nothing else of the file changes, and its history does not grow.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn set_upload(
        &self,
        seen: &FileRecord,
        key: &str,
        upload: &PendingUpload,
    ) -> Result<StatusUpdate, Failure> {
        let file_id = &seen.file_id;
        let mut request = self.update(file_id);
        let mut sets = Vec::new();
        if let Some(entry) = Entry::beside(seen.status, upload.expires_at_ms) {
            let listing = Listing::new(request, file_id, entry);
            (request, sets) = (listing.request, listing.sets);
        }
        sets.extend(["upload = :upload".to_owned(), "upload_key = :key".to_owned()]);
        let unchanged = match &seen.facts.upload {
            None => "attribute_not_exists(upload)",
            Some(before) => {
                request = request
                    .expression_attribute_names("#sequence", "sequence")
                    .expression_attribute_values(":before", number(before.sequence));
                "upload.#sequence = :before"
            }
        };
        let request = request
            .return_values(ReturnValue::AllNew)
            .update_expression(format!("SET {}", sets.join(", ")))
            .condition_expression(format!("attempt = :attempt AND #status = :status AND {unchanged}"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":attempt", number(seen.attempt.into()))
            .expression_attribute_values(":status", text(seen.status.as_str()))
            .expression_attribute_values(":upload", attribute(upload)?)
            .expression_attribute_values(":key", text(key));
        status_update(request).await
    }

    /// Takes a pending upload away whose bytes have come and had nothing to do, unless another one was created since.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn close_upload(&self, file_id: &FileId, upload: &PendingUpload) -> Result<(), Failure> {
        let request = self
            .update(file_id)
            .update_expression("REMOVE upload")
            .condition_expression("upload.#sequence = :sequence")
            .expression_attribute_names("#sequence", "sequence")
            .expression_attribute_values(":sequence", number(upload.sequence));
        conditional::update(request).await.map(drop)
    }
}

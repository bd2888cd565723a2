//! Pending uploads of files.

use super::unfinished::listed;
use super::{FileRecord, StatusTable, StatusUpdate, attribute, status_update};
use crate::attribute::{number, text};
use crate::conditional;
use crate::failure::Failure;
use crate::update::Update;
use aws_sdk_dynamodb::types::ReturnValue;
use domain::files::unfinished::Entry;
use domain::{FileId, PendingUpload};

impl StatusTable {
    /// Sets the pending upload of a file, unless the file has changed since `seen` was read. Nothing else of the file
    /// changes, and its history does not grow.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn set_upload(
        &self,
        seen: &FileRecord,
        key: &str,
        upload: &PendingUpload,
    ) -> Result<StatusUpdate, Failure> {
        let mut update = Update::new(self.update(&seen.file_id));
        if let Some(entry) = Entry::beside(seen.status, upload.expires_at_ms) {
            update = listed(update, &seen.file_id, entry);
        }
        let request = update.set("upload", attribute(upload)?).set("upload_key", text(key)).build();
        let (request, unchanged) = match &seen.facts.upload {
            None => (request, "attribute_not_exists(upload)"),
            Some(before) => (
                request
                    .expression_attribute_names("#sequence", "sequence")
                    .expression_attribute_values(":before", number(before.sequence)),
                "upload.#sequence = :before",
            ),
        };
        let request = request
            .return_values(ReturnValue::AllNew)
            .condition_expression(format!("attempt = :attempt AND #status = :status AND {unchanged}"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":attempt", number(seen.attempt.into()))
            .expression_attribute_values(":status", text(seen.status.as_str()));
        status_update(request).await
    }

    /// Removes a pending upload whose bytes arrived and required nothing, unless another one was created since.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
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

//! A repeated rejection of a file.

use super::unfinished::listed;
use super::{Facts, FileRecord, StatusTable, StatusUpdate, status_update, unreadable};
use crate::attribute::{number, text};
use crate::failure::Failure;
use crate::update::Update;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::FileStatus;
use domain::files::unfinished::Entry;

impl StatusTable {
    /// Writes what was found of a valid file into the attempt that a rejection has begun, so that whoever reads the object
    /// knows the file as valid; or learns that the file has changed since.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn take_over(&self, begun: &FileRecord, valid: &Facts) -> Result<StatusUpdate, Failure> {
        let attributes = serde_dynamo::to_item(valid).map_err(unreadable)?;
        let update = Update::new(self.update(&begun.file_id)).set_each(attributes);
        // Where the rejected bytes are says nothing of the valid ones.
        let request = update
            .remove("key")
            .remove("version_id")
            .build()
            .return_values(ReturnValue::AllNew)
            .condition_expression("attempt = :attempt AND #status = :validating AND attribute_not_exists(totals)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":attempt", number(begun.attempt.into()))
            .expression_attribute_values(":validating", text(FileStatus::Validating.as_str()));
        status_update(request).await
    }

    /// Replaces the facts of the rejection of a rejected file, unless the file has changed since. It is not a
    /// transition and not an attempt: however often a file is sent with other control totals, its history does not
    /// grow. `uses_upload` removes the pending upload that was used.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn reject_again(
        &self,
        seen: &FileRecord,
        facts: &Facts,
        uses_upload: bool,
    ) -> Result<StatusUpdate, Failure> {
        let attributes = serde_dynamo::to_item(facts).map_err(unreadable)?;
        let mut update = Update::new(self.update(&seen.file_id)).set_each(attributes).remove("rejected_totals");
        if uses_upload {
            update = update.remove("upload");
        }
        // If another upload is pending, the file stays in the list.
        if uses_upload || seen.facts.upload.is_none() {
            update = listed(update, &seen.file_id, Entry::Removed);
        }
        if let Some(version_id) = &facts.version_id {
            // Earlier versions are replaced, so that the item does not grow: a repeated event of one is rejected as
            // well.
            update = update.set("versions", AttributeValue::Ss(vec![version_id.clone()]));
        }
        let request = update
            .build()
            .return_values(ReturnValue::AllNew)
            .condition_expression("attempt = :attempt AND #status = :rejected AND attribute_exists(error_count)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":attempt", number(seen.attempt.into()))
            .expression_attribute_values(":rejected", text(FileStatus::ValidationFailed.as_str()));
        status_update(request).await
    }
}

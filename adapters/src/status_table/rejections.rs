//! A file that is rejected once more.

use super::unfinished::Listing;
use super::{Facts, FileRecord, StatusTable, StatusUpdate, status_update, unreadable};
use crate::attribute::{number, text};
use crate::failure::Failure;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::FileStatus;
use domain::files::unfinished::Entry;
use std::collections::HashMap;

impl StatusTable {
    /// Writes what was found of a valid file into the attempt that a rejection has begun, so that whoever reads the object
    /// knows the file as valid; or learns that the file has changed since.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn take_over(&self, begun: &FileRecord, valid: &Facts) -> Result<StatusUpdate, Failure> {
        let attributes: HashMap<String, AttributeValue> = serde_dynamo::to_item(valid).map_err(unreadable)?;
        let sets: Vec<String> = attributes.keys().map(|name| format!("#{name} = :{name}")).collect();
        let mut request = self.update(&begun.file_id);
        for (name, value) in attributes {
            request = request
                .expression_attribute_names(format!("#{name}"), &name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        let request = request
            .return_values(ReturnValue::AllNew)
            .update_expression(format!("SET {}", sets.join(", ")))
            .condition_expression("attempt = :attempt AND #status = :validating AND attribute_not_exists(totals)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":attempt", number(begun.attempt.into()))
            .expression_attribute_values(":validating", text(FileStatus::Validating.as_str()));
        status_update(request).await
    }

    /// Replaces what is known of the rejection of a file that stands rejected, or learns that the file has moved since. It
    /// is no transition and no attempt: however often a file is sent with other control totals, its history does not grow.
    /// `uses_upload` takes the pending upload away, whose bytes these were.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn reject_again(
        &self,
        seen: &FileRecord,
        facts: &Facts,
        uses_upload: bool,
    ) -> Result<StatusUpdate, Failure> {
        let attributes: HashMap<String, AttributeValue> = serde_dynamo::to_item(facts).map_err(unreadable)?;
        let Listing { mut request, mut sets, mut removes } =
            Listing::new(self.update(&seen.file_id), &seen.file_id, Entry::Removed);
        sets.extend(attributes.keys().map(|name| format!("#{name} = :{name}")));
        if facts.rejected_totals.is_none() {
            removes.push("rejected_totals");
        }
        if uses_upload {
            removes.push("upload");
        } else if seen.facts.upload.is_some() {
            // Another upload is waited for.
            removes.clear();
        }
        if let Some(version_id) = &facts.version_id {
            // Those before are forgotten, so that the item does not grow: a repeat of an earlier event rejects the file as well.
            sets.push("versions = :versions".to_owned());
            request = request.expression_attribute_values(":versions", AttributeValue::Ss(vec![version_id.clone()]));
        }
        for (name, value) in attributes {
            request = request
                .expression_attribute_names(format!("#{name}"), &name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        let removes = if removes.is_empty() { String::new() } else { format!(" REMOVE {}", removes.join(", ")) };
        let request = request
            .return_values(ReturnValue::AllNew)
            .update_expression(format!("SET {}{removes}", sets.join(", ")))
            .condition_expression("attempt = :attempt AND #status = :rejected AND attribute_exists(error_count)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":attempt", number(seen.attempt.into()))
            .expression_attribute_values(":rejected", text(FileStatus::ValidationFailed.as_str()));
        status_update(request).await
    }
}

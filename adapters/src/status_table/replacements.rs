//! Which files have replaced rows of which others.

use super::StatusTable;
use crate::attribute::{number, text};
use crate::conditional;
use crate::failure::Failure;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::FileId;
use domain::limits::SUPERSEDED_BY_MAX;
use std::collections::HashMap;

/// The condition that a file is earlier than another in the arrival order. An earlier version of this program wrote no
/// sequence.
const IS_EARLIER: &str = "attribute_exists(file_id) AND (#sequence < :sequence OR (#sequence = :sequence AND file_id < :later) \
     OR (attribute_not_exists(#sequence) AND received_at < :sequence))";

impl StatusTable {
    /// Records that the file `later`, with this sequence, superseded rows of the file `earlier`, unless `earlier` was
    /// processed again since and so is the later one.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn supersede(&self, earlier: &FileId, later: &FileId, sequence: u64) -> Result<(), Failure> {
        let request = self
            .if_earlier(
                earlier,
                later,
                sequence,
                "(attribute_not_exists(superseded_by) OR size(superseded_by) < :most)",
            )
            .update_expression("ADD superseded_by :later_set")
            .expression_attribute_values(":later_set", AttributeValue::Ss(vec![later.as_str().to_owned()]))
            .expression_attribute_values(":most", number(SUPERSEDED_BY_MAX as u64));
        conditional::update(request).await.map(drop)
    }

    /// Records that the file `later` replaced `rows` rows of the file `earlier`. It may be repeated: the number is that
    /// of the complete file.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn replaced(&self, earlier: &FileId, later: &FileId, sequence: u64, rows: u32) -> Result<(), Failure> {
        // A member of a map can only be set if the map exists.
        let empty = self
            .if_earlier(earlier, later, sequence, "attribute_not_exists(replaced_by)")
            .update_expression("SET replaced_by = :empty")
            .expression_attribute_values(":empty", AttributeValue::M(HashMap::new()));
        conditional::update(empty).await?;
        let fits =
            "attribute_exists(replaced_by) AND (attribute_exists(replaced_by.#later) OR size(replaced_by) < :most)";
        let request = self
            .if_earlier(earlier, later, sequence, fits)
            .update_expression("SET replaced_by.#later = :rows")
            .expression_attribute_names("#later", later.as_str())
            .expression_attribute_values(":rows", number(rows.into()))
            .expression_attribute_values(":most", number(SUPERSEDED_BY_MAX as u64));
        conditional::update(request).await.map(drop)
    }

    fn if_earlier(&self, earlier: &FileId, later: &FileId, sequence: u64, more: &str) -> UpdateItemFluentBuilder {
        self.update(earlier)
            .condition_expression(format!("{IS_EARLIER} AND {more}"))
            .expression_attribute_names("#sequence", "sequence")
            .expression_attribute_values(":later", text(later.as_str()))
            .expression_attribute_values(":sequence", number(sequence))
    }
}

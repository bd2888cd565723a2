//! Which files have replaced rows of which.

use super::StatusTable;
use crate::attribute::{number, text};
use crate::conditional;
use crate::failure::Failure;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::FileId;
use domain::limits::SUPERSEDED_BY_MAX;
use std::collections::HashMap;

/// Holds where the file is earlier than another, by its place in the arrival order. An earlier version of this program
/// wrote no places.
const IS_EARLIER: &str = "attribute_exists(file_id) AND (#sequence < :sequence OR (#sequence = :sequence AND file_id < :later) \
     OR (attribute_not_exists(#sequence) AND received_at < :sequence))";

impl StatusTable {
    /// Notes that the file `later`, at `sequence` in the arrival order, has rows in place of the file `earlier`. Nothing is
    /// noted if `earlier` has since been processed again, so that it is the later one.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
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

    /// Notes that the file `later` has replaced `rows` rows of the file `earlier`. It may be repeated: the number is that of
    /// the whole file.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn replaced(&self, earlier: &FileId, later: &FileId, sequence: u64, rows: u32) -> Result<(), Failure> {
        // Of a map that is not there no member can be set.
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

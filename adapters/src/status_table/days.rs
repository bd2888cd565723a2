//! The files of a day with their current status.

use super::StatusTable;
use super::batch::file_id_of;
use crate::attribute::text;
use crate::failure::Failure;
use crate::index::{self, Page};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use domain::Day;
use domain::files::partner_day::DayFile;

/// The index of all files by day and time, and the index of the files of a partner by time. Both have only keys.
const DAY_INDEX: &str = "timestamp-index";
const PARTNER_INDEX: &str = "partner-index";

/// The attributes that are read. The history and the ranges, which are most of an item, are not.
const ATTRIBUTES: [&str; 13] = [
    "file_id",
    "partner",
    "timestamp",
    "status",
    "attempt",
    "rows",
    "error_count",
    "totals",
    "token",
    "upload",
    "rows_superseded",
    "replaced_by",
    "rows_replaced",
];

impl StatusTable {
    /// Passes each file of a day, of one partner or of all, to `on_file`, in the order of arrival. For one partner, no
    /// file of another is read. The index is eventually consistent, so the latest files may be missing.
    ///
    /// # Errors
    /// The table rejected a call or did not respond, or `on_file` failed.
    pub async fn files_of_day(
        &self,
        day: Day,
        partner: Option<&str>,
        mut on_file: impl FnMut(DayFile) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let Page { entries, next } = index::page(self.query_of_day(day, partner), after).await?;
            let file_ids: Vec<String> = entries.iter().filter_map(file_id_of).collect();
            let files: Vec<DayFile> = self.files(&file_ids, &ATTRIBUTES).await?;
            files.into_iter().try_for_each(&mut on_file)?;
            if next.is_none() {
                return Ok(());
            }
            after = next;
        }
    }

    fn query_of_day(&self, day: Day, partner: Option<&str>) -> QueryFluentBuilder {
        let query = self.client.query().table_name(&self.name);
        match partner {
            None => query
                .index_name(DAY_INDEX)
                .key_condition_expression("#day = :day")
                .expression_attribute_names("#day", "day")
                .expression_attribute_values(":day", text(&day.to_string())),
            Some(partner) => query
                .index_name(PARTNER_INDEX)
                .key_condition_expression("partner = :partner AND begins_with(#timestamp, :day)")
                .expression_attribute_names("#timestamp", "timestamp")
                .expression_attribute_values(":partner", text(partner))
                .expression_attribute_values(":day", text(&format!("{day}T"))),
        }
    }
}

//! The files of a day, as they stand.

use super::StatusTable;
use super::batch::file_id_of;
use crate::attribute::{Item, text};
use crate::failure::{Failure, FailureKind};
use domain::Day;
use domain::files::partner_day::DayFile;

/// The index of all files by day and time, and that of a partner's by time. Both hold keys alone.
const DAY_INDEX: &str = "timestamp-index";
const PARTNER_INDEX: &str = "partner-index";

/// Most keys in a page of an index. A page is counted before the next one is asked for, so that memory does not grow with
/// the day.
const PAGE_KEYS_MAX: i32 = 1_000;

/// What is read of a file. Its history and its ranges are most of an item and stay where they are.
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

/// A page of an index: the ids of files in the order of their times, and where the next page begins.
struct Page {
    file_ids: Vec<String>,
    next: Option<Item>,
}

impl StatusTable {
    /// Hands each file of a day, of one partner or of all, to `take`, in the order in which they came. Of one partner
    /// nothing is read that belongs to another. What was written in the last moments may be seen a moment later.
    ///
    /// # Errors
    /// The table refused a call or did not answer, or `take` failed.
    pub async fn files_of_day(
        &self,
        day: Day,
        partner: Option<&str>,
        mut take: impl FnMut(DayFile) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let page = self.page_of_day(day, partner, after).await?;
            let files: Vec<DayFile> = self.files(&page.file_ids, &ATTRIBUTES).await?;
            files.into_iter().try_for_each(&mut take)?;
            if page.next.is_none() {
                return Ok(());
            }
            after = page.next;
        }
    }

    async fn page_of_day(&self, day: Day, partner: Option<&str>, after: Option<Item>) -> Result<Page, Failure> {
        let query = self.client.query().table_name(&self.name);
        let query = match partner {
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
        };
        let answer = query
            .set_exclusive_start_key(after)
            .limit(PAGE_KEYS_MAX)
            .send()
            .await
            .map_err(|error| Failure::of_call("dynamodb:Query", &error, FailureKind::StoreUnavailable))?;
        let file_ids = answer.items().iter().filter_map(file_id_of).collect();
        Ok(Page { file_ids, next: answer.last_evaluated_key.filter(|key| !key.is_empty()) })
    }
}

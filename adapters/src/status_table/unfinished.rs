//! The list of files that have not come to their end: how a transition keeps a file's place in it, and how it is read.

use super::StatusTable;
use super::batch::file_id_of;
use crate::attribute::{Item, number, text};
use crate::conditional;
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use domain::FileId;
use domain::files::unfinished::{Entry, UnfinishedFile, shard_of, upload_shard_of};

/// The index of the files that have both attributes, by shard and time. It holds keys alone.
const INDEX: &str = "unfinished-index";
const SHARD: &str = "unfinished";
const SINCE: &str = "unfinished_since_ms";

/// Most keys in a page of the index. A page is done with before the next one is asked for.
const PAGE_KEYS_MAX: i32 = 1_000;

/// What is read of a file.
const ATTRIBUTES: [&str; 9] =
    ["file_id", "partner", "attempt", "status", "updated_at_ms", SINCE, "key", "upload_key", "upload"];

/// Where a page of the list ended.
#[derive(Clone, Debug)]
pub struct UnfinishedCursor(Item);

/// Files of a shard of the list, in the order of the times since when they are unfinished.
#[derive(Clone, Debug)]
pub struct UnfinishedPage {
    /// The files, as they stand.
    pub files: Vec<UnfinishedFile>,
    /// Where the next page begins, if this was not the last.
    pub next: Option<UnfinishedCursor>,
}

impl StatusTable {
    /// A page of the files of a shard that are unfinished since before `before_ms`. The index follows its table after a
    /// moment, so that one among them may have come to its end.
    ///
    /// # Errors
    /// The table refused a call or did not answer, or an item is not one of ours.
    pub async fn unfinished(
        &self,
        shard: &str,
        before_ms: u64,
        after: Option<UnfinishedCursor>,
    ) -> Result<UnfinishedPage, Failure> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(INDEX)
            .key_condition_expression(format!("{SHARD} = :shard AND {SINCE} < :before"))
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":before", number(before_ms))
            .set_exclusive_start_key(after.map(|UnfinishedCursor(key)| key))
            .limit(PAGE_KEYS_MAX)
            .send()
            .await
            .map_err(|error| Failure::of_call("dynamodb:Query", &error, FailureKind::StoreUnavailable))?;
        let file_ids: Vec<String> = answer.items().iter().filter_map(file_id_of).collect();
        Ok(UnfinishedPage {
            files: self.files(&file_ids, &ATTRIBUTES).await?,
            next: answer.last_evaluated_key.filter(|key| !key.is_empty()).map(UnfinishedCursor),
        })
    }

    /// Takes a file off the list whose bytes are not expected any more, and with it the upload that was not used, unless the
    /// file has moved or another upload of it was created. Its status stays; whatever moves it lists it again.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn give_up(&self, file: &UnfinishedFile) -> Result<(), Failure> {
        let request = self
            .update(&file.file_id)
            .update_expression(format!("REMOVE {SHARD}, {SINCE}, upload"))
            .condition_expression(format!("attempt = :attempt AND #status = :status AND {SINCE} = :since"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":attempt", number(file.attempt.into()))
            .expression_attribute_values(":status", text(file.status.as_str()))
            .expression_attribute_values(":since", number(file.unfinished_since_ms.unwrap_or_default()));
        conditional::update(request).await.map(drop)
    }
}

/// What an update does to a file's entry in the list: the clauses of its SET and of its REMOVE, and the request with their
/// values.
pub(super) struct Listing {
    pub(super) request: UpdateItemFluentBuilder,
    pub(super) sets: Vec<String>,
    pub(super) removes: Vec<&'static str>,
}

impl Listing {
    pub(super) fn new(request: UpdateItemFluentBuilder, file_id: &FileId, entry: Entry) -> Self {
        let file_id = file_id.as_str();
        let (shard, set_since, since_ms) = match entry {
            Entry::Removed => return Self { request, sets: Vec::new(), removes: vec![SHARD, SINCE] },
            Entry::Since(since_ms) => (shard_of(file_id), format!("{SINCE} = :since"), since_ms),
            Entry::Kept(since_ms) => (shard_of(file_id), format!("{SINCE} = if_not_exists({SINCE}, :since)"), since_ms),
            Entry::Upload(since_ms) => (upload_shard_of(file_id), format!("{SINCE} = :since"), since_ms),
        };
        let request = request
            .expression_attribute_values(":shard", text(&shard))
            .expression_attribute_values(":since", number(since_ms));
        Self { request, sets: vec![format!("{SHARD} = :shard"), set_since], removes: Vec::new() }
    }
}

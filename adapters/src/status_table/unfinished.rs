//! The list of unfinished files: how a transition updates its entry, and how it is read.

use super::StatusTable;
use super::batch::file_id_of;
use crate::attribute::{number, text};
use crate::conditional;
use crate::failure::Failure;
use crate::index::{self, Cursor, Page};
use crate::update::Update;
use domain::FileId;
use domain::files::unfinished::{Entry, UnfinishedFile, shard_of, upload_shard_of};

/// The index of the files with both attributes, by shard and time. It has only keys.
const INDEX: &str = "unfinished-index";
const SHARD: &str = "unfinished";
const SINCE: &str = "unfinished_since_ms";

/// The attributes that are read.
const ATTRIBUTES: [&str; 9] =
    ["file_id", "partner", "attempt", "status", "updated_at_ms", SINCE, "key", "upload_key", "upload"];

/// Files of a shard of the list, the longest unfinished first.
#[derive(Clone, Debug)]
pub struct UnfinishedPage {
    /// The files with their current status.
    pub files: Vec<UnfinishedFile>,
    /// The cursor of the next page, if this is not the last.
    pub next: Option<Cursor>,
}

impl StatusTable {
    /// A page of the files of a shard that are unfinished since before `before_ms`. The index is eventually consistent,
    /// so a file may be finished by now.
    ///
    /// # Errors
    /// The table rejected a call or did not respond, or an item is malformed.
    pub async fn unfinished(
        &self,
        shard: &str,
        before_ms: u64,
        after: Option<Cursor>,
    ) -> Result<UnfinishedPage, Failure> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(INDEX)
            .key_condition_expression(format!("{SHARD} = :shard AND {SINCE} < :before"))
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":before", number(before_ms));
        let Page { entries, next } = index::page(query, after).await?;
        let file_ids: Vec<String> = entries.iter().filter_map(file_id_of).collect();
        Ok(UnfinishedPage { files: self.files(&file_ids, &ATTRIBUTES).await?, next })
    }

    /// Removes a file from the list whose bytes are not expected any more, with its unused upload, unless the file has
    /// changed or another upload of it was created. Its status is unchanged; the next transition lists it again.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
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

/// Adds the change of a file's entry in the list to an update.
pub(super) fn listed(update: Update, file_id: &FileId, entry: Entry) -> Update {
    let file_id = file_id.as_str();
    match entry {
        Entry::Removed => update.remove(SHARD).remove(SINCE),
        Entry::Since(since_ms) => update.set(SHARD, text(&shard_of(file_id))).set(SINCE, number(since_ms)),
        Entry::Kept(since_ms) => update.set(SHARD, text(&shard_of(file_id))).set_if_absent(SINCE, number(since_ms)),
        Entry::Upload(since_ms) => update.set(SHARD, text(&upload_shard_of(file_id))).set(SINCE, number(since_ms)),
    }
}

//! Writes the records of one byte range of a valid file into the transactions table.
//!
//! It may run twice, late, or concurrently: a row is written only if it is not written already and no later file has
//! written it, so a repeat changes nothing.

mod backlog;
mod writing;

use adapters::status_table::{Facts, Transition};
use adapters::transaction_table::{Origin, Written};
use adapters::{Configuration, Failure, FailureKind, ObjectStore, StatusTable, Tracer, TransactionTable, logging};
use domain::csv::{ByteRange, RangeReader};
use domain::files::task::{FileTask, RangeOutcome};
use domain::limits::{REPLACED_FILES_MAX, SUPERSEDED_BY_MAX};
use domain::values::money::ControlSum;
use domain::{FileId, FileStatus};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// How many files are marked at a time.
const MARKS_IN_FLIGHT: usize = 16;

/// How long a range may take by default, in seconds: five less than the timeout of the workflow's state for a small
/// file, so that the failure has its cause rather than a timeout.
const RANGE_SECONDS: u64 = 60;

/// The timeout of the function, which limits every range.
const FUNCTION_SECONDS_MAX: u64 = 300;

/// The input: one range of one file.
#[derive(Clone, Debug, Deserialize)]
pub struct TransformTask {
    /// The file.
    pub file: FileTask,
    /// The range.
    pub range: ByteRange,
    /// How long it may take, in seconds. Rows that are not written by then have failed.
    #[serde(default = "range_seconds")]
    pub seconds_max: u64,
}

fn range_seconds() -> u64 {
    RANGE_SECONDS
}

/// The resources of the function.
#[derive(Debug)]
pub struct Ports {
    /// The table of files.
    pub status: StatusTable,
    /// The table of transactions.
    pub transactions: TransactionTable,
    /// The bucket of files.
    pub objects: ObjectStore,
}

impl Ports {
    /// The ports of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self {
            status: StatusTable::new(configuration)?,
            transactions: TransactionTable::new(configuration)?,
            objects: ObjectStore::new(configuration)?,
        })
    }
}

/// Processes one range.
///
/// # Errors
/// The file could not be read, or a table rejected a write or did not respond. Rows that were written by then remain,
/// and a retry finds them unchanged.
pub async fn handle(task: TransformTask, ports: &Ports, tracer: &Tracer) -> Result<RangeOutcome, Failure> {
    let deadline = Instant::now() + Duration::from_secs(task.seconds_max.min(FUNCTION_SECONDS_MAX));
    let TransformTask { file, range, .. } = task;
    logging::set_file_id(file.file_id.as_str());
    logging::set_partner(&file.partner);
    let message = format!("writing rows: {}", file.rows);
    let transition = Transition::now(file.attempt, FileStatus::Processing, message, Facts::default());
    let object = ports.objects.open(&file.key, &file.version_id, Some((range.start, range.end)));
    // The transition of the first range is applied; those of the others conflict, which does not matter. No row is
    // written before.
    let (advanced, object) =
        tokio::join!(ports.status.advance(tracer, &file.file_id, &transition), tracer.step("open range", object));
    advanced?;
    let object = object?;
    let origin = Origin {
        file_id: file.file_id.clone(),
        partner: file.partner.clone(),
        received_at_ms: file.received_at_ms,
        sequence: file.effective_sequence(),
        attempt: file.attempt,
    };
    let reader = RangeReader::new(&range, file.columns);
    let writing = writing::write_range(object, reader, &ports.transactions, &origin, deadline);
    let (summary, tally) = tracer.step("write rows", writing).await?;
    tracer.step("mark superseded files", mark_superseded(&tally, &origin, &ports.status)).await?;
    let Tally { stored, unchanged, superseded, throttled, .. } = tally;
    let replaced = tally.replaced.values().sum();
    tracing::info!(
        event = "rows_written",
        range = range.index,
        rows = summary.rows,
        stored,
        unchanged,
        superseded,
        throttled,
        "range written"
    );
    let control_sum = ControlSum::of(&summary.totals.to_texts())
        .ok_or_else(|| Failure::new(FailureKind::InvalidInput, "a sum of the range cannot be read"))?;
    Ok(RangeOutcome {
        index: range.index,
        rows: summary.rows,
        stored,
        unchanged,
        superseded,
        replaced,
        replaced_files: tally.replaced.into_iter().take(REPLACED_FILES_MAX).collect(),
        control_sum,
    })
}

/// The outcomes of the rows of a range.
#[derive(Debug, Default)]
struct Tally {
    stored: u32,
    unchanged: u32,
    superseded: u32,
    /// How often a row was throttled.
    throttled: u32,
    /// The number of replaced rows by earlier file.
    replaced: BTreeMap<FileId, u32>,
    /// The later files whose rows are in effect, with their sequences.
    later: BTreeMap<FileId, u64>,
}

impl Tally {
    fn count(&mut self, written: Written) {
        match written {
            Written::Stored { replaced } => {
                self.stored += 1;
                self.count_replaced(replaced);
            }
            Written::Unchanged { replaced } => {
                self.unchanged += 1;
                self.count_replaced(replaced);
            }
            Written::Superseded { by } => {
                self.superseded += 1;
                if self.later.len() < SUPERSEDED_BY_MAX {
                    self.later.extend([by]);
                }
            }
        }
    }

    fn count_replaced(&mut self, replaced: Option<FileId>) {
        if let Some(file_id) = replaced {
            *self.replaced.entry(file_id).or_default() += 1;
        }
    }
}

/// Records for each superseded file which later file superseded it.
async fn mark_superseded(tally: &Tally, origin: &Origin, status: &StatusTable) -> Result<(), Failure> {
    let earlier = tally.replaced.keys().map(|earlier| (earlier, &origin.file_id, origin.sequence));
    let later = tally.later.iter().map(|(later, sequence)| (&origin.file_id, later, *sequence));
    stream::iter(earlier.chain(later))
        .map(|(earlier, later, sequence)| status.supersede(earlier, later, sequence))
        .buffer_unordered(MARKS_IN_FLIGHT)
        .try_collect()
        .await
}

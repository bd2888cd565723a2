//! Writes the records of one byte range of a valid file into the transactions table.
//!
//! It may run twice, late, or beside itself: a row is written only if it does not stand already and no later file has
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

/// How long a range may take where its task does not say, in seconds: five less than the workflow waits for the range of a
/// small file, so that what went wrong is told rather than that time ran out.
const RANGE_SECONDS: u64 = 60;

/// The function's own time, which no range can outlast whatever its task says.
const FUNCTION_SECONDS_MAX: u64 = 300;

/// The input: one range of one file.
#[derive(Clone, Debug, Deserialize)]
pub struct TransformTask {
    /// The file.
    pub file: FileTask,
    /// The range.
    pub range: ByteRange,
    /// How long it may take, in seconds. What could not be written by then has failed.
    #[serde(default = "range_seconds")]
    pub seconds_max: u64,
}

fn range_seconds() -> u64 {
    RANGE_SECONDS
}

/// What the function reaches outside itself.
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
/// The file could not be read, or a table refused a write or did not answer. What was written by then stands, and the
/// next try finds it unchanged.
pub async fn handle(task: TransformTask, ports: &Ports, tracer: &Tracer) -> Result<RangeOutcome, Failure> {
    let deadline = Instant::now() + Duration::from_secs(task.seconds_max.min(FUNCTION_SECONDS_MAX));
    let TransformTask { file, range, .. } = task;
    logging::set_file_id(file.file_id.as_str());
    logging::set_partner(&file.partner);
    let message = format!("writing rows: {}", file.rows);
    let transition = Transition::now(file.attempt, FileStatus::Processing, message, Facts::default());
    let object = ports.objects.open(&file.key, &file.version_id, Some((range.start, range.end)));
    // Whichever range is first says so; the others are refused, which is as good. No row is written before.
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

/// What became of the rows of a range.
#[derive(Debug, Default)]
struct Tally {
    stored: u32,
    unchanged: u32,
    superseded: u32,
    /// How often the table was too busy for a row.
    throttled: u32,
    /// The earlier files whose rows were replaced, and how many of each.
    replaced: BTreeMap<FileId, u32>,
    /// The later files whose rows are in effect, and their places in the arrival order.
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

/// Notes on each file concerned which later file has its rows.
async fn mark_superseded(tally: &Tally, ours: &Origin, status: &StatusTable) -> Result<(), Failure> {
    let earlier = tally.replaced.keys().map(|earlier| (earlier, &ours.file_id, ours.sequence));
    let later = tally.later.iter().map(|(later, sequence)| (&ours.file_id, later, *sequence));
    stream::iter(earlier.chain(later))
        .map(|(earlier, later, sequence)| status.supersede(earlier, later, sequence))
        .buffer_unordered(MARKS_IN_FLIGHT)
        .try_collect()
        .await
}

//! Writes the records of one byte range of a valid file into the transactions table.
//!
//! It may run twice, late, or beside itself: a row is written only if it does not stand already and no later file has
//! written it, so a repeat changes nothing.

use adapters::object_store::OpenObject;
use adapters::status_table::{Facts, Transition};
use adapters::transaction_table::{self, Origin, Row, Written};
use adapters::{Configuration, Failure, FailureKind, ObjectStore, StatusTable, Tracer, TransactionTable, logging};
use domain::csv::range::{RangeSummary, RecordChanged};
use domain::csv::{ByteRange, RangeReader};
use domain::limits::SUPERSEDED_BY_MAX;
use domain::task::{FileTask, RangeOutcome};
use domain::{FileId, FileStatus};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// How many rows are being written at a time. One write takes about 5 ms, so this allows more than a function of
/// 512 MB has processor time for.
const WRITES_IN_FLIGHT: usize = 64;

/// The input: one range of one file.
#[derive(Clone, Debug, Deserialize)]
pub struct TransformTask {
    /// The file.
    pub file: FileTask,
    /// The range.
    pub range: ByteRange,
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
    let TransformTask { file, range } = task;
    logging::set_file_id(file.file_id.as_str());
    let message = format!("writing rows: {}", file.rows);
    let transition = Transition::now(file.attempt, FileStatus::Processing, message, Facts::default());
    // Whichever range is first says so; the others are refused, which is as good.
    ports.status.advance(tracer, &file.file_id, &transition).await?;
    let object = ports.objects.open(&file.key, &file.version_id, Some((range.start, range.end)));
    let object = tracer.step("open range", object).await?;
    let origin =
        Origin { file_id: file.file_id.clone(), partner: file.partner.clone(), received_at_ms: file.received_at_ms };
    let mut tally = Tally::default();
    let summary = tracer.step("write rows", write_range(object, &file, &range, &origin, ports, &mut tally)).await?;
    tracer.step("mark superseded files", mark_superseded(&tally, &origin, &ports.status)).await?;
    let Tally { stored, unchanged, superseded, .. } = tally;
    tracing::info!(range = range.index, rows = summary.rows, stored, unchanged, superseded, "range written");
    let totals = summary.totals.to_texts();
    Ok(RangeOutcome { index: range.index, rows: summary.rows, stored, unchanged, superseded, totals })
}

/// What became of the rows of a range.
#[derive(Debug, Default)]
struct Tally {
    stored: u32,
    unchanged: u32,
    superseded: u32,
    /// The earlier files whose rows were replaced.
    replaced: BTreeSet<FileId>,
    /// The later files whose rows stand, and when they arrived.
    later: BTreeMap<FileId, u64>,
}

impl Tally {
    fn count(&mut self, written: Written) {
        match written {
            Written::Stored { replaced } => {
                self.stored += 1;
                self.replaced.extend(replaced);
            }
            Written::Unchanged { replaced } => {
                self.unchanged += 1;
                self.replaced.extend(replaced);
            }
            Written::Superseded { by } => {
                self.superseded += 1;
                if self.later.len() < SUPERSEDED_BY_MAX {
                    self.later.extend([by]);
                }
            }
        }
    }
}

/// Reads the range piece by piece and writes the rows of each piece before the next is read.
async fn write_range(
    mut object: OpenObject,
    file: &FileTask,
    range: &ByteRange,
    origin: &Origin,
    ports: &Ports,
    tally: &mut Tally,
) -> Result<RangeSummary, Failure> {
    let mut reader = RangeReader::new(range, file.columns.clone());
    let mut rows = Vec::new();
    while let Some(bytes) = object.next().await? {
        let read = reader
            .push(&bytes, &mut |record, transaction| rows.push(transaction_table::row(origin, record, transaction)));
        read.map_err(changed)?;
        write_rows(std::mem::take(&mut rows), origin, ports, tally).await?;
    }
    let summary =
        reader.finish(&mut |record, transaction| rows.push(transaction_table::row(origin, record, transaction)));
    let summary = summary.map_err(changed)?;
    write_rows(rows, origin, ports, tally).await?;
    Ok(summary)
}

fn changed(fault: RecordChanged) -> Failure {
    Failure::new(FailureKind::InvalidInput, fault.to_string())
}

async fn write_rows(rows: Vec<Row>, origin: &Origin, ports: &Ports, tally: &mut Tally) -> Result<(), Failure> {
    let mut writes =
        stream::iter(rows).map(|row| ports.transactions.write(origin, row)).buffer_unordered(WRITES_IN_FLIGHT);
    while let Some(written) = writes.try_next().await? {
        tally.count(written);
    }
    Ok(())
}

/// Notes on each file concerned which later file stands in its place.
async fn mark_superseded(tally: &Tally, ours: &Origin, status: &StatusTable) -> Result<(), Failure> {
    let earlier = tally.replaced.iter().map(|earlier| (earlier, &ours.file_id, ours.received_at_ms));
    let later = tally.later.iter().map(|(later, received_at_ms)| (&ours.file_id, later, *received_at_ms));
    stream::iter(earlier.chain(later))
        .map(|(earlier, later, received_at_ms)| status.supersede(earlier, later, received_at_ms))
        .buffer_unordered(WRITES_IN_FLIGHT)
        .try_collect()
        .await
}

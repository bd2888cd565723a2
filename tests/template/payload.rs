//! The largest data of the workflow: the longest key, every currency, the largest sums, the most ranges, the longest
//! error. Express ends an execution whose data exceed 256 KiB, and no Catch runs then.

use crate::simulators::state_data::{Ending, Play, Sizes};
use crate::support::template::{definition, states};
use domain::csv::{ByteRange, Column, Columns};
use domain::files::task::{FileTask, RangeOutcome, RejectionReason, Validation};
use domain::limits::{
    AMOUNT_DIGITS_MAX, ATTEMPTS_MAX, BUCKET_FILE_BYTES_MAX, FILE_RANGES_MAX, FILE_ROWS_MAX, PARTNER_CHARS_MAX,
    RECORD_COLUMNS_MAX, REPLACED_FILES_MAX,
};
use domain::values::money::ControlSum;
use domain::{Currency, FileId, FileStatus, Money, Totals};
use notification_sender::notification::Notification;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The limit of Step Functions on the data of a state. A message of the queue and of the topic may be as large.
const BYTES_MAX: usize = 256 * 1024;

/// The limits of S3 on a key and on a version's id, in bytes. A byte of a key may take six in JSON: `\u0001`.
const KEY_BYTES_MAX: usize = 1024;
const VERSION_ID_BYTES_MAX: usize = 1024;

/// The limits of Step Functions on an error. A cause is a text of JSON itself, whose quotes take two bytes each.
const ERROR_CHARS_MAX: usize = 256;
const CAUSE_CHARS_MAX: usize = 32_768;

/// Twice as often as this, an amount makes the sum of more rows than any file has: 2^23 are more than eight million.
const DOUBLINGS: u32 = 23;

fn key() -> String {
    "\u{1}".repeat(KEY_BYTES_MAX)
}

/// The sums of a file with every currency, each of the longest amounts.
fn totals() -> BTreeMap<String, String> {
    let mut totals = Totals::default();
    let letters = || b'A'..=b'Z';
    let codes = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| [a, b, c])));
    for currency in codes.filter_map(|code| Currency::parse(&code).ok()) {
        let (whole, decimals) = (AMOUNT_DIGITS_MAX - usize::from(currency.decimals()), currency.decimals());
        let fraction = "9".repeat(decimals.into());
        let text = format!("-{}{}{fraction}", "9".repeat(whole), if decimals > 0 { "." } else { "" });
        totals.add(currency, Money::parse(text.as_bytes(), decimals).unwrap());
    }
    let doubled = |sums, _| domain::values::money::add_up([&sums, &sums]).unwrap();
    let totals = (0..DOUBLINGS).fold(totals.to_texts(), doubled);
    assert!(totals.len() > 150, "{}", totals.len());
    totals
}

fn file() -> FileTask {
    let mut columns: Vec<Option<Column>> = Column::ALL.map(Some).to_vec();
    columns.resize(RECORD_COLUMNS_MAX, None);
    let columns: Columns = serde_json::from_value(json!(columns)).unwrap();
    FileTask {
        file_id: FileId::parse(&"f".repeat(32)).unwrap(),
        attempt: ATTEMPTS_MAX,
        partner: "p".repeat(PARTNER_CHARS_MAX),
        key: key(),
        version_id: "v".repeat(VERSION_ID_BYTES_MAX),
        received_at_ms: u64::MAX,
        sequence: Some(u64::MAX),
        columns,
        rows: FILE_ROWS_MAX,
        totals: totals(),
    }
}

fn ranges() -> Vec<ByteRange> {
    let bytes = BUCKET_FILE_BYTES_MAX;
    // Each byte of a file may end a line.
    let first_line = u32::try_from(bytes).unwrap();
    let range = |index| ByteRange { index, start: bytes, end: bytes, first_record: FILE_ROWS_MAX, first_line };
    (0..u32::try_from(FILE_RANGES_MAX).unwrap()).map(range).collect()
}

fn outcome() -> RangeOutcome {
    let (index, rows) = (u32::try_from(FILE_RANGES_MAX).unwrap(), FILE_ROWS_MAX);
    let control_sum = ControlSum::of(&totals()).unwrap();
    RangeOutcome {
        index,
        rows,
        stored: rows,
        unchanged: rows,
        superseded: rows,
        replaced: rows,
        replaced_files: replaced_files(),
        control_sum,
    }
}

fn replaced_files() -> BTreeMap<FileId, u32> {
    let file = |number: usize| (FileId::parse(&format!("{number:032x}")).unwrap(), FILE_ROWS_MAX);
    (0..REPLACED_FILES_MAX).map(file).collect()
}

fn error() -> Value {
    json!({"Error": "E".repeat(ERROR_CHARS_MAX), "Cause": "\"".repeat(CAUSE_CHARS_MAX)})
}

/// The event of S3, as EventBridge passes it on, and as an operator passes it again.
fn event(bytes: u64) -> Value {
    json!({
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": "Object Created",
        "source": "aws.s3", "account": "123456789012", "time": "2026-01-15T10:00:00Z", "region": "ap-northeast-1",
        "resources": [format!("arn:aws:s3:::{}", "b".repeat(63))],
        "detail": {
            "version": "0",
            "bucket": {"name": "b".repeat(63)},
            "object": {
                "key": key(), "size": bytes, "etag": "e".repeat(64), "version-id": "v".repeat(VERSION_ID_BYTES_MAX),
                "sequencer": "s".repeat(64),
            },
            "request-id": "r".repeat(64), "requester": "r".repeat(256), "source-ip-address": "a".repeat(45),
            "reason": "CompleteMultipartUpload",
        },
        "redrive": true,
    })
}

/// The result of a function call through Step Functions: the function's own output, and 2 KB of headers.
fn returned(payload: Value) -> Value {
    json!({"ExecutedVersion": "$LATEST", "Payload": payload, "SdkHttpMetadata": "h".repeat(2048), "StatusCode": 200})
}

/// Every outcome of a task, each at its largest.
fn endings(task: &str) -> Vec<Ending> {
    let json = |validation: &Validation| serde_json::to_value(validation).unwrap();
    let results = match task {
        "Validation" | "ValidateLargeFile" => {
            let cause = format!(
                "file {0}, errors: {1}; the first is {0}{0} on line {1}; {2}",
                "f".repeat(32),
                u64::MAX,
                "r".repeat(64)
            );
            vec![
                returned(json(&Validation::process(file(), ranges()))),
                returned(json(&Validation::rejected(RejectionReason::UnknownPartner, cause))),
                returned(json(&Validation::done())),
            ]
        }
        "ProcessRange" | "ProcessLargeRange" => vec![returned(serde_json::to_value(outcome()).unwrap())],
        "Notification" | "NotifyRejection" | "RecordFailure" => {
            vec![returned(json!({"file_id": "f".repeat(32), "status": "notification_failed", "published": true}))]
        }
        "SendToDeadLetterQueue" => vec![json!({"MessageId": "m".repeat(64), "SdkHttpMetadata": "h".repeat(2048)})],
        other => panic!("the outcomes of {other} are not known here"),
    };
    results.into_iter().map(Ok).chain([Err(error())]).collect()
}

fn sizes() -> (Sizes, Vec<Ending>) {
    let execution = format!("arn:aws:states:ap-northeast-1:123456789012:express:{}", "n".repeat(256));
    let (mut sizes, mut ends) = (Sizes::new(), Vec::new());
    for bytes in [1, u64::MAX] {
        let event = event(bytes);
        let context = json!({
            "Execution": {"Input": event, "Id": execution}, "State": {"EnteredTime": "2026-01-15T10:00:00.000Z"},
        });
        let mut play = Play { endings: &endings, context, sizes: Vec::new() };
        ends.extend(play.run(&definition(), event));
        sizes.append(&mut play.sizes);
    }
    (sizes, ends)
}

#[test]
fn the_largest_workflow_data_fits_into_256_kib() {
    let (mut sizes, ends) = sizes();
    sizes.sort_unstable_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    sizes.dedup_by_key(|(what, _)| what.clone());
    let too_large: Vec<_> = sizes.iter().filter(|(_, bytes)| *bytes > BYTES_MAX).collect();
    assert!(too_large.is_empty(), "{too_large:#?}");
    // The test is only valid if it covers every state, and an error whose quotes are escaped.
    assert!(sizes[0].1 > 2 * CAUSE_CHARS_MAX, "the largest is {:?}", sizes[0]);
    let all = states(&definition());
    for (task, _) in all.iter().filter(|(_, state)| state["Type"] == "Task") {
        assert!(sizes.iter().any(|(what, _)| what.starts_with(&format!("{task}: "))), "{task} was never met");
    }
    assert!(ends.iter().any(Result::is_ok) && ends.iter().any(Result::is_err));
}

#[test]
fn the_largest_notification_fits_into_a_message() {
    let file = file();
    let notification = Notification {
        notification_id: Notification::id(&file.file_id, file.attempt, FileStatus::NotificationFailed),
        file_id: file.file_id.to_string(),
        partner: file.partner,
        attempt: file.attempt,
        status: FileStatus::NotificationFailed,
        records_processed: FILE_ROWS_MAX,
        rows_superseded: FILE_ROWS_MAX,
        rows_replaced: FILE_ROWS_MAX,
        replaced_files: replaced_files(),
        totals: file.totals,
        timestamp: "2026-01-15T10:00:00.000Z".to_owned(),
        environment: "e".repeat(28),
    };
    assert!(serde_json::to_string(&notification).unwrap().len() <= BYTES_MAX);
}

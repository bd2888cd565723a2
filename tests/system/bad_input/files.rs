//! Uploaded files: rejected with every error at its position, or accepted and stored exactly.

use super::recipe::Bytes;
use super::{CARD, all, broken, cases, texts};
use crate::support::cloud::Cloud;
use crate::support::files::{HEADER, decimal, file_id};
use crate::support::upload::{ApiResponse, Uploader, number, statuses};
use domain::csv::{Column, ErrorCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// The expected row of one transaction, by column.
type Row = BTreeMap<&'static str, String>;

/// Texts of our own messages are no echo of a value; shorter values may occur by chance.
const ECHO_BYTES_MIN: usize = 4;

struct FileCase {
    file: Vec<u8>,
    outcome: Outcome,
}

enum Outcome {
    /// The errors in their order, and the wrong values, where they are known.
    Rejected { errors: Vec<Error>, values: Vec<Vec<u8>> },
    /// The expected rows.
    Stored(Vec<Row>),
}

/// The position of an error in the data: `code record:line column #number @mark xtimes`. The column is `-` or nothing
/// where the error has none, and the last three may be absent.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Error {
    code: String,
    record: u64,
    line: u64,
    column: String,
    column_number: Option<u64>,
    byte: u64,
}

/// A valid record as it is in a file.
fn record(id: &str) -> String {
    format!("{id},12.34,USD,2026-01-15T10:00:00Z,Corner Café {CARD},completed")
}

/// Its stored row.
fn row(id: &str) -> Row {
    let merchant = format!("Corner Café {CARD}");
    let values = [id, "12.34", "USD", "2026-01-15T10:00:00.000000000Z", &merchant, "completed"];
    Column::ALL.iter().map(|column| column.name()).zip(values.map(str::to_owned)).collect()
}

/// The names that files may use: the header, and valid records by their ids.
fn names(name: &str) -> Option<Bytes> {
    let is_id = name.len() == 2 && name.starts_with(['T', 't', 'N']);
    if name == "header" { Some(HEADER.into()) } else { is_id.then(|| record(name).as_str().into()) }
}

fn bytes(recipe: &Value) -> Bytes {
    Bytes::of(recipe, &names)
}

impl Error {
    /// Reads the errors of a case whose file has these bytes.
    fn list(errors: &Value, file: &Bytes) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for text in texts(errors) {
            let times =
                text.split(' ').find_map(|word| word.strip_prefix('x')).map_or(1, |times| times.parse().unwrap());
            for _ in 0..times {
                found.push(Self::read(text, file, found.len()));
            }
        }
        let has_error = |mark: &usize| found.iter().any(|error| error.byte == *mark as u64);
        assert!(file.marks.iter().all(has_error), "a position is marked where no error is");
        found
    }

    fn read(text: &str, file: &Bytes, number: usize) -> Self {
        let words: Vec<&str> = text.split(' ').collect();
        let after =
            |sign: char| words.iter().find_map(|word| word.strip_prefix(sign)).map(|digits| digits.parse().unwrap());
        let (record, line) = words[1].split_once(':').unwrap();
        let column = words.get(2).filter(|word| !word.starts_with(['-', '#', '@', 'x'])).copied().unwrap_or_default();
        let mark = after('@')
            .map_or(if file.marks.len() == 1 { 0 } else { number }, |mark: u64| usize::try_from(mark).unwrap());
        Self {
            code: words[0].to_owned(),
            record: record.parse().unwrap(),
            line: line.parse().unwrap(),
            column: column.to_owned(),
            column_number: after('#'),
            byte: file.position(mark).unwrap_or_default(),
        }
    }

    /// Reads an error of a response; its column's number only where one is expected.
    fn of_response(error: &Value, expected: Option<&Self>) -> Self {
        let number = |member: &str| error[member].as_u64().unwrap_or(u64::MAX);
        let is_numbered = expected.is_some_and(|error| error.column_number.is_some());
        Self {
            code: error["code"].as_str().unwrap_or_default().to_owned(),
            record: number("record"),
            line: number("line"),
            column: error["column"].as_str().unwrap_or_default().to_owned(),
            column_number: is_numbered.then(|| number("column_number")),
            byte: number("byte"),
        }
    }
}

/// The case of one entry of the data: a file as written, or one with a record for each value of a column.
fn of_entry(entry: &Value) -> FileCase {
    if let Some(values) = entry["rejected"].as_array() {
        return rejected_values(entry, values);
    }
    if let Some(values) = entry["stored"].as_array() {
        return stored_values(entry, values);
    }
    let file = bytes(&entry["file"]);
    let outcome = match entry["rows"].as_array() {
        Some(rows) => Outcome::Stored(rows.iter().map(row_of).collect()),
        None => Outcome::Rejected { errors: Error::list(&entry["errors"], &file), values: Vec::new() },
    };
    FileCase { file: file.bytes, outcome }
}

fn column_of(entry: &Value) -> Column {
    Column::ALL.into_iter().find(|column| entry["column"] == column.name()).unwrap()
}

/// A valid record with this value in a column, and the offset of the column.
fn with_value(id: &str, column: Column, value: &[u8]) -> (Vec<u8>, usize) {
    let valid = record(id);
    let mut fields: Vec<&[u8]> = valid.split(',').map(str::as_bytes).collect();
    let before = fields[..column as usize].iter().map(|field| field.len() + 1).sum();
    fields[column as usize] = value;
    (fields.join(&b','), before)
}

/// Values that are rejected, each in a record of its own below a valid one.
fn rejected_values(entry: &Value, values: &[Value]) -> FileCase {
    let (code, column) = (entry["code"].as_str().unwrap(), column_of(entry));
    let mut file = format!("{HEADER}\n{}\n", record("T1")).into_bytes();
    let mut errors = Vec::new();
    let values: Vec<Bytes> = values.iter().map(bytes).collect();
    for (number, value) in (2..).zip(&values) {
        let (record, place) = with_value(&format!("T{number}"), column, &value.bytes);
        errors.push(Error {
            code: code.to_owned(),
            record: number,
            line: file.iter().filter(|byte| **byte == b'\n').count() as u64 + 1,
            column: column.name().to_owned(),
            column_number: Some(column as u64 + 1),
            byte: (file.len() + place) as u64 + value.position(0).unwrap_or_default(),
        });
        file.extend([&record[..], b"\n"].concat());
    }
    let values = values.into_iter().map(|value| value.bytes).collect();
    FileCase { file, outcome: Outcome::Rejected { errors, values } }
}

/// Values that are accepted, each in a record of its own.
fn stored_values(entry: &Value, values: &[Value]) -> FileCase {
    let column = column_of(entry);
    let mut file = format!("{HEADER}\n").into_bytes();
    let mut rows = Vec::new();
    for (number, value) in (1..).zip(values) {
        let id = format!("T{number}");
        // The time is read once, so that it is the same in the file and in the expected row.
        let in_file = bytes(value.get("value").unwrap_or(value));
        let stored = value.get("stored").map_or_else(|| in_file.clone(), bytes);
        let (record, _) = with_value(&id, column, &in_file.bytes);
        file.extend([&record[..], b"\n"].concat());
        let mut row = row(&id);
        row.insert(column.name(), stored.text());
        rows.push(row);
    }
    FileCase { file, outcome: Outcome::Stored(rows) }
}

/// A row of the data: the members that differ from the usual ones.
fn row_of(entry: &Value) -> Row {
    let mut row = row("T1");
    for column in Column::ALL.map(Column::name) {
        if !entry[column].is_null() {
            row.insert(column, bytes(&entry[column]).text());
        }
    }
    row
}

/// What is wrong with the stored rows of a partner.
async fn wrongly_stored(bank: &Uploader<'_>, rows: &[Row]) -> Vec<String> {
    let mut deviations = Vec::new();
    for expected in rows {
        let stored = bank.transaction(&expected["transaction_id"]).await.unwrap_or_default();
        let found: Row = Column::ALL
            .into_iter()
            .map(|column| {
                let text = stored[column.name()].as_str().unwrap_or_default();
                let is_amount = column == Column::Amount && !text.is_empty();
                (column.name(), if is_amount { decimal(text) } else { text.to_owned() })
            })
            .collect();
        if found != *expected {
            deviations.push(format!("expected {expected:?}, found {found:?}"));
        }
    }
    deviations
}

/// Uploads a file that must be accepted, and describes what is wrong with its outcome and its rows.
async fn wrongly_accepted(bank: &Uploader<'_>, file: &[u8], rows: &[Row]) -> Vec<String> {
    let response = bank.upload(file).await;
    if response.status != 200 || response.body["row_count"] != rows.len() {
        return vec![format!("returned {} {}", response.status, response.body)];
    }
    let ended = bank.cloud.ended(response.text("file_id"), 1).await;
    if ended["status"] != "completed" || number(&ended["rows_stored"]) != rows.len() as u64 {
        return vec![format!("ended as {ended}")];
    }
    wrongly_stored(bank, rows).await
}

/// The next file of a partner whose last one was rejected.
pub(super) async fn affects_next(bank: &Uploader<'_>) -> Vec<String> {
    let next = format!("{HEADER}\n{}\n", record("N1"));
    let deviations = wrongly_accepted(bank, next.as_bytes(), &[row("N1")]).await;
    deviations.into_iter().map(|how| format!("the next file: {how}")).collect()
}

async fn wrongly_rejected(bank: &Uploader<'_>, file: &[u8], errors: &[Error], values: &[Vec<u8>]) -> Vec<String> {
    let response = bank.upload(file).await;
    let status = bank.cloud.status_row(&file_id(&bank.partner, file)).await.unwrap_or_default();
    let listed = response.body["errors"].as_array().cloned().unwrap_or_default();
    let found: Vec<Error> =
        listed.iter().enumerate().map(|(at, error)| Error::of_response(error, errors.get(at))).collect();
    let mut stored = Vec::new();
    for number in 1..values.len().max(2) + 2 {
        stored.extend(bank.transaction(&format!("T{number}")).await);
    }
    let history = if status["history"].is_array() { statuses(&status["history"]) } else { Vec::new() };
    let is_rejected = response.status == 400 && response.error() == "invalid_csv";
    let mut deviations = broken([
        (is_rejected, format!("returned {} {}", response.status, response.body)),
        (found == errors, format!("expected {errors:?}, found {found:?}")),
        (is_consistent(&response), format!("counts and members do not agree: {}", response.body)),
        (history == ["validating", "validation_failed"], format!("the history is {history:?}")),
        (status["status"] == "validation_failed", format!("the status is {}", status["status"])),
        (
            status["error_count"] == json!(errors.len().to_string()),
            format!("{} errors are recorded", status["error_count"]),
        ),
        (stored.is_empty(), format!("rows of it were stored: {stored:?}")),
        (!echoes(&response, bank, values), format!("what was sent is repeated: {}", response.body)),
    ]);
    deviations.extend(affects_next(bank).await);
    deviations
}

/// Whether a response repeats private data: the card number of the valid records, the key, or a wrong value.
fn echoes(response: &ApiResponse, bank: &Uploader<'_>, values: &[Vec<u8>]) -> bool {
    let whole = format!("{} {:?}", response.body, response.headers);
    let listed = response.body["errors"].as_array().into_iter().flatten();
    let of_errors = listed.flat_map(|error| [&error["reason"], &error["fix"]]);
    let texts: String =
        of_errors.chain([&response.body["message"], &response.body["title"]]).filter_map(Value::as_str).collect();
    let is_ours =
        |text: &str| ErrorCode::ALL.iter().any(|code| code.fix().contains(text) || code.reason().contains(text));
    let is_echoed = |value: &Vec<u8>| {
        let value = String::from_utf8_lossy(value);
        let value = value.trim();
        value.len() >= ECHO_BYTES_MIN && !is_ours(value) && texts.contains(value)
    };
    whole.contains(CARD) || whole.contains(&bank.key) || values.iter().any(is_echoed)
}

/// Whether the response's numbers agree with its list, and each error has a reason and a fix.
fn is_consistent(response: &ApiResponse) -> bool {
    let errors = response.body["errors"].as_array().cloned().unwrap_or_default();
    let mut by_code = BTreeMap::<&str, u64>::new();
    for error in &errors {
        *by_code.entry(error["code"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let members_of = |value: &Value| {
        let mut members: Vec<String> = value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        members.sort();
        members.join(" ")
    };
    let says_all = |error: &Value| {
        let texts = ["reason", "fix"].iter().all(|text| error[text].as_str().is_some_and(|text| !text.is_empty()));
        texts && error["byte"].is_u64() && members_of(error) == "byte code column column_number fix line reason record"
    };
    let members = "detail dry_run error error_count errors errors_by_code file_id instance message request_id row_count \
                   status status_path title truncated type";
    members_of(&response.body) == members
        && response.content_type() == "application/problem+json"
        && response.body["error_count"] == errors.len()
        && response.body["errors_by_code"] == json!(by_code)
        && response.body["truncated"] == false
        && errors.iter().all(says_all)
}

async fn check(part: &str) {
    let cloud = Cloud::open().await;
    let (sequences, single): (Vec<_>, Vec<_>) =
        cases(part).into_iter().partition(|(_, case)| case["uploads"].is_array());
    all(single, async |entry: Value| {
        let (bank, case) = (cloud.partner().await, of_entry(&entry));
        match case.outcome {
            Outcome::Rejected { errors, values } => wrongly_rejected(&bank, &case.file, &errors, &values).await,
            Outcome::Stored(rows) => wrongly_accepted(&bank, &case.file, &rows).await,
        }
    })
    .await;
    all(sequences, async |case: Value| sequence(&cloud, &case).await).await;
}

/// Several files, one after the other, of one partner or two.
async fn sequence(cloud: &Cloud, case: &Value) -> Vec<String> {
    let mut banks: HashMap<&str, Uploader<'_>> = HashMap::new();
    for name in ["one", "other"] {
        banks.insert(name, cloud.partner().await);
    }
    let mut deviations = Vec::new();
    for upload in case["uploads"].as_array().unwrap() {
        let (bank, file) = (&banks[upload["by"].as_str().unwrap()], bytes(&upload["file"]).bytes);
        let id = file_id(&bank.partner, &file);
        let before = cloud.status_row(&id).await;
        let response = bank.upload(&file).await.accepted();
        let is_duplicate = upload["duplicate"] == true;
        let after = cloud.ended(&id, 1).await;
        deviations.extend(broken([
            (response.body["duplicate"] == is_duplicate, format!("returned {}", response.body)),
            (response.text("file_id") == id, format!("it is another file: {}", response.body)),
            (after["status"] == "completed", format!("ended as {after}")),
            // A later file that superseded it is noted in the earlier one's row; nothing else of a final row changes.
            (!is_duplicate || before.is_some_and(|before| before == after), format!("it had an effect: {after}")),
        ]));
    }
    for (name, bank) in &banks {
        let rows: Vec<Row> = case["rows"][name].as_array().into_iter().flatten().map(row_of).collect();
        deviations.extend(wrongly_stored(bank, &rows).await);
    }
    deviations
}

#[tokio::test]
async fn encoding_clauses_hold() {
    check("encoding").await;
}

#[tokio::test]
async fn structure_clauses_hold() {
    check("structure").await;
}

#[tokio::test]
async fn amount_and_currency_clauses_hold() {
    check("amounts").await;
}

#[tokio::test]
async fn timestamp_clauses_hold() {
    check("timestamps").await;
}

#[tokio::test]
async fn identity_clauses_hold() {
    check("identity").await;
}

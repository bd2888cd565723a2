//! The uploads of a day, from a seed: valid files, invalid ones of every kind, repeats and corrections.

use crate::support::files::{self, HEADER};
use fastrand::Rng;
use std::fmt::Write;

/// As many partners as a day of 10,000 files needs, whose keys may each send a thousand.
pub(crate) const PARTNERS: usize = 10;
const ROWS_MAX: u64 = 20;
/// Of so many uploads two are invalid, one repeats another, and one corrects another.
const ROUND: usize = 20;
const BOUNDARY: &str = "load";

/// One upload: a request's content type and body.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
    /// The file in it, if the request has one.
    pub(crate) file: Option<Vec<u8>>,
    pub(crate) expected: Expected,
}

/// The expected outcome.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    /// It is accepted with these rows, or is a duplicate.
    Accepted { rows: Vec<Row>, is_repeat: bool },
    /// It is rejected with this status and code; for a file, the code is one of its errors.
    Rejected { status: u16, code: &'static str },
}

/// A row as it must be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) amount: String,
    pub(crate) currency: &'static str,
}

/// Uploads that one partner sends one after the other: each waits for the response to the one before.
#[derive(Clone, Debug)]
pub(crate) struct UploadBatch {
    pub(crate) partner: usize,
    pub(crate) uploads: Vec<Upload>,
}

/// So many uploads in their order.
pub(crate) fn plan(uploads: usize, seed: u64) -> Vec<UploadBatch> {
    let mut draw = Rng::with_seed(seed);
    let mut batches: Vec<UploadBatch> = Vec::new();
    let (mut planned, mut bad) = (0, 0);
    while planned < uploads {
        let number = batches.len();
        let valid = valid(&rows(number, &mut draw));
        let uploads = match planned % ROUND {
            0 | 10 => {
                bad += 1;
                vec![rejected(bad, number)]
            }
            4 => vec![valid.clone(), repeat(&valid)],
            14 => vec![valid.clone(), correction(&valid, &mut draw)],
            _ => vec![valid],
        };
        planned += uploads.len();
        batches.push(UploadBatch { partner: number % PARTNERS, uploads });
    }
    batches
}

fn rows(number: usize, draw: &mut Rng) -> Vec<Row> {
    let count = 1 + draw.u64(..ROWS_MAX);
    (0..count).map(|row| Row { id: format!("F{number}-{row}"), ..drawn(draw) }).collect()
}

/// A row without an id. A bank's report has refunds, and amounts of any size.
fn drawn(draw: &mut Rng) -> Row {
    let (currency, decimals) = [("USD", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3)][draw.usize(..4)];
    let bits = draw.u64(..50);
    let units = draw.u64(..1 << bits);
    let sign = if draw.u64(..8) == 0 && units > 0 { "-" } else { "" };
    let scale = 10_u64.pow(decimals);
    let fraction = if decimals == 0 {
        String::new()
    } else {
        format!(".{:0width$}", units % scale, width = usize::try_from(decimals).unwrap())
    };
    Row { id: String::new(), amount: format!("{sign}{}{fraction}", units / scale), currency }
}

fn text(rows: &[Row]) -> String {
    let mut text = format!("{HEADER}\n");
    for Row { id, amount, currency } in rows {
        writeln!(text, "{id},{amount},{currency},2026-01-15T10:00:00Z,Corner Café,completed").unwrap();
    }
    text
}

fn form(file: Vec<u8>, expected: Expected) -> Upload {
    let body = files::body(BOUNDARY, &[files::file_part(&file)]);
    Upload { content_type: format!("multipart/form-data; boundary={BOUNDARY}"), body, file: Some(file), expected }
}

fn valid(rows: &[Row]) -> Upload {
    form(text(rows).into_bytes(), Expected::Accepted { rows: rows.to_vec(), is_repeat: false })
}

fn repeat(first: &Upload) -> Upload {
    let Expected::Accepted { rows, .. } = &first.expected else { panic!("only an accepted upload can be repeated") };
    Upload { expected: Expected::Accepted { rows: rows.clone(), is_repeat: true }, ..first.clone() }
}

/// The same ids with other values.
fn correction(first: &Upload, draw: &mut Rng) -> Upload {
    let Expected::Accepted { rows, .. } = &first.expected else { panic!("only an accepted upload can be corrected") };
    let mut corrected: Vec<Row> = rows.iter().map(|row| Row { id: row.id.clone(), ..drawn(draw) }).collect();
    // Makes sure that it is another file.
    corrected.push(Row { id: format!("{}-more", rows[0].id), ..drawn(draw) });
    valid(&corrected)
}

type Corrupt = fn(&str) -> Vec<u8>;
type CorruptRequest = fn(&mut Upload);

/// How to corrupt a valid file of two records or more, and the code of an error that it has then.
const CORRUPTED: [(&str, Corrupt); 45] = [
    ("encoding_utf16", |text| text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ("encoding_invalid_utf8", |text| put(text, "Corner", b"Caf\xe9")),
    ("encoding_invalid_utf8", |text| put(text, "Corner", b"Caf\xc0\xaf")),
    ("byte_order_mark_inside", |text| put(text, "Corner", "Cor\u{feff}ner".as_bytes())),
    ("control_character", |text| put(text, "Corner", b"Cor\0ner")),
    ("control_character", |text| put(text, "Corner", b"Cor\x1bner")),
    ("file_empty", |_| Vec::new()),
    ("no_data_rows", |_| format!("{HEADER}\n").into_bytes()),
    ("header_missing_column", |text| put(text, "merchant", b"merchnat")),
    ("header_repeated_column", |text| put(text, "merchant,status", b"merchant,status,status")),
    ("header_unknown_column", |text| put(text, "merchant,status", b"merchant,status,note")),
    ("too_few_fields", |text| put(text, ",Corner Caf\u{e9}", b"")),
    ("too_many_fields", |text| put(text, "Corner", b"Corner,Corner")),
    ("too_many_columns", |text| put(text, "Corner", ",x".repeat(65).as_bytes())),
    ("unclosed_quote", |text| put(text, "Corner", b"\"Corner")),
    ("text_after_quote", |text| put(text, "Corner", b"\"Cor\"ner")),
    ("quote_in_unquoted_field", |text| put(text, "Corner", b"Cor\"ner")),
    ("wrong_delimiter", |text| text.replace(',', ";").into_bytes()),
    ("wrong_delimiter", |text| text.replace(',', "\t").into_bytes()),
    ("separator_line", |text| format!("sep=,\n{text}").into_bytes()),
    ("lone_carriage_return", |text| put(text, "completed\n", b"completed\r")),
    ("blank_line", |text| put(text, "completed\n", b"completed\n\n")),
    ("field_too_long", |text| put(text, "Corner", "m".repeat(4_097).as_bytes())),
    ("amount_malformed", |text| put(text, ",12.34,", b",NaN,")),
    ("amount_malformed", |text| put(text, ",12.34,", b",1e309,")),
    ("amount_malformed", |text| put(text, ",12.34,", b",+1,")),
    ("amount_malformed", |text| put(text, ",12.34,", b",\"1,000.00\",")),
    ("amount_malformed", |text| put(text, ",12.34,", b",0x1F,")),
    ("amount_malformed", |text| put(text, ",12.34,", b",.5,")),
    ("amount_malformed", |text| put(text, ",12.34,", b",(5.00),")),
    ("amount_negative_zero", |text| put(text, ",12.34,", b",-0.00,")),
    ("amount_too_many_digits", |text| put(text, "12.34", "1".repeat(39).as_bytes())),
    ("amount_too_many_decimals", |text| put(text, ",12.34,USD", b",1.5,JPY")),
    ("currency_unknown", |text| put(text, ",USD,", b",usd,")),
    ("currency_not_active", |text| put(text, ",USD,", b",HRK,")),
    ("currency_without_minor_unit", |text| put(text, ",USD,", b",XAU,")),
    ("timestamp_offset_missing", |text| put(text, "00Z", b"00")),
    ("timestamp_out_of_range", |text| put(text, "2026-01-15", b"2026-02-31")),
    ("timestamp_malformed", |text| put(text, "2026-01-15T10:00:00Z", b"1768471200")),
    ("timestamp_in_future", |text| put(text, "2026-01-15", b"9998-01-15")),
    ("status_unknown", |text| put(text, "completed", "FA\u{130}LED".as_bytes())),
    ("field_empty", |text| put(text, "Corner Caf\u{e9}", b"")),
    ("transaction_id_not_ascii", |text| put(text, "\nF", "\n\u{202e}F".as_bytes())),
    ("transaction_id_too_long", |text| put(text, "\nF", format!("\n{}", "i".repeat(129)).as_bytes())),
    ("transaction_id_duplicate", |text| {
        let (_, records) = text.split_once('\n').unwrap();
        format!("{text}{records}").into_bytes()
    }),
];

/// How to make a request without a file from a valid one.
const NO_FILE: [(u16, &str, CorruptRequest); 4] = [
    (400, "boundary_missing", |upload| upload.content_type = "multipart/form-data".to_owned()),
    (400, "multipart_incomplete", |upload| upload.body.truncate(upload.body.len() - BOUNDARY.len() - 8)),
    (415, "content_type_unsupported", |upload| upload.content_type = "text/csv".to_owned()),
    (415, "file_compressed", |upload| {
        let compressed = [&b"\x1f\x8b\x08\x00"[..], &[7; 40]].concat();
        upload.body = files::body(BOUNDARY, &[files::file_part(&compressed)]);
    }),
];

/// An invalid upload; each is of the next kind.
fn rejected(kind: usize, number: usize) -> Upload {
    let record = |at: usize| format!("F{number}-{at},12.34,USD,2026-01-15T10:00:00Z,Corner Café,completed\n");
    let text = format!("{HEADER}\n{}{}", record(0), record(1));
    match kind % (CORRUPTED.len() + NO_FILE.len()) {
        kind if kind < CORRUPTED.len() => {
            let (code, corrupt) = CORRUPTED[kind];
            form(corrupt(&text), Expected::Rejected { status: 400, code })
        }
        kind => {
            let (status, code, corrupt) = NO_FILE[kind - CORRUPTED.len()];
            let mut upload = form(text.into_bytes(), Expected::Rejected { status, code });
            corrupt(&mut upload);
            Upload { file: None, ..upload }
        }
    }
}

/// Puts bytes in place of the first `part` of a text.
fn put(text: &str, part: &str, bytes: &[u8]) -> Vec<u8> {
    let (before, after) = text.split_once(part).unwrap_or_else(|| panic!("{part} is not in {text}"));
    [before.as_bytes(), bytes, after.as_bytes()].concat()
}

/// The plan has all kinds, whatever its size.
#[test]
fn a_plan_has_every_kind_of_upload() {
    let batches = plan(1_200, 1);
    let uploads: Vec<&Upload> = batches.iter().flat_map(|batch| &batch.uploads).collect();
    let bad = uploads.iter().filter(|upload| matches!(upload.expected, Expected::Rejected { .. })).count();
    let repeats =
        uploads.iter().filter(|upload| matches!(upload.expected, Expected::Accepted { is_repeat: true, .. })).count();
    assert_eq!((uploads.len(), bad, repeats), (1_200, 120, 60));
    for code in CORRUPTED.iter().map(|(code, _)| code).chain(NO_FILE.iter().map(|(_, code, _)| code)) {
        let has =
            |upload: &&&Upload| matches!(upload.expected, Expected::Rejected { code: found, .. } if found == *code);
        assert!(uploads.iter().any(|upload| has(&upload)), "{code}");
    }
    assert_eq!(plan(40, 7)[0].uploads[0].body, plan(40, 7)[0].uploads[0].body);
}

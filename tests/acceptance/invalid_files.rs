//! Files whose encoding or structure is broken: refused whole, with every error at its place.

use crate::cloud::Cloud;
use crate::files::{self, HEADER, record};
use crate::template::text_of;
use crate::upload::{Answer, Uploader};
use domain::csv::ErrorCode;
use futures::StreamExt;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where an error stands: code, record, line, column ("" where the error has none).
pub(crate) type Place = (&'static str, u64, u64, &'static str);

/// A file and all errors that it must be refused with.
pub(crate) struct Refused {
    pub(crate) what: String,
    pub(crate) file: Vec<u8>,
    pub(crate) errors: Vec<Place>,
}

const UPLOADS_AT_ONCE: usize = 6;

/// Uploads every file, each as a partner of its own, and holds the answers, the status table and the transactions table
/// against what is expected. All deviations are told at once.
pub(crate) async fn check(cases: Vec<Refused>) {
    let cloud = Cloud::open().await;
    let deviations: Vec<String> = futures::stream::iter(cases)
        .map(async |case| deviations(&cloud.partner().await, &case).await)
        .buffer_unordered(UPLOADS_AT_ONCE)
        .concat()
        .await;
    assert!(deviations.is_empty(), "{} deviations:\n{}", deviations.len(), deviations.join("\n"));
}

async fn deviations(bank: &Uploader<'_>, case: &Refused) -> Vec<String> {
    let answer = bank.upload(&case.file).await;
    let row = bank.cloud.status_row(&files::file_id(&bank.partner, &case.file)).await.unwrap_or_default();
    let stored = bank.transaction("T1").await;
    let found: Vec<_> = answer.body["errors"].as_array().into_iter().flatten().map(place).collect();
    let expected: Vec<_> = case
        .errors
        .iter()
        .map(|&(code, record, line, column)| (code.to_owned(), record, line, column.to_owned()))
        .collect();
    let count = case.errors.len().to_string();
    let rules = [
        (
            answer.status == 400 && answer.error() == "invalid_csv",
            format!("answered {} {}", answer.status, answer.body),
        ),
        (found == expected, format!("expected {expected:?}, found {found:?}")),
        (is_consistent(&answer), format!("counts and members do not agree: {}", answer.body)),
        (row["status"] == "validation_failed", format!("the status is {}", row["status"])),
        (row["error_count"] == json!(count), format!("{} errors are recorded", row["error_count"])),
        (stored.is_none(), "a row of it was stored".to_owned()),
    ];
    rules.into_iter().filter(|(kept, _)| !kept).map(|(_, how)| format!("{}: {how}", case.what)).collect()
}

fn place(error: &Value) -> (String, u64, u64, String) {
    (
        error["code"].as_str().unwrap_or_default().to_owned(),
        error["record"].as_u64().unwrap_or(u64::MAX),
        error["line"].as_u64().unwrap_or(u64::MAX),
        error["column"].as_str().unwrap_or_default().to_owned(),
    )
}

/// Whether the answer's numbers follow from its list, and each error says why and what to do.
fn is_consistent(answer: &Answer) -> bool {
    let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
    let mut by_code = BTreeMap::<&str, u64>::new();
    for error in &errors {
        *by_code.entry(error["code"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let members_of = |value: &Value| {
        let mut members: Vec<String> = value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        members.sort();
        members
    };
    let says_all = |error: &Value| {
        let texts = ["reason", "fix"].iter().all(|text| error[text].as_str().is_some_and(|text| !text.is_empty()));
        texts
            && error["byte"].is_u64()
            && members_of(error) == ["byte", "code", "column", "column_number", "fix", "line", "reason", "record"]
    };
    members_of(&answer.body)
        == [
            "detail",
            "dry_run",
            "error",
            "error_count",
            "errors",
            "errors_by_code",
            "file_id",
            "instance",
            "message",
            "request_id",
            "row_count",
            "status",
            "status_path",
            "title",
            "truncated",
            "type",
        ]
        && answer.content_type() == "application/problem+json"
        && answer.body["error_count"] == errors.len()
        && answer.body["errors_by_code"] == json!(by_code)
        && answer.body["truncated"] == false
        && errors.iter().all(says_all)
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

fn refused(what: &str, file: impl Into<Vec<u8>>, errors: &[Place]) -> Refused {
    Refused { what: what.to_owned(), file: file.into(), errors: errors.to_vec() }
}

/// A file of the header, a sound record and this second line.
fn second(line: &str) -> String {
    format!("{HEADER}\n{}\n{line}\n", record("T1"))
}

/// A file with so many rows takes minutes here; the domain's own tests, with a smaller bound, must do.
const ONLY_IN_THE_DOMAIN: ErrorCode = ErrorCode::TooManyRows;

/// A new rule of the format needs a case here, beside the domain's own tests.
#[test]
fn every_code_has_a_case() {
    let cases = ["invalid_files", "invalid_values", "multipart", "statements"]
        .map(|module| text_of(&format!("tests/acceptance/{module}.rs")))
        .join("\n");
    assert!(text_of("domain/src/csv/validator/tests.rs").contains(ONLY_IN_THE_DOMAIN.as_str()));
    for code in ErrorCode::ALL.iter().filter(|code| **code != ONLY_IN_THE_DOMAIN) {
        assert!(cases.contains(&format!("\"{}\"", code.as_str())), "no file is refused with {}", code.as_str());
    }
}

#[tokio::test]
async fn a_broken_encoding_is_refused() {
    let sound = second(&record("T2"));
    check(vec![
        refused(
            "UTF-16 LE with its mark",
            [b"\xff\xfe".to_vec(), utf16(&sound, u16::to_le_bytes)].concat(),
            &[("encoding_utf16", 0, 1, "")],
        ),
        refused(
            "UTF-16 BE with its mark",
            [b"\xfe\xff".to_vec(), utf16(&sound, u16::to_be_bytes)].concat(),
            &[("encoding_utf16", 0, 1, "")],
        ),
        refused("UTF-16 LE without a mark", utf16(&sound, u16::to_le_bytes), &[("encoding_utf16", 0, 1, "")]),
        refused("UTF-16 BE without a mark", utf16(&sound, u16::to_be_bytes), &[("encoding_utf16", 0, 1, "")]),
        refused("two byte-order marks", format!("\u{feff}\u{feff}{sound}"), &[("byte_order_mark_inside", 0, 1, "")]),
        refused("only a byte-order mark", "\u{feff}", &[("file_empty", 0, 1, "")]),
    ])
    .await;
}

#[tokio::test]
async fn a_broken_structure_is_refused() {
    let (one, two) = (record("T1"), record("T2"));
    let columns: Vec<&str> = HEADER.split(',').collect();
    check(vec![
        refused("nothing", "", &[("file_empty", 0, 1, "")]),
        refused("only line ends", "\n\r\n\n", &[("file_empty", 0, 1, "")]),
        refused("only a header", format!("{HEADER}\n"), &[("no_data_rows", 0, 1, "")]),
        refused("only a header, without a line end", HEADER, &[("no_data_rows", 0, 1, "")]),
        refused(
            "a column missing",
            "transaction_id,amount,currency,timestamp,merchant\nT1,1,USD,2026-01-15T10:00:00Z,m\n",
            &[("header_missing_column", 0, 1, "status")],
        ),
        refused(
            "a column repeated",
            format!("{HEADER},amount\n{one},12.34\n"),
            &[("header_repeated_column", 0, 1, "amount")],
        ),
        refused("a column unknown", format!("{HEADER},note\n{one},hello\n"), &[("header_unknown_column", 0, 1, "")]),
        refused(
            "a column misspelt",
            format!("{}\n{one}\n", HEADER.replace("merchant", "merchnat")),
            &[("header_missing_column", 0, 1, "merchant"), ("header_unknown_column", 0, 1, "")],
        ),
        refused(
            "no header",
            format!("{one}\n{two}\n"),
            &columns
                .iter()
                .map(|column| ("header_missing_column", 0, 1, *column))
                .chain(columns.iter().map(|_| ("header_unknown_column", 0, 1, "")))
                .collect::<Vec<_>>(),
        ),
        refused("a short record", second("T2,12.34,USD,2026-01-15T10:00:00Z,Corner"), &[("too_few_fields", 2, 3, "")]),
        refused("a long record", second(&format!("{two},more")), &[("too_many_fields", 2, 3, "")]),
        refused(
            "a quote never closed",
            second("T2,12.34,USD,2026-01-15T10:00:00Z,\"Corner,completed"),
            &[("unclosed_quote", 2, 3, "merchant")],
        ),
        refused(
            "text after a closing quote",
            second("T2,12.34,USD,2026-01-15T10:00:00Z,\"Corner\" Café,completed"),
            &[("text_after_quote", 2, 3, "merchant")],
        ),
        refused(
            "a quote inside a field",
            second("T2,12.34,USD,2026-01-15T10:00:00Z,Corner \"Café\",completed"),
            &[("quote_in_unquoted_field", 2, 3, "merchant")],
        ),
        refused("semicolons", second(&two).replace(',', ";"), &[("wrong_delimiter", 0, 1, "")]),
        refused("tabs", second(&two).replace(',', "\t"), &[("wrong_delimiter", 0, 1, "")]),
        refused("a sep= line", format!("sep=,\n{HEADER}\n{one}\n"), &[("separator_line", 0, 1, "")]),
        refused(
            "a sep= line for semicolons",
            format!("sep=;\n{}", second(&two).replace(',', ";")),
            &[("separator_line", 0, 1, "")],
        ),
        refused(
            "a lone carriage return at a record's end",
            format!("{HEADER}\n{one}\r{two}\n"),
            &[("lone_carriage_return", 1, 2, "status")],
        ),
        refused(
            "lone carriage returns everywhere",
            format!("{HEADER}\r{one}\r"),
            &[("lone_carriage_return", 0, 1, ""), ("lone_carriage_return", 1, 2, "")],
        ),
        refused("a blank line in the middle", format!("{HEADER}\n{one}\n\n{two}\n"), &[("blank_line", 2, 3, "")]),
        refused(
            "two blank lines in the middle",
            format!("{HEADER}\n{one}\r\n\r\n\n{two}\n"),
            &[("blank_line", 2, 3, "")],
        ),
        refused("a blank line at the start", format!("\n{HEADER}\n{one}\n"), &[("blank_line", 0, 1, "")]),
        refused("a line of blanks", format!("{HEADER}\n{one}\n   \n{two}\n"), &[("too_few_fields", 2, 3, "")]),
        refused(
            "65 columns in the header",
            format!("{HEADER}{}\n{one}\n", ",x".repeat(59)),
            &[("too_many_columns", 0, 1, "")],
        ),
        refused(
            "65 fields in a record",
            second(&format!("{two}{}", ",x".repeat(59))),
            &[("too_many_columns", 2, 3, "")],
        ),
        refused(
            "64 columns, most of them unknown",
            format!("{HEADER}{}\n{one}{}\n", ",x".repeat(58), ",1".repeat(58)),
            &[("header_unknown_column", 0, 1, ""); 58],
        ),
        refused(
            "a field of 4,097 bytes",
            second(&two.replace("Corner Café", &"m".repeat(4_097))),
            &[("field_too_long", 2, 3, "merchant")],
        ),
        refused(
            "an id twice, with equal content",
            second(&one),
            &[("transaction_id_duplicate", 2, 3, "transaction_id")],
        ),
        refused(
            "an id twice, with other content",
            second(&one.replace("12.34", "99.99")),
            &[("transaction_id_duplicate", 2, 3, "transaction_id")],
        ),
        refused(
            "more decimals than yen have",
            second("T2,1.5,JPY,2026-01-15T10:00:00Z,m,completed"),
            &[("amount_too_many_decimals", 2, 3, "amount")],
        ),
        refused(
            "an error after a record of three lines",
            format!(
                "{HEADER}\n{}\n{}\n",
                one.replace("Corner", "\"Cor\n\nner").replace("Café", "Café\""),
                two.replace("USD", "usd")
            ),
            &[("currency_unknown", 2, 5, "currency")],
        ),
    ])
    .await;
}

//! Files whose encoding or structure is broken: refused whole, with every error at its place.

use crate::cloud::Cloud;
use crate::files::{self, HEADER, record};
use crate::template::text_of;
use crate::upload::{Answer, Uploader, statuses};
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
            "error",
            "error_count",
            "errors",
            "errors_by_code",
            "file_id",
            "message",
            "row_count",
            "status_path",
            "truncated",
        ]
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

/// A new rule of the format needs a case here, beside the domain's own tests.
#[test]
fn every_code_has_a_case() {
    let cases = ["invalid_files", "invalid_values", "bucket_road", "multipart"]
        .map(|module| text_of(&format!("tests/acceptance/{module}.rs")))
        .join("\n");
    for code in ErrorCode::ALL {
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

#[tokio::test]
async fn every_error_of_a_file_comes_in_one_answer() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[
        "T1,12.34,USD,2026-01-15T10:00:00Z,fine,completed",
        "T2,NaN,usd,2026-01-15,,done",
        "T1,1,EUR,2026-01-15T10:00:00Z,\"of two\nlines\",pending",
        "T4,1,EUR,2026-01-15T10:00:00Z",
    ]);
    let answer = bank.upload(&file).await;
    assert_eq!(answer.status, 400);
    let at = |needle: &str| String::from_utf8_lossy(&file).find(needle).unwrap();
    let place = |record: u64, line: u64, column: Option<&str>, number: u64, byte: usize, code: &str| json!({"record": record, "line": line, "column": column, "column_number": number, "byte": byte, "code": code});
    let expected = [
        place(2, 3, Some("amount"), 2, at("NaN"), "amount_malformed"),
        place(2, 3, Some("currency"), 3, at("usd"), "currency_unknown"),
        place(2, 3, Some("timestamp"), 4, at("2026-01-15,,"), "timestamp_malformed"),
        place(2, 3, Some("merchant"), 5, at(",done"), "field_empty"),
        place(2, 3, Some("status"), 6, at("done"), "status_unknown"),
        place(3, 4, Some("transaction_id"), 1, at("T1,1,EUR"), "transaction_id_duplicate"),
        place(4, 6, None, 4, at("T4,1,EUR,") + "T4,1,EUR,".len(), "too_few_fields"),
    ];
    let found: Vec<Value> = answer.body["errors"].as_array().unwrap().iter().map(without_texts).collect();
    assert_eq!(found, expected);
    assert_eq!((&answer.body["row_count"], &answer.body["error_count"]), (&json!(4), &json!(7)));

    let status = cloud.get(answer.text("status_path")).await.accepted().body;
    assert_eq!(statuses(&status["history"]), ["validating", "validation_failed"]);
    assert_eq!((&status["status"], &status["error_count"]), (&json!("validation_failed"), &json!(7)));
    let report = report(&cloud, &status).await;
    assert_eq!(report.lines().count(), 1 + 7, "{report}");
    assert!(report.starts_with("record,line,column,"), "{report}");
    for (line, error) in report.lines().skip(1).zip(&expected) {
        let (record, code) = (error["record"].to_string(), error["code"].as_str().unwrap());
        assert!(line.starts_with(&format!("{record},")) && line.contains(code), "{line} for {error}");
    }
    assert_eq!(bank.transaction("T1").await, None);
    let link = status["report_url"].as_str().unwrap();
    assert!(link.contains("X-Amz-Expires=900"), "a link works for fifteen minutes: {link}");
    let (unsigned, _) = link.split_once('?').unwrap();
    assert_eq!(cloud.http.get(unsigned).send().await.unwrap().status(), 403, "without its signature it opens nothing");

    let kept = cloud.s3().get_object().bucket(&cloud.stack.bucket);
    let kept = kept.key(format!("rejected/{}.csv", answer.text("file_id"))).send().await.unwrap();
    assert_eq!(kept.body.collect().await.unwrap().into_bytes(), file, "a refused file is kept for the audit");
}

fn without_texts(error: &Value) -> Value {
    let mut error = error.clone();
    for text in ["reason", "fix"] {
        assert!(!error.as_object_mut().unwrap().remove(text).unwrap().as_str().unwrap().is_empty());
    }
    error
}

async fn report(cloud: &Cloud, status: &Value) -> String {
    // The link alone opens it: no key and no credentials go with the request.
    let response = cloud.http.get(status["report_url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

#[tokio::test]
async fn a_long_list_of_errors_is_cut_but_its_totals_are_true() {
    const RECORDS: usize = 250;
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let records: Vec<String> =
        (1..=RECORDS).map(|number| format!("T{number},oops,USD,2026-01-15T10:00:00Z,=cmd(),nope")).collect();
    let answer = bank.upload(&files::file(&records)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body["errors"].as_array().unwrap().len(), 100);
    for (member, expected) in [
        ("truncated", json!(true)),
        ("error_count", json!(2 * RECORDS)),
        ("row_count", json!(RECORDS)),
        ("errors_by_code", json!({"amount_malformed": RECORDS, "status_unknown": RECORDS})),
    ] {
        assert_eq!(answer.body[member], expected, "{member}");
    }
    let status = cloud.get(answer.text("status_path")).await.accepted().body;
    let report = report(&cloud, &status).await;
    assert_eq!(report.lines().count(), 1 + 2 * RECORDS, "the report has them all");
    assert!(!report.contains("=cmd") && !report.contains("oops"), "a report repeats nothing of the file");
}

#[tokio::test]
async fn no_answer_repeats_what_a_file_holds() {
    const CARD: &str = "4111111111111111";
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let sound = record("T1");
    let mut records: Vec<String> = (0..6)
        .map(|field| {
            let mut fields: Vec<&str> = sound.split(',').collect();
            fields[field] = "\u{1}4111111111111111";
            fields.join(",")
        })
        .collect();
    records.push(format!("{CARD},{CARD},{CARD},{CARD},,{CARD}"));
    records.push(format!("{CARD},{CARD}"));
    records.push(format!("\"{CARD}\"{CARD},1,USD,2026-01-15T10:00:00Z,m,failed"));
    for file in [files::file(&records), format!("{CARD},{HEADER}\n{sound},1\n").into_bytes()] {
        let answer = bank.upload(&file).await;
        assert_eq!(answer.status, 400);
        assert!(!answer.body.to_string().contains(CARD), "{}", answer.body);
        let status = cloud.get(answer.text("status_path")).await.accepted().body;
        assert!(!status.to_string().contains(CARD), "{status}");
        let report = report(&cloud, &status).await;
        assert!(!report.contains(CARD), "{report}");
    }
    let part = files::part(
        &[&format!("Content-Disposition: form-data; name=\"{CARD}\"; filename=\"{CARD}\"")],
        CARD.as_bytes(),
    );
    let answer = bank.post(&[("content-type", "multipart/form-data; boundary=b")], files::body("b", &[part])).await;
    answer.refused(400, "part_unexpected");
    assert!(!answer.body.to_string().contains(CARD), "{}", answer.body);
}

#[tokio::test]
async fn a_bad_file_may_be_sent_again_and_a_corrected_one_is_a_new_file() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let bad = files::file(&[record("T1").replace("USD", "usd")]);
    let first = bank.upload(&bad).await;
    let history = cloud.status_row(first.text("file_id")).await.unwrap()["history"].clone();
    let second = bank.upload(&bad).await;
    assert_eq!((first.status, second.status), (400, 400));
    assert_eq!((first.text("file_id"), &first.body["errors"]), (second.text("file_id"), &second.body["errors"]));
    let later = cloud.status_row(first.text("file_id")).await.unwrap()["history"].clone();
    let (history, later) = (history.as_array().unwrap(), later.as_array().unwrap());
    assert!(later.starts_with(history), "no transition is ever overwritten: {history:?}, then {later:?}");
    bank.upload_and_complete(&files::file(&[record("T1")])).await;
}

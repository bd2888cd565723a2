//! Files that look odd and are sound: taken, and stored exactly.

use crate::cloud::{Cloud, now_ms};
use crate::files::{HEADER, decimal, record};
use crate::upload::{Uploader, number};
use domain::Timestamp;
use futures::StreamExt;

/// What the table must hold: id, amount, currency, timestamp, merchant, status.
type Row = [String; 6];

struct Taken {
    what: &'static str,
    file: Vec<u8>,
    rows: Vec<Row>,
}

const UPLOADS_AT_ONCE: usize = 6;
const USUAL: &str = "T1|12.34|USD|2026-01-15T10:00:00.000000000Z|Corner Café|completed";

/// A row written with bars between its values.
fn row(text: &str) -> Row {
    text.split('|').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

/// The usual row with another id.
fn of_id(id: &str) -> String {
    USUAL.replace("T1|", &format!("{id}|"))
}

fn taken(what: &'static str, file: impl Into<Vec<u8>>, rows: &[&str]) -> Taken {
    Taken { what, file: file.into(), rows: rows.iter().map(|text| row(text)).collect() }
}

/// A file with one record whose merchant is this.
fn merchant(what: &'static str, in_file: &str, stored: &str) -> Taken {
    let file = format!("{HEADER}\n{}\n", record("T1").replace("Corner Café", in_file));
    taken(what, file, &[&USUAL.replace("Corner Café", stored)])
}

/// A file with one record whose amount and currency are these.
fn amount(what: &'static str, in_file: &str, currency: &str, stored: &str) -> Taken {
    let file = format!("{HEADER}\n{}\n", record("T1").replace("12.34,USD", &format!("{in_file},{currency}")));
    taken(what, file, &[&USUAL.replace("12.34|USD", &format!("{stored}|{currency}"))])
}

/// A file with one record whose timestamp is this.
fn timestamp(what: &'static str, in_file: &str, stored: &str) -> Taken {
    let file = format!("{HEADER}\n{}\n", record("T1").replace("2026-01-15T10:00:00Z", in_file));
    taken(what, file, &[&USUAL.replace("2026-01-15T10:00:00.000000000Z", stored)])
}

async fn check(cases: Vec<Taken>) {
    let cloud = Cloud::open().await;
    let deviations: Vec<String> = futures::stream::iter(cases)
        .map(async |case| deviations(&cloud.partner().await, &case).await)
        .buffer_unordered(UPLOADS_AT_ONCE)
        .concat()
        .await;
    assert!(deviations.is_empty(), "{} deviations:\n{}", deviations.len(), deviations.join("\n"));
}

async fn deviations(bank: &Uploader<'_>, case: &Taken) -> Vec<String> {
    let answer = bank.upload(&case.file).await;
    if answer.status != 200 {
        return vec![format!("{}: answered {} {}", case.what, answer.status, answer.body)];
    }
    let file = bank.cloud.ended(answer.text("file_id"), 1).await;
    if file["status"] != "completed" || number(&file["rows_stored"]) != case.rows.len() as u64 {
        return vec![format!("{}: ended as {file}", case.what)];
    }
    let mut deviations = Vec::new();
    for expected in &case.rows {
        let stored = bank.transaction(&expected[0]).await.unwrap_or_default();
        let text = |name: &str| stored[name].as_str().unwrap_or_default().to_owned();
        let found: Row = [
            text("transaction_id"),
            stored["amount"].as_str().map(decimal).unwrap_or_default(),
            text("currency"),
            text("timestamp"),
            text("merchant"),
            text("status"),
        ];
        if found != *expected {
            deviations.push(format!("{}: expected {expected:?}, found {found:?}", case.what));
        }
    }
    deviations
}

#[tokio::test]
async fn odd_but_sound_structure_is_taken() {
    let (one, two) = (record("T1"), record("T2"));
    let both = [USUAL, &of_id("T2")];
    check(vec![
        taken("a leading byte-order mark", format!("\u{feff}{HEADER}\n{one}\n"), &[USUAL]),
        taken("header case and blanks", format!(" Transaction_ID ,AMOUNT,\tcurrency,Timestamp , Merchant,STATUS\n{one}\n"), &[USUAL]),
        taken("a quoted header", format!("\"{}\"\n{one}\n", HEADER.replace(',', "\",\"")), &[USUAL]),
        taken("columns in another order", "status,merchant,timestamp,currency,amount,transaction_id\ncompleted,Corner Café,2026-01-15T10:00:00Z,USD,12.34,T1\n", &[USUAL]),
        taken("LF and CRLF mixed", format!("{HEADER}\r\n{one}\n{two}\r\n"), &both),
        taken("no newline at the end", format!("{HEADER}\n{one}\n{two}"), &both),
        taken("blank lines at the end", format!("{HEADER}\n{one}\n{two}\n\r\n\n"), &both),
        taken("every field quoted", format!("{HEADER}\n\"{}\"\n", one.replace(',', "\",\"")), &[USUAL]),
        taken("an id of 128 characters", format!("{HEADER}\n{}\n", record(&"i".repeat(128))), &[&of_id(&"i".repeat(128))]),
        taken("an id of odd but printable characters", format!("{HEADER}\n{}\n", record("=a b/c#d'~")), &[&of_id("=a b/c#d'~")]),
        taken("ids that differ only in case", format!("{HEADER}\n{one}\n{}\n", record("t1")), &[USUAL, &of_id("t1")]),
    ])
    .await;
}

#[tokio::test]
async fn any_text_is_a_merchant() {
    let longest = "m".repeat(4_096);
    check(vec![
        merchant("composed (NFC)", "Caf\u{e9}", "Caf\u{e9}"),
        merchant("decomposed (NFD)", "Cafe\u{301}", "Cafe\u{301}"),
        merchant("quoted commas", "\"a,b,\"", "a,b,"),
        merchant("quoted newlines", "\"a\nb\r\nc\"", "a\nb\r\nc"),
        merchant("doubled quotes", "\"the \"\"best\"\"\"", "the \"best\""),
        merchant("surrounding blanks", "  Corner  ", "  Corner  "),
        merchant("4,096 bytes", &longest, &longest),
        merchant("a formula", "=1+1", "=1+1"),
        merchant("a leading plus", "+1", "+1"),
        merchant("a leading minus", "-1", "-1"),
        merchant("a leading at sign", "@SUM(A1)", "@SUM(A1)"),
        merchant("a leading tab", "\tx", "\tx"),
        merchant("a leading carriage return", "\"\rx\"", "\rx"),
        merchant("emoji and right-to-left text", "🏦 בנק", "🏦 בנק"),
    ])
    .await;
}

#[tokio::test]
async fn amounts_are_stored_exactly() {
    let nines = "9".repeat(38);
    let most_with_cents = format!("{}.99", "9".repeat(36));
    check(vec![
        amount("zero", "0", "USD", "0"),
        amount("zero with decimals", "0.00", "USD", "0"),
        amount("a refund", "-12.34", "USD", "-12.34"),
        amount("leading zeros", "007.10", "USD", "7.1"),
        amount("trailing zeros", "12.50", "USD", "12.5"),
        amount("what no binary float can hold", "0.1", "EUR", "0.1"),
        amount("beyond 2^53", "9007199254740993", "EUR", "9007199254740993"),
        amount("38 digits", &nines, "JPY", &nines),
        amount("38 digits, two of them decimals", &most_with_cents, "USD", &most_with_cents),
        amount("minus 38 digits", &format!("-{nines}"), "USD", &format!("-{nines}")),
        amount("whole yen", "100", "JPY", "100"),
        amount("three decimals", "0.001", "BHD", "0.001"),
        amount("four decimals", "0.0001", "CLF", "0.0001"),
    ])
    .await;
}

#[tokio::test]
async fn instants_are_stored_in_utc() {
    let in_23_hours = Timestamp::from_unix_milliseconds(now_ms() + 23 * 3_600_000).to_string();
    check(vec![
        timestamp("Z", "2026-01-15T10:00:00Z", "2026-01-15T10:00:00.000000000Z"),
        timestamp("+00:00", "2026-01-15T10:00:00+00:00", "2026-01-15T10:00:00.000000000Z"),
        timestamp("-05:30", "2026-01-15T04:30:00-05:30", "2026-01-15T10:00:00.000000000Z"),
        timestamp("another day in UTC", "2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000000000Z"),
        timestamp("milliseconds", "2026-01-15T10:00:00.5Z", "2026-01-15T10:00:00.500000000Z"),
        timestamp("nanoseconds", "2026-01-15T10:00:00.123456789Z", "2026-01-15T10:00:00.123456789Z"),
        timestamp("beyond nanoseconds", "2026-01-15T10:00:00.1234567899Z", "2026-01-15T10:00:00.123456789Z"),
        timestamp("29 February", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000000Z"),
        timestamp("year 1", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000000Z"),
        timestamp("23 hours ahead", &in_23_hours, &in_23_hours),
    ])
    .await;
}

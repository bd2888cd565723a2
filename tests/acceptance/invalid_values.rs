//! Values that no column takes. Each case is the second record of a file whose first one is sound.

use crate::cloud::now_ms;
use crate::files::{HEADER, record};
use crate::invalid_files::{Refused, check};
use domain::Timestamp;

/// A value of one column, as its bytes stand in the file, and the code that refuses it.
type Case<'a> = (&'a [u8], &'static str);

/// Puts each value into its column of a file's second record.
fn in_column(column: &'static str, cases: &[Case<'_>]) -> Vec<Refused> {
    let place = HEADER.split(',').position(|name| name == column).unwrap();
    let with_value = |value: &[u8]| {
        let sound = record("T2");
        let mut fields: Vec<&[u8]> = sound.split(',').map(str::as_bytes).collect();
        fields[place] = value;
        [format!("{HEADER}\n{}\n", record("T1")).as_bytes(), &fields.join(&b','), b"\n"].concat()
    };
    cases
        .iter()
        .map(|&(value, code)| Refused {
            what: format!("{column} {}", value.escape_ascii()),
            file: with_value(value),
            errors: vec![(code, 2, 3, column)],
        })
        .collect()
}

#[tokio::test]
async fn what_is_no_text_is_refused() {
    check(in_column(
        "merchant",
        &[
            (b"Caf\xe9", "encoding_invalid_utf8"),         // Latin-1
            (b"Caf\xc0\xaf", "encoding_invalid_utf8"),     // overlong
            (b"Caf\xed\xa0\x80", "encoding_invalid_utf8"), // a lone surrogate
            (b"Caf\xc3", "encoding_invalid_utf8"),         // cut short
            (b"\xff", "encoding_invalid_utf8"),
            ("Ca\u{feff}fé".as_bytes(), "byte_order_mark_inside"),
            (b"Ca\0fe", "control_character"),
            (b"Ca\x01fe", "control_character"),
            (b"Ca\x1bfe", "control_character"),
            (b"Ca\x7ffe", "control_character"),
            ("Ca\u{85}fé".as_bytes(), "control_character"),
            (b"", "field_empty"),
            (b"   ", "field_empty"),
            (b"\"\"", "field_empty"),
            (b"\"\t\r\n\"", "field_empty"),
        ],
    ))
    .await;
}

#[tokio::test]
async fn what_is_no_transaction_id_is_refused() {
    let long = "i".repeat(129);
    check(in_column(
        "transaction_id",
        &[
            ("T\u{202e}2".as_bytes(), "transaction_id_not_ascii"), // right-to-left override
            ("T\u{200b}2".as_bytes(), "transaction_id_not_ascii"), // zero-width space
            ("T\u{2066}2".as_bytes(), "transaction_id_not_ascii"),
            ("Té".as_bytes(), "transaction_id_not_ascii"),
            (b"T\t2", "transaction_id_not_ascii"),
            (long.as_bytes(), "transaction_id_too_long"),
            (b"", "field_empty"),
            (b" ", "field_empty"),
        ],
    ))
    .await;
}

#[tokio::test]
async fn what_is_no_amount_is_refused() {
    let digits_39 = "1".repeat(39);
    check(in_column(
        "amount",
        &[
            (b"NaN", "amount_malformed"),
            (b"inf", "amount_malformed"),
            (b"-Infinity", "amount_malformed"),
            (b"1e309", "amount_malformed"),
            (b"1E2", "amount_malformed"),
            (b"-0", "amount_negative_zero"),
            (b"-0.00", "amount_negative_zero"),
            (b"+1", "amount_malformed"),
            (b"\"1,000.00\"", "amount_malformed"),
            (b"\"12,50\"", "amount_malformed"),
            (b"1'000", "amount_malformed"),
            (digits_39.as_bytes(), "amount_too_many_digits"),
            (b"1.234", "amount_too_many_decimals"),
            (b"0x1F", "amount_malformed"),
            ("١٢".as_bytes(), "amount_malformed"),   // Arabic-Indic digits
            ("１２".as_bytes(), "amount_malformed"), // full-width digits
            (b".5", "amount_malformed"),
            (b"5.", "amount_malformed"),
            (b"(5.00)", "amount_malformed"),
            (b"$5", "amount_malformed"),
            ("5€".as_bytes(), "amount_malformed"),
            (b"5 USD", "amount_malformed"),
            (b"1 000", "amount_malformed"),
            (b" 1", "amount_malformed"),
            (b"1 ", "amount_malformed"),
            (b"1.2.3", "amount_malformed"),
            (b"--1", "amount_malformed"),
            (b"-", "amount_malformed"),
            (b"", "field_empty"),
        ],
    ))
    .await;
}

#[tokio::test]
async fn what_is_no_currency_or_status_is_refused() {
    let currencies = in_column(
        "currency",
        &[
            (b"usd", "currency_unknown"),
            (b"US", "currency_unknown"),
            (b"USDT", "currency_unknown"),
            (b"ZZZ", "currency_unknown"),
            (b" USD", "currency_unknown"),
            ("ＵＳＤ".as_bytes(), "currency_unknown"),
            (b"840", "currency_unknown"),
            (b"HRK", "currency_not_active"),
            (b"XAU", "currency_without_minor_unit"),
            (b"XXX", "currency_without_minor_unit"),
            (b"", "field_empty"),
        ],
    );
    let statuses = in_column(
        "status",
        &[
            (b"Completed", "status_unknown"),
            (b"FAILED", "status_unknown"),
            (b"done", "status_unknown"),
            (b" pending", "status_unknown"),
            ("ｃompleted".as_bytes(), "status_unknown"), // a full-width c
            ("pendıng".as_bytes(), "status_unknown"),    // a Turkish dotless i
            ("FAİLED".as_bytes(), "status_unknown"),     // a Turkish dotted I
            (b"", "field_empty"),
        ],
    );
    check(currencies.into_iter().chain(statuses).collect()).await;
}

#[tokio::test]
async fn what_is_no_timestamp_is_refused() {
    let hours = |hours: u64| Timestamp::from_unix_milliseconds(now_ms() + hours * 3_600_000).to_string();
    let too_late = hours(25);
    check(in_column(
        "timestamp",
        &[
            (b"2026-01-15T10:00:00", "timestamp_offset_missing"),
            (b"2026-01-15T10:00:60Z", "timestamp_out_of_range"),
            (b"2026-02-31T10:00:00Z", "timestamp_out_of_range"),
            (b"2025-02-29T10:00:00Z", "timestamp_out_of_range"),
            (b"0000-01-01T00:00:00Z", "timestamp_out_of_range"),
            (b"10000-01-01T00:00:00Z", "timestamp_malformed"),
            (b"2026-01-15T10:00:00+25:00", "timestamp_out_of_range"),
            (b"2026-13-15T10:00:00Z", "timestamp_out_of_range"),
            (b"2026-01-15T24:00:00Z", "timestamp_out_of_range"),
            (b"1768471200", "timestamp_malformed"),
            (b"2026-01-15", "timestamp_malformed"),
            (b"2026-01-15 10:00:00Z", "timestamp_malformed"),
            (b"15/01/2026 10:00", "timestamp_malformed"),
            (b"2026-01-15T10:00:00+0000", "timestamp_malformed"),
            (too_late.as_bytes(), "timestamp_in_future"),
            (b"", "field_empty"),
        ],
    ))
    .await;
}

//! The pages of limits, from the constants of `domain/src/limits.rs` and the parameters of the template.

use super::generated;
use crate::support::template::text_of;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Seconds,
    Milliseconds,
    /// A number of these.
    Of(&'static str),
}
use Unit::{Bytes, Milliseconds, Of, Seconds};

type Section = (&'static str, &'static [(&'static str, &'static str, Unit)]);

#[rustfmt::skip]
const OF_FILES: &[Section] = &[
    ("Files", &[
        ("API_FILE_BYTES_MAX", "a file sent to `POST /upload`", Bytes),
        ("BUCKET_FILE_BYTES_MAX", "a file put into the bucket", Bytes),
        ("RETRIED_FILE_BYTES_MAX", "a file whose steps the workflow retries", Bytes),
        ("FILE_ROWS_MAX", "data records in a file", Of("")),
        ("RECORD_COLUMNS_MAX", "fields in a record", Of("")),
        ("FIELD_BYTES_MAX", "a field", Bytes),
        ("TRANSACTION_ID_CHARS_MAX", "a transaction id", Of("characters")),
        ("AMOUNT_DIGITS_MAX", "an amount", Of("significant digits")),
        ("TIMESTAMP_FUTURE_SECONDS_MAX", "a timestamp, after the arrival of the file", Seconds),
    ]),
    ("Requests", &[
        ("BOUNDARY_CHARS_MAX", "the boundary of a multipart body", Of("characters")),
        ("PART_HEADER_BYTES_MAX", "the headers of a part", Bytes),
        ("UPLOAD_REQUEST_BYTES_MAX", "the body of `POST /uploads`", Bytes),
        ("UPLOAD_URL_SECONDS", "a created upload, before its PUT must begin", Seconds),
        ("UPLOAD_CHECKED_MILLISECONDS", "the time after that in which the bytes may arrive", Milliseconds),
        ("EXPECTED_TOTALS_BYTES_MAX", "expected totals", Bytes),
        ("EXPECTED_TOTAL_DIGITS_MAX", "an expected total", Of("significant digits")),
        ("PARTNER_CHARS_MAX", "the name of a partner", Of("characters")),
        ("RESPONSE_SECONDS_MAX", "the time to a response", Seconds),
    ]),
    ("Responses", &[
        ("ERRORS_IN_RESPONSE_MAX", "errors listed in a response", Of("")),
        ("ERRORS_IN_DRY_RUN_MAX", "errors listed in the response to a dry run", Of("")),
        ("ERRORS_IN_REPORT_MAX", "errors listed in a report", Of("")),
        ("CORRECTABLE_FILE_BYTES_MAX", "a file of which there is a correctable copy", Bytes),
        ("CORRECTABLE_ERRORS_MAX", "errors of such a file", Of("")),
        ("CORRECTABLE_RECORD_BYTES_MAX", "a record with a broken structure in the copy", Bytes),
        ("DAY_FILES_MAX", "files listed of a day", Of("")),
        ("DAY_FILES_BYTES_MAX", "bytes of those files in the response", Bytes),
        ("SUPERSEDED_BY_MAX", "later files listed in `superseded_by`", Of("")),
        ("REPLACED_FILES_MAX", "earlier files listed in `replaced_files`", Of("")),
    ]),
    ("Processing", &[
        ("ATTEMPTS_MAX", "attempts at one file", Of("")),
        ("ATTEMPT_MILLISECONDS_MAX", "an attempt without a final status, before it counts as lost", Milliseconds),
        ("FILE_RANGES_MAX", "ranges that a file is split into", Of("")),
        ("SCHEDULED_FILES_MAX", "files that a part of a schedule expects on a day", Of("")),
        ("UNFINISHED_AFTER_MILLISECONDS", "a file without a final status, before it is reported", Milliseconds),
        ("UNFINISHED_REPORTED_MAX", "unfinished files named by one hourly check", Of("")),
    ]),
];

#[rustfmt::skip]
const OF_PAYMENTS: &[Section] = &[
    ("Requests", &[
        ("WEBHOOK_BODY_BYTES_MAX", "a body", Bytes),
        ("JSON_DEPTH_MAX", "nested objects and arrays", Of("levels")),
        ("CUSTOMER_ID_CHARS_MAX", "a customer id", Of("characters")),
        ("EVENT_TYPE_CHARS_MAX", "a type of event", Of("characters")),
        ("WEBHOOK_TIMESTAMP_SECONDS_MAX", "`webhook-timestamp`, from the clock of the service", Seconds),
        ("WEBHOOK_HEADER_BYTES_MAX", "each of the three headers", Bytes),
        ("WEBHOOK_SIGNATURES_MAX", "signatures in a request", Of("")),
    ]),
    ("Providers and secrets", &[
        ("PROVIDERS_MAX", "providers", Of("")),
        ("PROVIDER_SECRETS_MAX", "valid secrets of a provider", Of("")),
        ("SECRET_BYTES_MIN", "the shortest secret", Bytes),
        ("SECRET_BYTES_MAX", "the longest secret", Bytes),
    ]),
    ("Risk score", &[
        ("RECENT_PAYMENTS_MAX", "earlier payments that count for a score", Of("")),
        ("PROFILE_VALUES_MAX", "values of a field that a profile keeps", Of("")),
    ]),
    ("Processing and archive", &[
        ("PUBLICATION_MILLISECONDS_MAX", "a publication, before another delivery takes it over", Milliseconds),
        ("UNFINISHED_AFTER_MILLISECONDS", "an unfinished payment, before it is reported", Milliseconds),
        ("UNFINISHED_REPORTED_MAX", "unfinished payments named by one hourly check", Of("")),
        ("ARCHIVE_AGE_MILLISECONDS_MIN", "a payment in the table, before it is archived", Milliseconds),
        ("ARCHIVE_DAYS_BACK_MIN", "days before the newest that each archival reads, at least", Of("")),
        ("ARCHIVE_OBJECT_ROWS_MAX", "payments in an object of the archive", Of("")),
        ("ARCHIVE_OBJECT_BYTES_MAX", "an object of the archive, before compression", Bytes),
        ("TOMBSTONE_MILLISECONDS", "the time in which an archived payment is recognized", Milliseconds),
    ]),
];

/// The limits that are defined beside the code that they bound.
const ELSEWHERE: [(&str, u64); 2] = [
    ("RESPONSE_SECONDS_MAX", api::gateway::RESPONSE_SECONDS_MAX),
    ("PUBLICATION_MILLISECONDS_MAX", domain::payments::webhook::PUBLICATION_MILLISECONDS_MAX),
];

/// How work is split up. It concerns nobody who sends a file or a payment.
const INTERNAL: [&str; 4] = ["RANGE_ROWS_MIN", "TIMESTAMP_SHARDS", "PAYMENT_SHARDS", "UNFINISHED_SHARDS"];

/// Evaluates `4_500_000`, `4 * 1024` and the like.
fn value_of(expression: &str) -> u64 {
    expression.split('*').map(|factor| factor.trim().replace('_', "").parse::<u64>().unwrap()).product()
}

/// Every `pub const NAME: type = value;` of a source file.
pub(crate) fn constants(source: &str) -> Vec<(String, u64)> {
    source
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ").or_else(|| line.strip_prefix("const ")))
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            let (_, value) = rest.split_once('=')?;
            Some((name.to_owned(), value_of(value.trim().trim_end_matches(';'))))
        })
        .collect()
}

/// Every limit by its name.
fn limits() -> BTreeMap<String, u64> {
    let elsewhere = ELSEWHERE.map(|(name, value)| (name.to_owned(), value));
    constants(&text_of("domain/src/limits.rs")).into_iter().chain(elsewhere).collect()
}

/// With thousands separators.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

/// The greatest of these units that divides the number, with how many of it that are.
fn in_units(number: u64, units: &[(u64, &'static str)]) -> Option<(u64, &'static str)> {
    units.iter().find(|(size, _)| number.is_multiple_of(*size)).map(|(size, name)| (number / size, *name))
}

fn written(value: u64, unit: Unit) -> String {
    const DAYS_FROM: u64 = 2;
    match unit {
        Of(what) => format!("{} {what}", grouped(value)).trim_end().to_owned(),
        Milliseconds if value.is_multiple_of(1_000) => written(value / 1_000, Seconds),
        Milliseconds => format!("{} milliseconds", grouped(value)),
        Bytes => {
            let binary = in_units(value, &[(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]);
            binary.map_or(format!("{} bytes", grouped(value)), |(count, name)| {
                format!("{} bytes ({count} {name})", grouped(value))
            })
        }
        Seconds => {
            let days = value / 86_400;
            if days >= DAYS_FROM && value.is_multiple_of(86_400) {
                return format!("{days} days");
            }
            let (count, name) = in_units(value, &[(3_600, "hour"), (60, "minute"), (1, "second")]).unwrap();
            format!("{count} {name}{}", if count == 1 { "" } else { "s" })
        }
    }
}

fn tables(sections: &[Section]) -> String {
    let limits = limits();
    let mut text = String::new();
    for (title, rows) in sections {
        write!(text, "### {title}\n\n| what | limit |\n| --- | --- |\n").unwrap();
        for (name, what, unit) in *rows {
            let value = *limits.get(*name).unwrap_or_else(|| panic!("the code has no limit {name}"));
            writeln!(text, "| {what} | {} |", written(value, *unit)).unwrap();
        }
        text.push('\n');
    }
    text
}

/// The default of a parameter of the template.
fn default_of(parameter: &str) -> u64 {
    let template = text_of("template.yaml");
    let (_, rest) = template.split_once(&format!("\n  {parameter}:\n")).unwrap();
    let (_, rest) = rest.split_once("Default: ").unwrap();
    rest.lines().next().unwrap().parse().unwrap()
}

fn parameters(rows: &[(&str, &str)]) -> String {
    let mut text =
        String::from("### Parameters of a deployment\n\n| what | default | parameter |\n| --- | --- | --- |\n");
    for (parameter, what) in rows {
        writeln!(text, "| {what} | {} | `{parameter}` |", grouped(default_of(parameter))).unwrap();
    }
    text
}

#[test]
fn limits_of_files_are_those_of_the_code() {
    let parameters = parameters(&[
        ("DailyQuota", "requests of a key in a day"),
        ("RateLimit", "requests of a key in a second"),
        ("BurstLimit", "requests of a key at once"),
    ]);
    generated::check("docs/partners/limits.md", "limits", &(tables(OF_FILES) + &parameters));
}

#[test]
fn limits_of_payments_are_those_of_the_code() {
    let parameters = parameters(&[
        ("WebhookRateLimit", "webhooks in a second, of all providers together"),
        ("WebhookBurstLimit", "webhooks at once, of all providers together"),
    ]);
    generated::check("docs/providers/limits.md", "limits", &(tables(OF_PAYMENTS) + &parameters));
}

#[test]
fn every_limit_is_in_a_page() {
    let in_pages = [OF_FILES, OF_PAYMENTS].concat();
    let in_pages = in_pages.iter().flat_map(|(_, rows)| rows.iter().map(|(name, ..)| *name));
    let listed: BTreeSet<&str> = in_pages.chain(INTERNAL).collect();
    let limits = limits();
    assert!(limits.len() > 15, "{limits:?}");
    assert_eq!(limits.keys().map(String::as_str).collect::<BTreeSet<_>>(), listed);
}

#[test]
fn numbers_are_written_in_the_units_that_people_use() {
    for (value, unit, expected) in [
        (4_500_000, Bytes, "4,500,000 bytes"),
        (1_073_741_824, Bytes, "1,073,741,824 bytes (1 GiB)"),
        (86_400, Seconds, "24 hours"),
        (2_592_000_000, Milliseconds, "30 days"),
        (60_000, Milliseconds, "1 minute"),
        (128, Of("characters"), "128 characters"),
        (5_000_000, Of(""), "5,000,000"),
    ] {
        assert_eq!(written(value, unit), expected);
    }
}

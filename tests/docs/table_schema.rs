//! `schema/transactions.schema.json`, by which others' tools check a file: as true to the domain's rules as a Table Schema can
//! be. It is written from the domain's own lists and limits, so that it cannot drift from them.

use crate::support::template::text_of;
use domain::csv::{Column, NOTE_COLUMNS};
use domain::limits::{AMOUNT_DIGITS_MAX, FIELD_BYTES_MAX, TRANSACTION_ID_CHARS_MAX};
use domain::{Currency, Money, Timestamp, TransactionStatus};
use serde_json::{Value, json};

const PATH: &str = "schema/transactions.schema.json";
/// What is no control character but a tab or a line break, and no byte-order mark; and what is no blank either.
const TEXT: &str = r"[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufeff]";
const NO_BLANK: &str = r"[^\u0000-\u0020\u007f-\u009f\ufeff]";

/// Every currency that a file may have.
fn currencies() -> Vec<Currency> {
    let letters = || b'A'..=b'Z';
    let codes = letters().flat_map(|one| letters().flat_map(move |two| letters().map(move |three| [one, two, three])));
    codes.filter_map(|code| Currency::parse(&code).ok()).collect()
}

/// An amount with no more decimals than any currency has, no more digits before them than any amount, and no sign of zero.
fn amount_pattern() -> String {
    let most = currencies().iter().map(Currency::decimals).max().unwrap();
    // A fraction that is not zero, by the number of zeros that it begins with.
    let rest = |digits: u8| if digits == 0 { String::new() } else { format!("[0-9]{{0,{digits}}}") };
    let zeros = |count: u8| "0".repeat(usize::from(count));
    let not_zero: Vec<String> =
        (0..most).map(|count| format!("{}[1-9]{}", zeros(count), rest(most - count - 1))).collect();
    let (decimals, not_zero) = (format!(r"(\.[0-9]{{1,{most}}})?"), not_zero.join("|"));
    let positive = format!("0*[0-9]{{1,{AMOUNT_DIGITS_MAX}}}{decimals}");
    let negative = format!(r"0*[1-9][0-9]{{0,{}}}{decimals}|0+\.({not_zero})", AMOUNT_DIGITS_MAX - 1);
    format!("({positive}|-({negative}))")
}

fn timestamp_pattern() -> &'static str {
    concat!(
        "(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
    )
}

fn field(column: Column) -> Value {
    let (title, description, constraints) = match column {
        Column::TransactionId => (
            "Transaction id",
            "The partner's id of the transaction. Printable ASCII without a blank at either end, once in a file.",
            json!({"unique": true, "maxLength": TRANSACTION_ID_CHARS_MAX, "pattern": "[!-~]([ -~]*[!-~])?"}),
        ),
        Column::Amount => (
            "Amount",
            "An exact decimal, negative for a refund: no more decimals than the currency has, and at most 38 significant digits.",
            json!({"pattern": amount_pattern()}),
        ),
        Column::Currency => (
            "Currency",
            "An active ISO 4217 code that has a minor unit.",
            json!({"enum": currencies().iter().map(Currency::code).collect::<Vec<_>>()}),
        ),
        Column::Timestamp => (
            "Timestamp",
            "RFC 3339 with an offset, a day of the calendar, no leap second, at most 24 hours after the file's arrival.",
            json!({"pattern": timestamp_pattern()}),
        ),
        Column::Merchant => (
            "Merchant",
            "Free text without control characters; tabs and line breaks are text. At most 4,096 bytes of UTF-8.",
            json!({"maxLength": FIELD_BYTES_MAX, "pattern": format!("{TEXT}*{NO_BLANK}{TEXT}*")}),
        ),
        Column::Status => {
            let statuses = [TransactionStatus::Completed, TransactionStatus::Pending, TransactionStatus::Failed];
            ("Status", "How the payment ended.", json!({"enum": statuses.map(TransactionStatus::as_str)}))
        }
    };
    let mut field = json!({"name": column.name(), "type": "string", "title": title, "description": description});
    field["constraints"] = constraints;
    field["constraints"]["required"] = json!(true);
    field
}

fn schema() -> Value {
    json!({
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "title": "Transaction file",
        "fields": Column::ALL.map(field),
        // In any order, and each of them.
        "fieldsMatch": "equal",
        "missingValues": [""],
    })
}

#[test]
fn the_schema_is_what_the_domain_says() {
    let there: Value = serde_json::from_str(&text_of(PATH)).unwrap_or(Value::Null);
    let expected = schema();
    assert_eq!(there, expected, "{PATH} must be:\n{}", serde_json::to_string_pretty(&expected).unwrap());
    let dialect: Value = serde_json::from_str(&text_of("schema/transactions.dialect.json")).unwrap();
    for (member, value) in
        [("header", json!(true)), ("delimiter", json!(",")), ("quoteChar", json!("\"")), ("doubleQuote", json!(true))]
    {
        assert_eq!(dialect[member], value, "{member}");
    }
    let readme = text_of("schema/README.md");
    assert!(
        NOTE_COLUMNS.iter().all(|column| readme.contains(&format!("`{column}`"))),
        "the notes of a correctable file"
    );
}

/// The numbers in the patterns are those of the domain.
#[test]
fn the_bounds_of_the_patterns_are_the_domains() {
    let longest = "9".repeat(AMOUNT_DIGITS_MAX);
    assert!(Money::parse(longest.as_bytes(), 4).is_ok() && Money::parse(format!("{longest}9").as_bytes(), 4).is_err());
    assert_eq!(currencies().iter().map(Currency::decimals).max(), Some(4));
    assert!(Timestamp::parse(b"0001-01-01T00:00:00z").is_ok() && Timestamp::parse(b"0000-12-31T00:00:00Z").is_err());
    assert!(
        Timestamp::parse(b"2026-01-15t10:00:00+23:59").is_ok()
            && Timestamp::parse(b"2026-01-15T10:00:00+24:00").is_err()
    );
    for text in ["COMPLETED", "refunded", ""] {
        assert!(TransactionStatus::parse(text.as_bytes()).is_none(), "{text}");
    }
}

//! The rules for validators in other languages.

use crate::generate::{Set, error_of};
use crate::subject::RECEIVED_AT_MILLISECONDS;
use domain::Currency;
use domain::csv::Column;
use domain::limits::{AMOUNT_DIGITS_MAX, FIELD_BYTES_MAX, TIMESTAMP_FUTURE_SECONDS_MAX, TRANSACTION_ID_CHARS_MAX};
use serde_json::{Map, Value, json};

/// The numbers and lists of the rules.
pub(crate) fn rules() -> Value {
    json!({
        "columns": Column::ALL.map(Column::name),
        "currencies": currencies(),
        "statuses": ["completed", "pending", "failed"],
        "amount_digits_max": AMOUNT_DIGITS_MAX,
        "field_bytes_max": FIELD_BYTES_MAX,
        "transaction_id_chars_max": TRANSACTION_ID_CHARS_MAX,
        "latest_unix_seconds": latest_unix_seconds(),
    })
}

/// The decimals of each accepted currency.
fn currencies() -> Map<String, Value> {
    let letters = b'A'..=b'Z';
    let codes = letters.clone().flat_map(|first| {
        let last = letters.clone();
        letters.clone().flat_map(move |second| last.clone().map(move |third| [first, second, third]))
    });
    codes
        .filter_map(|code| Currency::parse(&code).ok())
        .map(|currency| (currency.code().to_owned(), json!(currency.decimals())))
        .collect()
}

fn latest_unix_seconds() -> i64 {
    // A time of this century in seconds fits an i64.
    i64::try_from(RECEIVED_AT_MILLISECONDS / 1000).unwrap_or(i64::MAX).saturating_add(TIMESTAMP_FUTURE_SECONDS_MAX)
}

/// The name of the planned error of each invalid record of the bad set, by the record's number.
pub(crate) fn errors(rows: u32, seed: u64) -> Map<String, Value> {
    (1..=rows)
        .filter_map(|number| Some((number.to_string(), json!(error_of(Set::Bad, seed, number)?.name()))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_have_every_currency_with_its_decimals() {
        let currencies = currencies();
        assert_eq!((&currencies["EUR"], &currencies["JPY"], &currencies["KWD"]), (&json!(2), &json!(0), &json!(3)));
        assert!(!currencies.contains_key("HRK") && !currencies.contains_key("XAU"));
    }

    #[test]
    fn the_statuses_are_those_of_the_format() {
        for status in rules()["statuses"].as_array().unwrap() {
            assert!(domain::TransactionStatus::parse(status.as_str().unwrap().as_bytes()).is_some());
        }
    }
}

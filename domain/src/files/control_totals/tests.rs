use super::*;
use crate::csv::{FileValidator, Limits};
use crate::{Money, Timestamp, Totals};
use proptest::prelude::*;

fn of_form(rows: &str, totals: &str) -> Result<ControlTotals, &'static str> {
    ControlTotals::of_form(Some(rows.as_bytes()), Some(totals.as_bytes())).map_err(|error| error.code.as_str())
}

fn totals_of(text: &str) -> Result<BTreeMap<String, String>, &'static str> {
    of_form("1", text).map(|control_totals| control_totals.totals.unwrap())
}

#[test]
fn fields_of_a_form() {
    let expected = of_form(" 12\n", " {\"EUR\": \"9.3\", \"JPY\": \"-100\", \"KWD\": \"0\"}\n").unwrap();
    let texts: Vec<_> = expected.totals.unwrap().into_values().collect();
    assert_eq!((expected.rows, texts), (Some(12), ["9.30", "-100", "0.000"].map(str::to_owned).to_vec()));
    assert_eq!(ControlTotals::of_form(None, None), Ok(ControlTotals::default()));
    assert!(ControlTotals::default().is_empty() && !ControlTotals { rows: Some(1), totals: None }.is_empty());
    for rows in ["", "-1", "+1", "1.0", "1e3", "1 2", "x", "99999999999999999999", "\u{661}"] {
        assert_eq!(of_form(rows, "{\"EUR\": \"1\"}"), Err("expected_rows_malformed"), "{rows}");
    }
}

#[test]
fn totals_are_strings_by_currency() {
    for text in ["9.30", "9.3", "09.300", "009.30"] {
        assert_eq!(totals_of(&format!("{{\"EUR\": \"{text}\"}}")).unwrap()["EUR"], "9.30", "{text}");
    }
    let longest = "9".repeat(EXPECTED_TOTAL_DIGITS_MAX);
    assert_eq!(totals_of(&format!("{{\"JPY\": \"{longest}\"}}")).unwrap()["JPY"], longest);
    for text in [
        "",
        "{}",
        "[]",
        "null",
        "\"EUR\"",
        "{\"EUR\": 9.30}",
        "{\"EUR\": null}",
        "{\"EUR\": \"\"}",
        "{\"EUR\": \"9.\"}",
        "{\"EUR\": \".9\"}",
        "{\"EUR\": \"1e3\"}",
        "{\"EUR\": \"+1\"}",
        "{\"EUR\": \"-0.00\"}",
        "{\"EUR\": \"1,0\"}",
        "{\"EUR\": \" 1\"}",
        "{\"EUR\": \"9.305\"}",
        "{\"JPY\": \"1.5\"}",
        "{\"eur\": \"1\"}",
        "{\"XAU\": \"1\"}",
        "{\"EUR\": \"1\", \"EUR\": \"1\"}",
        "{\"EUR\": \"1\"} x",
        "{\"EUR\": \"--1\"}",
        "{\"EUR\": \"1.2.3\"}",
    ] {
        assert_eq!(totals_of(text), Err("expected_totals_malformed"), "{text}");
    }
    assert!(totals_of(&format!("{{\"JPY\": \"{longest}9\"}}")).is_err());
    assert!(totals_of(&format!("{{\"EUR\": \"1\"}}{}", " ".repeat(EXPECTED_TOTALS_BYTES_MAX))).is_err());
}

#[test]
fn members_of_a_body() {
    let read = |text: &str| {
        let value = json::parse(text.as_bytes()).unwrap();
        let Kind::Object(members) = &value.kind else { panic!("{text}") };
        let member = |name| members.iter().find(|member| member.name == name).map(|member| &member.value);
        ControlTotals::of_members(member("expected_rows"), member("expected_totals"))
            .map_err(|error| error.code.as_str())
    };
    let expected = read("{\"expected_rows\": 2, \"expected_totals\": {\"EUR\": \"9.3\"}}").unwrap();
    assert_eq!(expected, of_form("2", "{\"EUR\": \"9.30\"}").unwrap());
    for rows in ["\"2\"", "2.0", "2e0", "-2", "null", "[2]"] {
        assert_eq!(read(&format!("{{\"expected_rows\": {rows}}}")), Err("expected_rows_malformed"), "{rows}");
    }
    assert_eq!(read("{\"expected_totals\": \"x\"}"), Err("expected_totals_malformed"));
}

#[test]
fn a_known_file_in_a_retired_currency_still_matches() {
    let expected = of_form("2", "{\"HRK\": \"9.3\"}").unwrap();
    let known = |hrk: &str| BTreeMap::from([("HRK".to_owned(), hrk.to_owned())]);
    for found in ["9.30", "9.3", "9.300"] {
        assert_eq!(expected.errors_of_known(2, &known(found)), [], "{found}");
    }
    assert_eq!(expected.errors_of_known(2, &known("9.31")).len(), 1);
    assert_eq!(reasons(&expected, TWO_ROWS).len(), 2, "a new file has no amounts in it");
}

fn report_of(rows: &str) -> ValidationReport {
    let file = format!("transaction_id,amount,currency,timestamp,merchant,status\n{rows}");
    let received_at = Timestamp::parse(b"2026-06-01T00:00:00Z").unwrap();
    let mut validator = FileValidator::new(received_at, Limits::default());
    validator.push(file.as_bytes(), &mut |_| {});
    validator.finish(&mut |_| {})
}

const TWO_ROWS: &str = "T1,12.50,EUR,2026-01-15T10:00:00Z,x,completed\nT2,-3.20,EUR,2026-01-15T10:00:00Z,x,pending\n";

fn reasons(control_totals: &ControlTotals, rows: &str) -> Vec<String> {
    let mut report = report_of(rows);
    let before = report.error_count;
    let errors = control_totals.check(&mut report);
    assert_eq!(report.error_count, before + errors.len() as u64);
    assert!(errors.iter().all(|error| error.record == 0 && report.errors_by_code[&error.code] > 0));
    errors.into_iter().map(|error| format!("{}: {}", error.code.as_str(), error.reason)).collect()
}

#[test]
fn a_mismatch_has_both_numbers() {
    let nothing: [&str; 0] = [];
    assert_eq!(reasons(&of_form("2", "{\"EUR\": \"9.3\"}").unwrap(), TWO_ROWS), nothing);
    assert_eq!(reasons(&ControlTotals::default(), TWO_ROWS), nothing);
    assert_eq!(
        reasons(&of_form("3", "{\"EUR\": \"9.31\", \"USD\": \"5\"}").unwrap(), TWO_ROWS),
        [
            "row_count_mismatch: the file has 2 data records; expected_rows is 3",
            "total_mismatch: the amounts in EUR add up to 9.30; expected_totals has 9.31",
            "total_mismatch: the file has no amounts in USD; expected_totals has 5.00",
        ]
    );
    assert_eq!(
        reasons(&of_form("2", "{\"USD\": \"0\"}").unwrap(), TWO_ROWS).first().map(String::as_str),
        Some("total_mismatch: the amounts in EUR add up to 9.30; expected_totals has no EUR")
    );
}

#[test]
fn compares_only_the_count_if_records_have_errors() {
    let expected = of_form("3", "{\"EUR\": \"9.31\"}").unwrap();
    let counted = ["row_count_mismatch: the file has 2 data records; expected_rows is 3"];
    assert_eq!(reasons(&expected, &TWO_ROWS.replace("pending", "Pending")), counted);
    // Only a second reading finds a repeated id.
    assert_eq!(reasons(&expected, &TWO_ROWS.replace("T2", "T1")), counted);
    let mut not_whole = report_of(TWO_ROWS);
    not_whole.is_whole = false;
    assert_eq!(expected.row_error(&not_whole), None);
}

proptest! {
    /// Totals are compared by value, with or without zeros. A difference of one cent is found.
    #[test]
    fn a_sum_matches_only_itself(cents in proptest::collection::vec(any::<i64>(), 1..20), zeros in 0_usize..4) {
        let currency = Currency::parse(b"EUR").unwrap();
        let mut totals = Totals::default();
        for cent in &cents {
            let sign = if *cent < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:02}", cent.unsigned_abs() / 100, cent.unsigned_abs() % 100);
            totals.add(currency, Money::parse(text.as_bytes(), 2).unwrap());
        }
        let found = totals.to_texts();
        let sum: i128 = cents.iter().map(|cent| i128::from(*cent)).sum();
        for (total, agrees) in [(sum, true), (sum + 1, false), (sum - 1, false)] {
            let sign = if total < 0 { "-" } else { "" };
            let (whole, rest) = (total.unsigned_abs() / 100, total.unsigned_abs() % 100);
            let text = format!("{{\"EUR\": \"{sign}{}{whole}.{rest:02}{}\"}}", "0".repeat(zeros), "0".repeat(zeros));
            let control_totals = ControlTotals::of_form(Some(b"20"), Some(text.as_bytes())).unwrap();
            prop_assert_eq!(control_totals.errors_of_known(20, &found).is_empty(), agrees, "{}", text);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(rows in proptest::collection::vec(any::<u8>(), 0..20), totals in "\\PC{0,60}") {
        let _ = ControlTotals::of_form(Some(&rows), Some(totals.as_bytes()));
    }

    #[test]
    fn serialized_totals_are_read_again(rows in proptest::option::of(any::<u64>()), euros in proptest::option::of(0_u32..1000)) {
        let totals = euros.map(|euros| BTreeMap::from([("EUR".to_owned(), format!("{euros}.00"))]));
        let control_totals = ControlTotals { rows, totals };
        let stored = serde_json::to_string(&control_totals).unwrap();
        prop_assert_eq!(serde_json::from_str::<ControlTotals>(&stored).unwrap(), control_totals);
    }
}

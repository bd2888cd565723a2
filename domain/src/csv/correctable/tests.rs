//! Correctable files of rejected files: golden texts and round trips.

use super::*;
use crate::Transaction;
use crate::csv::{Column, RangeReader};
use crate::limits::CORRECTABLE_RECORD_BYTES_MAX;
use proptest::prelude::*;

const HEADER: &str = "transaction_id,amount,currency,timestamp,merchant,status";
const NOTED: &str = "transaction_id,amount,currency,timestamp,merchant,status,error_record,error_column,error_reason";

fn arrival() -> Timestamp {
    Timestamp::parse(b"2026-06-01T00:00:00Z").unwrap()
}

fn validate(file: &[u8]) -> (ValidationReport, Vec<RowError>) {
    let mut errors = Vec::new();
    let mut validator = FileValidator::new(arrival(), Limits::default());
    validator.push(file, &mut |error| errors.push(error));
    let report = validator.finish(&mut |error| errors.push(error));
    if report.is_complete {
        return (report, errors);
    }
    errors.clear();
    let mut validator = FileValidator::again(arrival(), Limits::default(), &report);
    validator.push(file, &mut |error| errors.push(error));
    let report = validator.finish(&mut |error| errors.push(error));
    (report, errors)
}

fn correctable(file: &[u8], rows: RowSelection, chunk_size: usize) -> (String, CorrectableSummary) {
    let (first, _) = validate(file);
    let mut out = Vec::new();
    let mut writer = CorrectableWriter::new(arrival(), Limits::default(), &first, rows);
    for chunk in file.chunks(chunk_size) {
        writer.push(chunk, &mut |bytes| out.extend_from_slice(bytes));
    }
    let summary = writer.finish(&mut |bytes| out.extend_from_slice(bytes));
    (String::from_utf8(out).unwrap(), summary)
}

/// Checks the lines for these records, without byte-order mark and line ends.
#[track_caller]
fn check(records: &str, rows: RowSelection, expected: &[&str]) {
    let file = format!("{HEADER}\n{records}");
    let (text, summary) = correctable(file.as_bytes(), rows, 7);
    let lines = text.strip_prefix('\u{feff}').unwrap().strip_suffix("\r\n").unwrap();
    assert_eq!(lines.split("\r\n").collect::<Vec<_>>(), [&[NOTED], expected].concat(), "{records}");
    let rejected = expected.iter().filter(|line| !line.ends_with(",,,")).count();
    assert_eq!(summary, CorrectableSummary { rejected_rows: u32::try_from(rejected).unwrap(), is_truncated: false });
}

#[test]
fn rejected_rows_have_their_errors() {
    let records = "T1,1,USD,2026-01-15T10:00:00Z,fine,completed\n\
        T2,1.005,USD,2026-01-15T10:00:00,\"a, \"\"b\"\"\",completed\n\
        T1,-2.50,EUR,2026-01-15T10:00:00Z,=cmd(),pending\n";
    let second = "T2,1.005,USD,2026-01-15T10:00:00,\"a, \"\"b\"\"\",completed,2,amount | timestamp,\"amount: USD allows 2 \
        decimals; the amount has 3; write no more decimals than the currency's minor unit has | timestamp: the timestamp has \
        no offset, so its instant is unknown; add Z for UTC, or an offset such as +02:00\"";
    let second = second.replace("reason\"", "reason").replace(",\"amount:", ",amount:").replace("+02:00\"", "+02:00");
    let third = "T1,-2.50,EUR,2026-01-15T10:00:00Z,'=cmd(),pending,3,transaction_id,transaction_id: record 1 has the same id; keep one record for each id";
    // A reason with a comma is quoted.
    let second = second.replace(",amount: USD", ",\"amount: USD").to_owned() + "\"";
    check(records, RowSelection::Rejected, &[&second, third]);
    let first = "T1,1,USD,2026-01-15T10:00:00Z,fine,completed,,,";
    check(records, RowSelection::All, &[first, &second, third]);
}

#[test]
fn a_malformed_record_has_as_many_columns_as_the_header() {
    let few = "1,field 5,field 5: the record has 5 fields; the header has 6; give every column a value; quote a field that \
        holds a line break";
    check(
        "T1,1,USD,2026-01-15T10:00:00Z,x\n",
        RowSelection::All,
        &[&format!("T1,1,USD,2026-01-15T10:00:00Z,x,,{few}")],
    );
    let many = "1,field 7,field 7: the record has 7 fields; the header has 6; quote a field that holds a comma";
    check(
        "T1,1,USD,2026-01-15T10:00:00Z,a,b,failed\n",
        RowSelection::All,
        &[&format!("T1,1,USD,2026-01-15T10:00:00Z,a,\"b,failed\",{many}")],
    );
    for (merchant, cell, column) in [
        ("x\"y\"", "\"x\"\"y\"\"\"", "merchant"),
        ("\"x\"y", "\"\"\"x\"\"y\"", "merchant"),
        ("\"x\"\"z\"y", "\"\"\"x\"\"\"\"z\"\"y\"", "merchant"),
    ] {
        let file = format!("{HEADER}\nT1,1,USD,2026-01-15T10:00:00Z,{merchant},failed\nT2,x,,,,\n");
        let (text, summary) = correctable(file.as_bytes(), RowSelection::Rejected, 3);
        let line = text.lines().nth(1).unwrap();
        let start = format!("T1,1,USD,2026-01-15T10:00:00Z,{cell},failed,1,{column},");
        assert!(line.starts_with(&start), "{line}");
        assert!(text.lines().nth(2).unwrap().starts_with("T2,x,,,,,2,amount | currency"), "{text}");
        assert_eq!(summary.rejected_rows, 2);
    }
    let file = format!("{HEADER}\nT1,1,USD,2026-01-15T10:00:00Z,\"x,failed\nT2,x");
    let (text, _) = correctable(file.as_bytes(), RowSelection::Rejected, 3);
    assert!(text.contains("T1,1,USD,2026-01-15T10:00:00Z,\"\"\"x,failed\nT2,x\",,1,merchant,"), "{text}");
}

#[test]
fn a_malformed_record_of_a_corrected_file_gets_no_second_guard() {
    let file = format!("{NOTED}\n'=T1,1,USD,2026-01-15T10:00:00Z,a \"b\",completed,,,\n");
    let (text, _) = correctable(file.as_bytes(), RowSelection::All, 5);
    let line = text.lines().nth(1).unwrap();
    assert!(line.starts_with("'=T1,1,USD,2026-01-15T10:00:00Z,"), "{line}");
}

#[test]
fn replaced_characters_must_be_corrected() {
    let file = format!(
        "{HEADER}\nT1,1,USD,2026-01-15T10:00:00Z,caf\u{e9},completed\nT2,x,USD,2026-01-15T10:00:00Z,m,completed\n"
    );
    let latin1: Vec<u8> = file.chars().map(|character| u8::try_from(character).unwrap()).collect();
    let (text, _) = correctable(&latin1, RowSelection::All, 5);
    let corrected = text.replace("T2,x,", "T2,2,");
    let (report, errors) = validate(corrected.as_bytes());
    assert_eq!((report.rows, errors.len()), (2, 1), "{errors:?}");
    let error = &errors[0];
    assert_eq!((error.record, error.column, error.code), (1, Some(Column::Merchant), ErrorCode::EncodingInvalidUtf8));
    let byte = usize::try_from(error.byte).unwrap();
    assert!(corrected[byte..].starts_with('\u{fffd}'), "it says where");
    let (report, errors) = validate(corrected.replace('\u{fffd}', "\u{e9}").as_bytes());
    assert!(report.is_valid(), "{errors:?}");
    // In a file without notes, the same text is the sender's own.
    let (report, _) = validate(format!("{HEADER}\nT1,1,USD,2026-01-15T10:00:00Z,\u{fffd},completed\n").as_bytes());
    assert!(report.is_valid());
}

#[test]
fn cuts_an_unclosed_quote_in_a_large_file() {
    let rest = "y".repeat(CORRECTABLE_RECORD_BYTES_MAX + 100_000);
    let file = format!("{HEADER}\nT1,1,USD,2026-01-15T10:00:00Z,x,Failed\nT2,1,USD,2026-01-15T10:00:00Z,\"{rest}");
    for chunk_size in [1000, usize::MAX] {
        let (text, summary) = correctable(file.as_bytes(), RowSelection::Rejected, chunk_size);
        assert_eq!(summary, CorrectableSummary { rejected_rows: 2, is_truncated: true });
        assert!(text.len() < CORRECTABLE_RECORD_BYTES_MAX + 2_000 && text.contains("\"\"\"yyyy"));
    }
}

#[test]
fn invalid_characters_become_visible() {
    let file = [HEADER.as_bytes(), b"\nT\xff1,1,USD,2026-01-15T10:00:00Z,a\0b\xef\xbb\xbf,failed\n"].concat();
    let (text, _) = correctable(&file, RowSelection::Rejected, 5);
    assert!(text.contains("\nT\u{fffd}1,1,USD,2026-01-15T10:00:00Z,a\u{fffd}b\u{fffd},failed,1,"), "{text}");
}

#[test]
fn only_errors_of_records_are_correctable() {
    let of = |file: &str| is_correctable(&validate(file.as_bytes()).0);
    let row = "T1,1,USD,2026-01-15T10:00:00Z,x,failed\n";
    assert!(of(&format!("{HEADER}\n{}", row.replace("USD", "usd"))));
    assert!(of(&format!("{HEADER}\n{row}{row}")));
    for file in [
        format!("{HEADER}\n{row}"),
        HEADER.to_owned(),
        String::new(),
        HEADER.replace(',', ";"),
        format!("{HEADER},x\n{row}"),
    ] {
        assert!(!of(&file) || file.contains(",x\n"), "{file}");
    }
    assert!(!of(&format!("{HEADER}\r{row}").replace('\n', "\r")));
}

#[test]
fn notes_are_ignored() {
    let noted = |notes: &str, record: &str| format!("{HEADER},{notes}\n{record}\n");
    let errors = |file: String| validate(file.as_bytes()).1.iter().map(|error| error.code.as_str()).collect::<Vec<_>>();
    let record = "T1,1,USD,2026-01-15T10:00:00Z,'=x,failed,3,,\"anything, \u{1}\"";
    let none: [&str; 0] = [];
    assert_eq!(errors(noted("error_record,error_column,error_reason", record)), none);
    assert_eq!(errors(noted("Error_Reason , ERROR_RECORD,error_column", record)), none);
    for notes in ["error_record,error_column,x", "error_record,error_column,error_column"] {
        assert!(errors(noted(notes, record)).contains(&"header_unknown_column"), "{notes}");
    }
    assert_eq!(
        errors(noted("error_record,error_column,error_reason", &record.replace("'=x", "\u{1}"))),
        ["control_character"]
    );
    // Ids that differ only by a guard are the same id.
    let twice = format!("{}\n{}", record.replacen("T1", "'=1", 1), record.replacen("T1", "=1", 1));
    assert_eq!(errors(noted("error_record,error_column,error_reason", &twice)), ["transaction_id_duplicate"]);
    let (text, _) =
        correctable(noted("error_record,error_column,error_reason", &twice).as_bytes(), RowSelection::All, 9);
    assert_eq!(text.lines().next().unwrap().trim_start_matches('\u{feff}'), NOTED);
    assert!(text.contains("\n'=1,1,USD,2026-01-15T10:00:00Z,'=x,failed,2,transaction_id,"), "{text}");
}

#[test]
fn removes_blanks_around_header_names() {
    let file = format!("{}\nT1,1,USD,2026,x,failed\n", HEADER.replace(",amount,currency", " ,\tamount\t,\t currency"));
    let (text, _) = correctable(file.as_bytes(), RowSelection::All, 9);
    assert_eq!(text.lines().next().unwrap().trim_start_matches('\u{feff}'), NOTED);
    assert_eq!(transactions(text.replace(",2026,", ",2026-01-15T10:00:00Z,").as_bytes()).len(), 1);
}

#[test]
fn the_longest_value_fits_with_its_guard() {
    let file =
        |merchant: &str| format!("{HEADER}\nT1,1,USD,2026-01-15T10:00:00Z,{merchant},failed\nT2,1,USD,2026,x,failed\n");
    let longest = format!("={}", "m".repeat(4095));
    let (text, _) = correctable(file(&longest).as_bytes(), RowSelection::All, 900);
    let corrected = text.replace(",2026,", ",2026-01-15T10:00:00Z,");
    assert_eq!(transactions(corrected.as_bytes()).len(), 2);
    let codes = |file: &str| validate(file.as_bytes()).1.iter().map(|error| error.code.as_str()).collect::<Vec<_>>();
    assert_eq!(codes(&corrected.replace('=', "=m")), ["field_too_long"]);
    assert_eq!(codes(&file(&format!("'{longest}")).replace("2026,", "2026-01-15T10:00:00Z,")), ["field_too_long"]);
}

/// The transactions of a valid file, from its ranges.
fn transactions(file: &[u8]) -> Vec<String> {
    let (report, errors) = validate(file);
    assert_eq!(errors, []);
    let mut seen = Vec::new();
    for range in &report.ranges {
        let bytes = &file[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
        let mut keep = |_: u32, transaction: &Transaction<'_>| seen.push(format!("{transaction:?}"));
        let columns = serde_json::from_str(&serde_json::to_string(&report.columns).unwrap()).unwrap();
        let mut reader = RangeReader::new(range, columns);
        reader.push(bytes, &mut keep).unwrap();
        reader.finish(&mut keep).unwrap();
    }
    seen
}

/// Records whose texts begin with anything; one in four is invalid.
fn records() -> impl Strategy<Value = Vec<String>> {
    let (id, merchant) = ("['=+@-]{0,2}([!-~][ -~]{0,8})?[!-~]", "['=+@\t-]{0,2}[ -~é]{0,8}[!-~]");
    let record = (id, merchant, 0_u32..1000, prop_oneof![3 => Just("failed"), 1 => Just("Failed")]);
    let quote = |value: String| format!("\"{}\"", value.replace('"', "\"\""));
    proptest::collection::vec(record, 1..12).prop_map(move |records| {
        let numbered = records.into_iter().enumerate();
        let lines = numbered.map(|(number, (id, merchant, cents, status))| {
            let (id, merchant) = (quote(format!("{id}#{number}")), quote(merchant));
            format!("{id},-{}.{:02},EUR,2026-01-15T10:00:00Z,{merchant},{status}\n", cents / 100 + 1, cents % 100)
        });
        lines.collect()
    })
}

proptest! {
    /// A corrected file has the same values as the original file corrected in place, whatever they begin with.
    #[test]
    fn a_corrected_file_has_the_values_of_the_original(records in records(), chunk_size in 1_usize..90) {
        let file = format!("{HEADER}\n{}", records.concat());
        let (text, summary) = correctable(file.as_bytes(), RowSelection::All, chunk_size);
        prop_assert_eq!(summary.rejected_rows as usize, records.iter().filter(|record| record.ends_with("Failed\n")).count());
        let correct = |text: &str| text.replace(",Failed", ",failed");
        prop_assert_eq!(transactions(correct(&text).as_bytes()), transactions(correct(&file).as_bytes()));
        // Corrected in part and rejected again, it has the same values.
        let (again, _) = correctable(text.as_bytes(), RowSelection::All, chunk_size);
        prop_assert_eq!(again, text);
    }

    /// Every correctable file is well-formed: each row has as many fields as the header.
    #[test]
    fn a_correctable_file_is_well_formed(rows in "([a-zA-Z0-9,\"\r\n.:='-]|é|\u{feff}|\u{1}){0,300}", chunk_size in 1_usize..90, all in any::<bool>()) {
        let file = format!("{HEADER}\nT1,1,USD,2026-01-15T10:00:00Z,x,Failed\n{rows}");
        let selection = if all { RowSelection::All } else { RowSelection::Rejected };
        let (text, summary) = correctable(file.as_bytes(), selection, chunk_size);
        prop_assert_eq!(&correctable(file.as_bytes(), selection, usize::MAX).0, &text);
        let (report, errors) = validate(file.as_bytes());
        let mut rejected: Vec<u32> = errors.iter().map(|error| error.record).filter(|record| *record > 0).collect();
        rejected.dedup();
        prop_assert_eq!(summary.rejected_rows as usize, rejected.len());
        let (made, errors) = validate(text.as_bytes());
        prop_assert_eq!(made.rows, if all { report.rows } else { summary.rejected_rows });
        let broken: Vec<_> = errors.iter().filter(|error| error.column.is_none()).collect();
        prop_assert!(broken.is_empty(), "{:?} in {}", broken, text);
    }
}

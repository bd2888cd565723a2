//! The scanner, by examples, against itself in other chunks, and against `csv-core`.

use super::*;
use crate::csv::fields::FieldReader;
use crate::suites::{bytes_of, suite};
use proptest::prelude::*;

#[derive(Debug, PartialEq, Eq, Clone)]
struct Seen {
    bytes: Vec<u8>,
    byte: u64,
    line: u32,
    fields: Vec<(usize, usize)>,
    values: Vec<Vec<u8>>,
    errors: Vec<(ErrorCode, u64, usize)>,
    blank_lines: Option<BlankLines>,
}

fn scan(text: &[u8], chunk_size: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut field_reader = FieldReader::default();
    let mut keep = |record: RawRecord<'_>| {
        let values = field_reader.read(&record);
        let values = (0..values.count()).map(|field| values.get(field).to_vec()).collect();
        assert!(record.text != Text::PrintableAscii || record.bytes.iter().all(|byte| matches!(byte, b' '..=b'~')));
        assert!(
            record.text != Text::WithoutAsciiControls
                || !record.bytes.iter().any(|&byte| byte.is_ascii_control() && byte != b'\n')
        );
        seen.push(Seen {
            bytes: record.bytes.to_vec(),
            byte: record.byte,
            line: record.line,
            fields: record.fields.iter().map(|field| (field.start, field.end)).collect(),
            values,
            errors: record.errors.iter().map(|error| (error.code, error.byte, error.field)).collect(),
            blank_lines: record.blank_lines,
        });
    };
    let mut scanner = Scanner::at(0, 1);
    for chunk in text.chunks(chunk_size) {
        scanner.push(chunk, &mut keep);
    }
    scanner.finish(&mut keep);
    seen
}

fn errors_of(text: &str) -> Vec<(ErrorCode, u64, usize)> {
    scan(text.as_bytes(), 7).into_iter().flat_map(|record| record.errors).collect()
}

#[test]
fn well_formed_records_have_their_positions() {
    let seen = scan(b"a,b\r\n\"x,\"\"\n\",2\nlast,\"\"", 3);
    let bytes: Vec<_> = seen.iter().map(|record| record.bytes.as_slice()).collect();
    assert_eq!(bytes, [&b"a,b"[..], b"\"x,\"\"\n\",2", b"last,\"\""]);
    assert_eq!(seen.iter().map(|record| (record.byte, record.line)).collect::<Vec<_>>(), [(0, 1), (5, 2), (15, 4)]);
    assert_eq!(seen[1].fields, [(0, 7), (8, 9)]);
    assert_eq!(seen[1].values, [&b"x,\"\n"[..], b"2"]);
    assert!(seen.iter().all(|record| record.errors.is_empty()));
}

#[test]
fn errors_have_the_byte_that_breaks_the_rule() {
    use ErrorCode::{
        FieldTooLong, LoneCarriageReturn, QuoteInUnquotedField, TextAfterQuote, TooManyColumns, UnclosedQuote,
    };
    assert_eq!(errors_of("a,b\"c\n"), [(QuoteInUnquotedField, 3, 1)]);
    assert_eq!(errors_of("\"a\"b,\"c\" ,d\n"), [(TextAfterQuote, 3, 0), (TextAfterQuote, 8, 1)]);
    assert_eq!(errors_of("ok,1\nx,\"open\nmore,2\n"), [(UnclosedQuote, 7, 1)]);
    assert_eq!(errors_of("a,b\rc,d\r"), [(LoneCarriageReturn, 3, 1), (LoneCarriageReturn, 7, 1)]);
    assert_eq!(errors_of(&format!("ab,{}\n", "x".repeat(FIELD_BYTES_MAX + 1))), [(FieldTooLong, 3, 1)]);
    assert_eq!(errors_of(&format!("{}\n", ",".repeat(100))), [(TooManyColumns, 64, 64)]);
    assert_eq!(errors_of(&format!("a,\"{}", "x\n".repeat(FIELD_BYTES_MAX))), [(UnclosedQuote, 2, 1)]);
    assert_eq!(errors_of(&format!("{},\"{}\"\n", "x".repeat(FIELD_BYTES_MAX), "\"\"".repeat(FIELD_BYTES_MAX))), []);
    assert_eq!(errors_of(&format!("{}\n", ",".repeat(RECORD_COLUMNS_MAX - 1))), []);
}

#[test]
fn blank_lines_are_reported_only_before_a_record() {
    let seen = scan(b"a\n\n\r\nb\n\n\n", 2);
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].blank_lines, Some(BlankLines { byte: 2, line: 2, count: 2 }));
}

/// The suite has the records of each file as JSON. The first record has the names.
#[test]
fn csv_spectrum_is_read_as_its_json_says() {
    let suite = suite("csv-spectrum");
    let files = suite["files"].as_object().unwrap();
    assert_eq!(files.len(), 11, "the suite is complete");
    for (name, file) in files {
        let csv = bytes_of(&file["csv"]);
        for chunk_size in [1, 3, csv.len()] {
            let seen = scan(&csv, chunk_size);
            assert!(seen.iter().all(|record| record.errors.is_empty() && record.blank_lines.is_none()), "{name}");
            let text = |value: &Vec<u8>| String::from_utf8(value.clone()).unwrap();
            let names: Vec<String> = seen[0].values.iter().map(text).collect();
            let object = |record: &Seen| -> serde_json::Value {
                let values = record.values.iter().map(|value| serde_json::Value::String(text(value)));
                serde_json::Value::Object(names.iter().cloned().zip(values).collect())
            };
            let found: Vec<_> = seen[1..].iter().map(object).collect();
            assert_eq!(serde_json::Value::Array(found), file["json"], "{name}");
        }
    }
}

/// The records of `text` as `csv-core` reads them. It accepts anything, so it is used only for well-formed text.
fn records_of_csv_core(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut reader = csv_core::Reader::new();
    let (mut output, mut ends) = (vec![0; text.len() + 1], vec![0; text.len() + 1]);
    let (mut input, mut written, mut fields) = (text, 0, 0);
    let mut records = Vec::new();
    loop {
        let (result, read, wrote, ended) = reader.read_record(input, &mut output[written..], &mut ends[fields..]);
        input = &input[read..];
        (written, fields) = (written + wrote, fields + ended);
        match result {
            csv_core::ReadRecordResult::Record => {
                let starts = [0].into_iter().chain(ends[..fields].iter().copied());
                records.push(starts.zip(&ends[..fields]).map(|(start, &end)| output[start..end].to_vec()).collect());
                (written, fields) = (0, 0);
            }
            csv_core::ReadRecordResult::End => return records,
            // The next call continues with the rest of the input.
            _ => {}
        }
    }
}

/// Texts with many quotes, separators and line ends. `any_weight` is the weight of fields with any bytes.
fn texts(any_weight: u32) -> impl Strategy<Value = String> {
    let field = prop_oneof![
        4 => "[a-c é]{0,4}",
        2 => "\"([a-c,\n\r\té ]|\"\"){0,6}\"",
        1 => "[a-c]{50,80}",
        any_weight => "[a-c,\"\r\n\té]{0,4}",
    ];
    let line_end = prop_oneof![3 => Just("\n"), 2 => Just("\r\n")];
    proptest::collection::vec((proptest::collection::vec(field, 1..4), line_end), 0..12)
        .prop_map(|records| records.into_iter().map(|(fields, end)| fields.join(",") + end).collect())
}

proptest! {
    /// Chunks of one byte never use the path for complete records, so this compares both paths.
    #[test]
    fn chunks_do_not_matter(text in texts(1), chunk_size in 1_usize..200) {
        let byte_by_byte = scan(text.as_bytes(), 1);
        prop_assert_eq!(&scan(text.as_bytes(), chunk_size), &byte_by_byte);
        prop_assert_eq!(&scan(text.as_bytes(), usize::MAX), &byte_by_byte);
    }

    #[test]
    fn chunks_of_any_bytes_do_not_matter(bytes in "([a-c,\"\r\n]|é){0,60}", chunk_size in 1_usize..20) {
        prop_assert_eq!(scan(bytes.as_bytes(), chunk_size), scan(bytes.as_bytes(), 1));
    }

    /// Without errors, records, fields and values are those of `csv-core`.
    #[test]
    fn agrees_with_csv_core_without_errors(text in texts(0)) {
        let seen = scan(text.as_bytes(), usize::MAX);
        prop_assert!(seen.iter().all(|record| record.errors.is_empty()));
        let found: Vec<_> = seen.into_iter().map(|record| record.values).collect();
        prop_assert_eq!(found, records_of_csv_core(text.as_bytes()));
    }
}

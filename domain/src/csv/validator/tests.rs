//! The rules of the validator as data: each case is a file and its errors.

use super::*;
use crate::Transaction;
use crate::csv::RangeReader;
use proptest::prelude::*;

const HEADER: &str = "transaction_id,amount,currency,timestamp,merchant,status\n";
const ROW: &str = "T1,12.50,USD,2026-01-15T10:00:00Z,Café Olé,completed\n";

fn arrival() -> Timestamp {
    Timestamp::parse(b"2026-06-01T00:00:00Z").unwrap()
}

fn validate(file: &[u8], chunk_size: usize) -> (ValidationReport, Vec<RowError>) {
    let limits = Limits { bytes_max: 1_000_000, rows_max: 5_000 };
    let (report, errors) = read(FileValidator::new(arrival(), limits), file, chunk_size);
    let (again, all_errors) = read(FileValidator::again(arrival(), limits, &report), file, chunk_size);
    assert!(again.is_complete);
    assert_eq!((again.rows, &again.totals, &again.ranges), (report.rows, &report.totals, &report.ranges));
    if report.is_complete {
        assert_eq!(all_errors, errors, "a second reading finds what the first one found");
    }
    (again, all_errors)
}

/// One reading of a file.
fn read(mut validator: FileValidator, file: &[u8], chunk_size: usize) -> (ValidationReport, Vec<RowError>) {
    let mut errors = Vec::new();
    for chunk in file.chunks(chunk_size) {
        validator.push(chunk, &mut |error| errors.push(error));
    }
    let report = validator.finish(&mut |error| errors.push(error));
    (report, errors)
}

/// Checks that `file` gets exactly these errors, as `code@record:line:column_number`.
fn check(file: impl AsRef<[u8]>, expected: &[&str]) {
    let (report, errors) = validate(file.as_ref(), 11);
    let seen: Vec<String> = errors
        .iter()
        .map(|error| {
            let column = error.column_number.map_or("-".to_owned(), |number| number.to_string());
            format!("{}@{}:{}:{column}", error.code.as_str(), error.record, error.line)
        })
        .collect();
    assert_eq!(seen, expected, "{}", String::from_utf8_lossy(&file.as_ref()[..file.as_ref().len().min(300)]));
    assert_eq!(report.error_count, expected.len() as u64);
    assert!(errors.iter().all(|error| error.byte <= file.as_ref().len() as u64));
}

fn with_row(row: &str) -> String {
    format!("{HEADER}{row}\n")
}

#[test]
fn accepts_valid_files() {
    for file in [
        format!("{HEADER}{ROW}"),
        format!("\u{feff}{HEADER}{ROW}"),
        format!("{HEADER}{}", ROW.trim_end()),
        format!("{HEADER}{ROW}").replace('\n', "\r\n"),
        format!("{HEADER}{ROW}\n\n"),
        format!(" Transaction_ID ,AMOUNT,Currency,TimeStamp,merchant,STATUS\r\n{ROW}"),
        "status,merchant,timestamp,currency,amount,transaction_id\ncompleted,x,2026-01-15T10:00:00Z,USD,12.50,T1\n"
            .to_owned(),
        with_row("\"T1\",\"12.50\",\"USD\",\"2026-01-15T10:00:00Z\",\"a,\"\"b\"\"\nc\",\"completed\""),
        with_row("T1,-0.01,USD,2026-01-15T10:00:00Z,=cmd|' /C calc'!A0,pending"),
        with_row("T1,0,USD,2026-01-15T10:00:00Z,\"\t@x\r\",failed"),
        with_row(&format!("{},1,JPY,2026-06-02T00:00:00Z,{},failed", "i".repeat(128), "m".repeat(4096))),
        with_row("T1,1.005,BHD,2024-02-29T23:59:59.123456789-05:30,e\u{301},failed"),
    ] {
        check(file, &[]);
    }
}

#[test]
fn rejects_other_encodings() {
    check(b"\xff\xfet\0r\0", &["encoding_utf16@0:1:-"]);
    check(b"\xfe\xff\0t\0r", &["encoding_utf16@0:1:-"]);
    check(b"t\0r\0a\0n\0", &["encoding_utf16@0:1:-"]);
    for merchant in [&b"Caf\xe9"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"x\xe2\x82"] {
        let row = [b"T1,1,USD,2026-01-15T10:00:00Z,", merchant, b",completed\n"].concat();
        check([HEADER.as_bytes(), &row].concat(), &["encoding_invalid_utf8@1:2:5"]);
    }
    for merchant in ["a\0b", "a\u{1b}b", "a\u{7f}", "\u{85}", "\u{b}"] {
        check(with_row(&format!("T1,1,USD,2026-01-15T10:00:00Z,{merchant},completed")), &["control_character@1:2:5"]);
    }
    check(with_row("T1,1,USD,2026-01-15T10:00:00Z,a\u{feff}b,completed"), &["byte_order_mark_inside@1:2:5"]);
    check(format!("\u{feff}\u{feff}{HEADER}{ROW}"), &["byte_order_mark_inside@0:1:1"]);
    check(format!("{HEADER}{ROW}").replace(",amount", ",\u{feff}amount"), &["byte_order_mark_inside@0:1:2"]);
    check(format!("{HEADER}{ROW}\u{feff}{}", ROW.replace("T1,", "T2,")), &["byte_order_mark_inside@2:3:1"]);
    check(format!("{HEADER}{ROW}\u{feff}\n"), &["byte_order_mark_inside@2:3:1"]);
    check(with_row("T\u{200b}1,1,USD,2026-01-15T10:00:00Z,x,completed"), &["transaction_id_not_ascii@1:2:1"]);
    check(with_row("T\u{202e}1,1,USD,2026-01-15T10:00:00Z,x,completed"), &["transaction_id_not_ascii@1:2:1"]);
    check(with_row("T1,1,USD,2026-01-15T10:00:00Z,x,pendıng"), &["status_unknown@1:2:6"]);
    check(with_row("T1,1,USD,2026-01-15T10:00:00Z,x,ｆａｉｌｅｄ"), &["status_unknown@1:2:6"]);
}

#[test]
fn rejects_malformed_structures() {
    check("", &["file_empty@0:1:-"]);
    check("\u{feff}", &["file_empty@0:1:-"]);
    check("\n\n\r\n", &["file_empty@0:1:-"]);
    check(HEADER, &["no_data_rows@0:1:-"]);
    check(format!("sep=,\n{HEADER}{ROW}"), &["separator_line@0:1:-"]);
    check(format!("{HEADER}{ROW}").replace(',', ";"), &["wrong_delimiter@0:1:-"]);
    check(format!("{HEADER}{ROW}").replace(',', "\t"), &["wrong_delimiter@0:1:-"]);
    check(format!("{HEADER}{ROW}").replace('\n', "\r"), &["lone_carriage_return@0:1:6", "lone_carriage_return@1:2:6"]);
    check(with_row("T1,1,USD,2026-01-15T10:00:00Z,completed"), &["too_few_fields@1:2:5"]);
    check(with_row("T1,1,USD,2026-01-15T10:00:00Z,a,b,completed"), &["too_many_fields@1:2:7"]);
    check(with_row("T1,1,USD,2026-01-15T10:00:00Z,\"x,completed\nmore"), &["unclosed_quote@1:2:5"]);
    check(with_row("T1,1,USD,2026-01-15T10:00:00Z,\"x\"y,completed"), &["text_after_quote@1:2:5"]);
    check(with_row("T1,1,USD,2026-01-15T10:00:00Z,x\"y\",completed"), &["quote_in_unquoted_field@1:2:5"]);
    check(
        with_row(&format!("T1,1,USD,2026-01-15T10:00:00Z,{},completed", "m".repeat(4097))),
        &["field_too_long@1:2:5"],
    );
    check(with_row(&",".repeat(64)), &["too_many_columns@1:2:65"]);
    check(format!("{HEADER}\n{ROW}"), &["blank_line@1:2:-"]);
    check(format!("{HEADER}{ROW}\n\r\n{}", ROW.replace("T1,", "T2,")), &["blank_line@2:3:-"]);
    check(
        format!("transaction_id,amount,currency,timestamp,shop,amount\n{ROW}"),
        &[
            "header_missing_column@0:1:-",
            "header_missing_column@0:1:-",
            "header_unknown_column@0:1:5",
            "header_repeated_column@0:1:6",
        ],
    );
    check(
        format!("transaction_id,amount,currency,timestamp,merchant\n{}", ROW.replace(",completed", "")),
        &["header_missing_column@0:1:-"],
    );
    check(
        [HEADER.as_bytes(), &b"x".repeat(1_000_001)].concat().chunks(1_000_002).next().unwrap(),
        &["file_too_large@0:1:-"],
    );
    let many: String = (0..5_001).map(|number| ROW.replace("T1,", &format!("T{number},"))).collect();
    check(format!("{HEADER}{many}"), &["too_many_rows@5001:5002:-"]);
}

#[test]
fn rejects_invalid_values() {
    for amount in ["NaN", "inf", "1e309", "+1", "\"1,000.00\"", "\"12,5\"", "0x10", "١", ".5", "5.", "(5)", "$5", "1 0"]
    {
        check(with_row(&format!("T1,{amount},USD,2026-01-15T10:00:00Z,x,completed")), &["amount_malformed@1:2:2"]);
    }
    check(with_row("T1,-0,USD,2026-01-15T10:00:00Z,x,completed"), &["amount_negative_zero@1:2:2"]);
    check(with_row("T1,1.5,JPY,2026-01-15T10:00:00Z,x,completed"), &["amount_too_many_decimals@1:2:2"]);
    check(
        with_row(&format!("T1,{},USD,2026-01-15T10:00:00Z,x,completed", "1".repeat(39))),
        &["amount_too_many_digits@1:2:2"],
    );
    check(with_row("T1,1,usd,2026-01-15T10:00:00Z,x,completed"), &["currency_unknown@1:2:3"]);
    check(with_row("T1,1,HRK,2026-01-15T10:00:00Z,x,completed"), &["currency_not_active@1:2:3"]);
    check(with_row("T1,1,XAU,2026-01-15T10:00:00Z,x,completed"), &["currency_without_minor_unit@1:2:3"]);
    check(with_row("T1,1,USD,2026-01-15T10:00:00,x,completed"), &["timestamp_offset_missing@1:2:4"]);
    check(with_row("T1,1,USD,1768471200,x,completed"), &["timestamp_malformed@1:2:4"]);
    check(with_row("T1,1,USD,2025-02-29T10:00:00Z,x,completed"), &["timestamp_out_of_range@1:2:4"]);
    check(with_row("T1,1,USD,2026-06-02T00:00:01Z,x,completed"), &["timestamp_in_future@1:2:4"]);
    check(with_row("T1,1,USD,2026-01-15T10:00:00Z,x,Completed"), &["status_unknown@1:2:6"]);
    check(
        with_row(&format!("{},1,USD,2026-01-15T10:00:00Z,x,failed", "i".repeat(129))),
        &["transaction_id_too_long@1:2:1"],
    );
    check(
        with_row(",  ,,\"\",\" \",\t"),
        &[
            "field_empty@1:2:1",
            "field_empty@1:2:2",
            "field_empty@1:2:3",
            "field_empty@1:2:4",
            "field_empty@1:2:5",
            "field_empty@1:2:6",
        ],
    );
    check(
        format!("{HEADER}{ROW}{}{}", ROW.replace("12.50", "x"), ROW.replace("12.50", "1")),
        &["transaction_id_duplicate@2:3:1", "amount_malformed@2:3:2", "transaction_id_duplicate@3:4:1"],
    );
}

/// A file of `rows` valid records, some of them over several lines.
fn valid_file(rows: u32) -> Vec<u8> {
    let records: String = (1..=rows)
        .map(|number| format!("T{number},{number}.25,EUR,2026-01-15T10:00:00Z,\"line\r\n{number}\",pending\r\n"))
        .collect();
    format!("\u{feff}{HEADER}{records}").into_bytes()
}

#[test]
fn ranges_cover_every_record_once_and_find_the_same_sums() {
    for rows in [1, 999, 1000, 1001, 4_999] {
        let file = valid_file(rows);
        let (report, errors) = validate(&file, 4096);
        assert_eq!(errors, []);
        let mut seen = Vec::new();
        let mut sums = Vec::new();
        for range in &report.ranges {
            let bytes = &file[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            let mut reader = RangeReader::new(range, report.columns.clone());
            let mut keep =
                |number: u32, transaction: &Transaction<'_>| seen.push((number, transaction.transaction_id.to_owned()));
            for chunk in bytes.chunks(100) {
                reader.push(chunk, &mut keep).unwrap();
            }
            sums.push(reader.finish(&mut keep).unwrap().totals.to_texts());
        }
        let expected: Vec<_> = (1..=rows).map(|number| (number, format!("T{number}"))).collect();
        assert_eq!(seen, expected);
        assert_eq!(crate::values::money::add_up(&sums), Ok(report.totals.to_texts()));
        assert!(report.ranges.len() <= crate::limits::FILE_RANGES_MAX);
    }
}

#[test]
fn a_range_of_other_bytes_is_noticed() {
    let file = valid_file(2);
    let (report, _) = validate(&file, 4096);
    let mut reader = RangeReader::new(&report.ranges[0], report.columns.clone());
    assert!(reader.push(&file, &mut |_, _| {}).is_err());
}

proptest! {
    #[test]
    fn chunks_do_not_matter(rows in proptest::collection::vec("([a-zA-Z0-9,\"\r\n.:-]|é|\u{feff}){0,50}", 0..6), chunk_size in 1_usize..40) {
        let file = format!("{HEADER}{ROW}{}", rows.join("\n"));
        prop_assert_eq!(validate(file.as_bytes(), chunk_size), validate(file.as_bytes(), usize::MAX));
    }

    #[test]
    fn no_bytes_make_it_panic_and_every_error_lies_in_the_file(file in proptest::collection::vec(any::<u8>(), 0..400), with_header in any::<bool>()) {
        let file = if with_header { [HEADER.as_bytes(), &file].concat() } else { file };
        let (report, errors) = validate(&file, 17);
        prop_assert_eq!(report.error_count, errors.len() as u64);
        prop_assert!(errors.iter().all(|error| error.byte <= file.len() as u64));
    }

    /// What is accepted is what was meant: quoting and reading a record gives its values back.
    #[test]
    fn valid_records_are_read_as_they_were_written(merchant in "[ -~é\n\r\t]{1,60}", cents in any::<i32>(), id in "[!-~]{1,40}") {
        prop_assume!(!merchant.trim().is_empty());
        let sign = if cents < 0 { "-" } else { "" };
        let amount = format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
        let quote = |value: &str| format!("\"{}\"", value.replace('"', "\"\""));
        let file = format!("{HEADER}{},{amount},USD,2026-01-15T10:00:00Z,{},failed\n", quote(&id), quote(&merchant));
        let (report, errors) = validate(file.as_bytes(), 7);
        prop_assert_eq!(&errors, &[]);
        let mut reader = RangeReader::new(&report.ranges[0], report.columns.clone());
        let mut seen = Vec::new();
        let mut keep = |_: u32, transaction: &Transaction<'_>| {
            seen.push((transaction.transaction_id.to_owned(), transaction.merchant.to_owned()));
        };
        reader.push(&file.as_bytes()[usize::try_from(report.ranges[0].start).unwrap()..], &mut keep).unwrap();
        reader.finish(&mut keep).unwrap();
        prop_assert_eq!(seen, [(id, merchant)]);
        prop_assert_eq!(report.totals.to_texts()["USD"].clone(), amount);
    }
}

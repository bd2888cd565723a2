//! For each code of a file's errors: a file that has it. What comes back is found out by the rules themselves.

use domain::Timestamp;
use domain::csv::{ErrorCode, FileValidator, Limits, RowError};
use domain::limits::{BUCKET_FILE_BYTES_MAX, FILE_ROWS_MAX};

/// A file that was sent.
pub(crate) enum Sent {
    /// This very text.
    Text(&'static str),
    /// These bytes, which a page can only describe.
    Bytes(&'static str, fn() -> Vec<u8>),
    /// A file that is too large to be made here.
    Words(&'static str),
    /// A file with its control totals, and the reason of the response.
    ControlTotals(&'static str, &'static str),
}

use Sent::{Bytes, ControlTotals, Text, Words};

/// The day on which the examples arrive.
const ARRIVAL: &str = "2026-01-16T00:00:00Z";
const HEADER: &str = "transaction_id,amount,currency,timestamp,merchant,status\n";

/// One file for each code.
#[rustfmt::skip]
pub(crate) const EXAMPLES: &[(&str, Sent)] = &[
    ("file_empty", Bytes("a file of no bytes", Vec::new)),
    ("no_data_rows", Text("transaction_id,amount,currency,timestamp,merchant,status\n")),
    ("file_too_large", Words("a file of 1,073,741,825 bytes")),
    ("too_many_rows", Words("a file of 5,000,001 records")),
    ("encoding_utf16", Bytes("a file that a spreadsheet saved as “Unicode text”", || b"\xff\xfet\0r\0a\0n\0".to_vec())),
    ("encoding_invalid_utf8", Bytes("T1,12.30,EUR,2026-01-15T10:00:00Z,Caf<byte E9>,completed", || with_record(b"T1,12.30,EUR,2026-01-15T10:00:00Z,Caf\xe9,completed\n"))),
    ("byte_order_mark_inside", Bytes("T1,12.30,EUR,2026-01-15T10:00:00Z,Shop,completed\n<bytes EF BB BF>T2,9.00,EUR,2026-01-15T11:00:00Z,Shop,completed", || with_record("T1,12.30,EUR,2026-01-15T10:00:00Z,Shop,completed\n\u{feff}T2,9.00,EUR,2026-01-15T11:00:00Z,Shop,completed\n".as_bytes()))),
    ("control_character", Bytes("T1,12.30,EUR,2026-01-15T10:00:00Z,Shop<byte 07>,completed", || with_record(b"T1,12.30,EUR,2026-01-15T10:00:00Z,Shop\x07,completed\n"))),
    ("separator_line", Text("sep=,\ntransaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,2026-01-15T10:00:00Z,Shop,completed\n")),
    ("wrong_delimiter", Text("transaction_id;amount;currency;timestamp;merchant;status\nT1;12.30;EUR;2026-01-15T10:00:00Z;Shop;completed\n")),
    ("header_missing_column", Text("transaction_id,amount,currency,timestamp,merchant\nT1,12.30,EUR,2026-01-15T10:00:00Z,Shop\n")),
    ("header_repeated_column", Text("transaction_id,amount,amount,currency,timestamp,merchant,status\nT1,12.30,12.30,EUR,2026-01-15T10:00:00Z,Shop,completed\n")),
    ("header_unknown_column", Text("transaction_id,amount,currency,timestamp,merchant,status,note\nT1,12.30,EUR,2026-01-15T10:00:00Z,Shop,completed,x\n")),
    ("too_many_columns", Bytes("a record of 65 fields", || with_record(&[",".repeat(64).as_bytes(), b"\n"].concat()))),
    ("too_few_fields", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,2026-01-15T10:00:00Z,Shop\n")),
    ("too_many_fields", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,2026-01-15T10:00:00Z,Shop, Berlin,completed\n")),
    ("unclosed_quote", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,2026-01-15T10:00:00Z,\"Shop,completed\n")),
    ("text_after_quote", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,2026-01-15T10:00:00Z,\"Shop\" Berlin,completed\n")),
    ("quote_in_unquoted_field", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,2026-01-15T10:00:00Z,The \"Shop\",completed\n")),
    ("lone_carriage_return", Bytes("lines that end with <byte 0D> alone, as old Macs wrote them", || HEADER.replace('\n', "\r").into_bytes().into_iter().chain(*b"T1,12.30,EUR,2026-01-15T10:00:00Z,Shop,completed\r").collect())),
    ("blank_line", Text("transaction_id,amount,currency,timestamp,merchant,status\n\nT1,12.30,EUR,2026-01-15T10:00:00Z,Shop,completed\n")),
    ("field_too_long", Bytes("a merchant of 4,097 bytes", || with_record(format!("T1,12.30,EUR,2026-01-15T10:00:00Z,{},completed\n", "x".repeat(4097)).as_bytes()))),
    ("field_empty", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,2026-01-15T10:00:00Z,,completed\n")),
    ("transaction_id_not_ascii", Text("transaction_id,amount,currency,timestamp,merchant,status\nT–1,12.30,EUR,2026-01-15T10:00:00Z,Shop,completed\n")),
    ("transaction_id_too_long", Bytes("an id of 129 characters", || with_record(format!("{},12.30,EUR,2026-01-15T10:00:00Z,Shop,completed\n", "x".repeat(129)).as_bytes()))),
    ("transaction_id_padded", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1 ,12.30,EUR,2026-01-15T10:00:00Z,Shop,completed\n")),
    ("transaction_id_duplicate", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,2026-01-15T10:00:00Z,Shop,completed\nT1,9.00,EUR,2026-01-15T11:00:00Z,Shop,completed\n")),
    ("amount_malformed", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,\"1,234.56\",EUR,2026-01-15T10:00:00Z,Shop,completed\n")),
    ("amount_negative_zero", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,-0.00,EUR,2026-01-15T10:00:00Z,Shop,completed\n")),
    ("amount_too_many_digits", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,123456789012345678901234567890123456789,EUR,2026-01-15T10:00:00Z,Shop,completed\n")),
    ("amount_too_many_decimals", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.345,EUR,2026-01-15T10:00:00Z,Shop,completed\n")),
    ("currency_unknown", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,Euro,2026-01-15T10:00:00Z,Shop,completed\n")),
    ("currency_not_active", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,HRK,2026-01-15T10:00:00Z,Shop,completed\n")),
    ("currency_without_minor_unit", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,XAU,2026-01-15T10:00:00Z,Shop,completed\n")),
    ("timestamp_malformed", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,15.01.2026 10:00,Shop,completed\n")),
    ("timestamp_offset_missing", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,2026-01-15T10:00:00,Shop,completed\n")),
    ("timestamp_out_of_range", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,2026-02-30T10:00:00Z,Shop,completed\n")),
    ("timestamp_in_future", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,2062-01-15T10:00:00Z,Shop,completed\n")),
    ("status_unknown", Text("transaction_id,amount,currency,timestamp,merchant,status\nT1,12.30,EUR,2026-01-15T10:00:00Z,Shop,Completed\n")),
    ("row_count_mismatch", ControlTotals("a file of 2 records, with expected_rows=3", "the file has 2 data records; expected_rows is 3")),
    ("total_mismatch", ControlTotals("a file of 9.30 EUR, with expected_totals={\"EUR\": \"9.40\"}", "the amounts in EUR add up to 9.30; expected_totals has 9.40")),
];

fn with_record(record: &[u8]) -> Vec<u8> {
    [HEADER.as_bytes(), record].concat()
}

/// The first error of this code in the example of it.
pub(crate) fn error_of(code: ErrorCode, sent: &Sent) -> RowError {
    let bytes = match sent {
        Text(text) => text.as_bytes().to_vec(),
        Bytes(_, make) => make(),
        Words(_) => return of_the_whole_file(code, code.reason()),
        ControlTotals(_, reason) => return of_the_whole_file(code, reason),
    };
    let errors = errors_of(&bytes);
    errors.into_iter().find(|error| error.code == code).unwrap_or_else(|| panic!("the example of {code:?} has it not"))
}

fn of_the_whole_file(code: ErrorCode, reason: &'static str) -> RowError {
    RowError { record: 0, line: 1, column: None, column_number: None, byte: 0, code, reason: reason.into() }
}

fn errors_of(bytes: &[u8]) -> Vec<RowError> {
    let arrival = Timestamp::parse(ARRIVAL.as_bytes()).unwrap();
    let limits = || Limits { bytes_max: BUCKET_FILE_BYTES_MAX, rows_max: FILE_ROWS_MAX };
    let read = |mut validator: FileValidator| {
        let mut errors = Vec::new();
        validator.push(bytes, &mut |error| errors.push(error));
        let report = validator.finish(&mut |error| errors.push(error));
        (report, errors)
    };
    let (report, errors) = read(FileValidator::new(arrival, limits()));
    if report.is_complete { errors } else { read(FileValidator::again(arrival, limits(), &report)).1 }
}

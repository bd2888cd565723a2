//! The errors of a file: stable codes, positions and fixes.

use super::Column;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::borrow::Cow;

/// One error of a file. It has a position and a reason, and never repeats content of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RowError {
    /// The data record, from 1; 0 for the header or the file as a whole.
    pub record: u32,
    /// The line on which the field (or the record) starts, from 1.
    pub line: u32,
    /// The column, if it is one of the schema's.
    pub column: Option<Column>,
    /// The position of the field in its record, from 1.
    pub column_number: Option<u32>,
    /// The offset in the file of the first byte concerned, from 0.
    pub byte: u64,
    /// The rule that was broken.
    pub code: ErrorCode,
    /// Why it is an error here.
    pub reason: Cow<'static, str>,
}

/// As JSON, an error also has the fix of its code.
impl Serialize for RowError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut error = serializer.serialize_struct("RowError", 8)?;
        error.serialize_field("record", &self.record)?;
        error.serialize_field("line", &self.line)?;
        error.serialize_field("column", &self.column)?;
        error.serialize_field("column_number", &self.column_number)?;
        error.serialize_field("byte", &self.byte)?;
        error.serialize_field("code", &self.code)?;
        error.serialize_field("reason", &self.reason)?;
        error.serialize_field("fix", self.code.fix())?;
        error.end()
    }
}

crate::values::codes::error_codes! {
    /// The rules that a file can break. The codes are an interface: they are never renamed.
    ErrorCode;

    FileEmpty "file_empty": "the file has no bytes" => "send the file again; its export may have failed";
    NoDataRows "no_data_rows": "the file has a header but no data record"
        => "send at least one record below the header";
    FileTooLarge "file_too_large": "the file is larger than the limit"
        => "split it and send the parts, each with the header";
    TooManyRows "too_many_rows": "the file has more records than the limit"
        => "split it and send the parts, each with the header";
    EncodingUtf16 "encoding_utf16": "the file is encoded in UTF-16" => "save it as UTF-8 (in a spreadsheet: CSV UTF-8)";
    EncodingInvalidUtf8 "encoding_invalid_utf8": "this byte is not valid UTF-8"
        => "save the file as UTF-8 (in a spreadsheet: CSV UTF-8)";
    ByteOrderMarkInside "byte_order_mark_inside": "there is a byte-order mark inside the file"
        => "remove it; files that were joined often keep one";
    ControlCharacter "control_character": "the field has a control character"
        => "remove it; only tabs, and line breaks inside quotes, are allowed";
    SeparatorLine "separator_line": "the first line is a sep= line" => "remove it and separate the fields by commas";
    WrongDelimiter "wrong_delimiter": "the fields are not separated by commas"
        => "export the file with a comma as its delimiter";
    HeaderMissingColumn "header_missing_column": "the header lacks this column"
        => "give the header each of the six columns once: transaction_id, amount, currency, timestamp, merchant, status";
    HeaderRepeatedColumn "header_repeated_column": "the header names this column more than once" => "keep one of them";
    HeaderUnknownColumn "header_unknown_column": "the header has a column that the format does not know"
        => "remove the column, or correct its name";
    TooManyColumns "too_many_columns": "the record has more than 64 fields" => "send the six columns of the format";
    TooFewFields "too_few_fields": "the record has fewer fields than the header"
        => "give every column a value; quote a field that holds a line break";
    TooManyFields "too_many_fields": "the record has more fields than the header" => "quote a field that holds a comma";
    UnclosedQuote "unclosed_quote": "the quote that opens here is never closed; everything after it was taken as its text"
        => "close the quote, and double every quote inside a quoted field";
    TextAfterQuote "text_after_quote": "text follows the closing quote of a field"
        => "double every quote inside a quoted field, and end the field with one";
    QuoteInUnquotedField "quote_in_unquoted_field": "there is a quote inside a field that does not begin with one"
        => "quote the whole field and double the quotes inside it";
    LoneCarriageReturn "lone_carriage_return": "a carriage return without a line feed ends the line"
        => "end lines with LF or CRLF";
    BlankLine "blank_line": "the line is blank" => "remove the line";
    FieldTooLong "field_too_long": "the field is longer than 4096 bytes"
        => "shorten it; a quote that is not closed may also be the cause";
    FieldEmpty "field_empty": "the field is empty" => "give it a value; no column is optional";
    TransactionIdNotAscii "transaction_id_not_ascii": "the id has a character that is not printable ASCII"
        => "use printable ASCII only; look for invisible characters";
    TransactionIdTooLong "transaction_id_too_long": "the id is longer than 128 characters"
        => "use an id of at most 128 characters";
    TransactionIdPadded "transaction_id_padded": "the id begins or ends with a blank"
        => "remove the blanks before and after the id";
    TransactionIdDuplicate "transaction_id_duplicate": "an earlier record of this file has the same id"
        => "keep one record for each id";
    AmountMalformed "amount_malformed": "it is not a plain decimal number"
        => "write digits with at most one decimal point, such as -1234.56";
    AmountNegativeZero "amount_negative_zero": "zero has no sign" => "write 0";
    AmountTooManyDigits "amount_too_many_digits": "the amount has more than 38 significant digits"
        => "write at most 38 digits";
    AmountTooManyDecimals "amount_too_many_decimals": "the amount has more decimals than its currency"
        => "write no more decimals than the currency's minor unit has";
    CurrencyUnknown "currency_unknown": "it is not a currency code of ISO 4217"
        => "use three capital letters such as EUR";
    CurrencyNotActive "currency_not_active": "ISO 4217 has replaced this code" => "use the currency's current code";
    CurrencyWithoutMinorUnit "currency_without_minor_unit": "amounts in this code have no defined decimals"
        => "use the code of a currency";
    TimestampMalformed "timestamp_malformed": "it is not an RFC 3339 timestamp"
        => "write it as 2026-01-15T10:00:00Z or 2026-01-15T10:00:00+02:00";
    TimestampOffsetMissing "timestamp_offset_missing": "the timestamp has no offset, so its instant is unknown"
        => "add Z for UTC, or an offset such as +02:00";
    TimestampOutOfRange "timestamp_out_of_range": "the timestamp has a part that no calendar or clock has"
        => "correct the date, the time or the offset";
    TimestampInFuture "timestamp_in_future": "the timestamp is more than 24 hours after the file's arrival"
        => "correct the date, or send the record when it is due";
    RowCountMismatch "row_count_mismatch": "the file does not have the expected number of data records"
        => "compare the file with its source; send the whole file, or correct expected_rows";
    TotalMismatch "total_mismatch": "the amounts in a currency do not add up to the expected total"
        => "compare the file with its source; correct the amounts, or correct expected_totals";
    StatusUnknown "status_unknown": "the status is not one of completed, pending, failed"
        => "write completed, pending or failed in small letters";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_and_has_a_fix() {
        crate::values::codes::check_codes!(ErrorCode);
    }

    #[test]
    fn an_error_has_its_fix_as_json() {
        let error = RowError {
            record: 2,
            line: 3,
            column: Some(Column::Amount),
            column_number: Some(2),
            byte: 60,
            code: ErrorCode::AmountNegativeZero,
            reason: ErrorCode::AmountNegativeZero.reason().into(),
        };
        let expected = r#"{"record":2,"line":3,"column":"amount","column_number":2,"byte":60,"code":"amount_negative_zero","reason":"zero has no sign","fix":"write 0"}"#;
        assert_eq!(serde_json::to_string(&error).unwrap(), expected);
    }
}

//! Reads one sound record into a transaction, or finds every error of its fields.

use super::scanner::RawRecord;
use super::{Column, Columns, ErrorCode, RowError};
use crate::currency::CurrencyFault;
use crate::limits::{RECORD_COLUMNS_MAX, TRANSACTION_ID_CHARS_MAX};
use crate::money::AmountFault;
use crate::timestamp::TimestampFault;
use crate::{Currency, Money, Timestamp, Transaction, TransactionStatus};
use std::borrow::Cow;

/// Splits sound records into the values of their fields, by `csv-core`. It keeps one record's values.
pub(super) struct FieldReader {
    reader: csv_core::Reader,
    values: Vec<u8>,
    ends: [usize; RECORD_COLUMNS_MAX],
}

impl Default for FieldReader {
    fn default() -> Self {
        Self { reader: csv_core::Reader::new(), values: Vec::new(), ends: [0; RECORD_COLUMNS_MAX] }
    }
}

/// The values of one record's fields, quotes removed.
pub(super) struct Fields<'a> {
    values: &'a [u8],
    ends: &'a [usize],
}

impl FieldReader {
    /// The values of `record`'s fields, which has no fault and therefore at most 64 of them.
    pub(super) fn read(&mut self, record: &RawRecord<'_>) -> Fields<'_> {
        if self.values.len() <= record.bytes.len() {
            self.values.resize(record.bytes.len() + 1, 0);
        }
        self.reader.reset();
        let (_, _, written, fields) = self.reader.read_record(record.bytes, &mut self.values, &mut self.ends);
        // The record comes without its line end, so the reader must be told that the input ends here.
        let (_, _, _, last) = self.reader.read_record(&[], &mut self.values[written..], &mut self.ends[fields..]);
        Fields { values: &self.values, ends: &self.ends[..fields + last] }
    }
}

impl<'a> Fields<'a> {
    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// The value of the field at `index`, from 0; empty beyond the last.
    pub(super) fn get(&self, index: usize) -> &'a [u8] {
        let start = if index == 0 { 0 } else { self.ends.get(index - 1).copied().unwrap_or(0) };
        let end = self.ends.get(index).copied().unwrap_or(start);
        &self.values[start..end]
    }
}

/// A fault of one field, before it is given its place in the file.
pub(super) struct FieldFault {
    field: usize,
    column: Option<Column>,
    /// Where in the field, in bytes.
    offset: usize,
    code: ErrorCode,
    reason: Cow<'static, str>,
}

impl FieldFault {
    pub(super) fn new(field: usize, column: Option<Column>, code: ErrorCode) -> Self {
        Self { field, column, offset: 0, code, reason: Cow::Borrowed(code.reason()) }
    }

    pub(super) fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Which field it is in, from 0.
    pub(super) fn field(&self) -> usize {
        self.field
    }

    /// Gives the fault its place.
    pub(super) fn in_record(self, record: &RawRecord<'_>, number: u32) -> RowError {
        let place = record.fields.get(self.field);
        RowError {
            record: number,
            line: place.map_or(record.line, |place| place.line),
            column: self.column,
            column_number: u32::try_from(self.field + 1).ok(),
            byte: record.byte + place.map_or(0, |place| place.offset + self.offset) as u64,
            code: self.code,
            reason: self.reason,
        }
    }
}

/// Finds what no field of the file may contain: bytes that are not UTF-8, byte-order marks, control characters. At most
/// one fault a field.
pub(super) fn text_faults(record: &RawRecord<'_>, column_of: impl Fn(usize) -> Option<Column>) -> Vec<FieldFault> {
    if record.bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Vec::new();
    }
    (0..record.fields.len())
        .filter_map(|field| {
            let (code, offset) = text_fault(raw_field(record, field))?;
            Some(FieldFault { offset, ..FieldFault::new(field, column_of(field), code) })
        })
        .collect()
}

/// The bytes of a field as they stand in the file, quotes included.
fn raw_field<'a>(record: &RawRecord<'a>, field: usize) -> &'a [u8] {
    let start = record.fields[field].offset;
    // The byte before the next field is the comma.
    let end = record.fields.get(field + 1).map_or(record.bytes.len(), |next| next.offset - 1);
    &record.bytes[start..end]
}

fn text_fault(raw: &[u8]) -> Option<(ErrorCode, usize)> {
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text,
        Err(fault) => return Some((ErrorCode::EncodingInvalidUtf8, fault.valid_up_to())),
    };
    text.char_indices().find_map(|(offset, character)| match character {
        '\u{feff}' => Some((ErrorCode::ByteOrderMarkInside, offset)),
        '\t' | '\r' | '\n' => None,
        character if character.is_control() => Some((ErrorCode::ControlCharacter, offset)),
        _ => None,
    })
}

/// Reads the fields of a record. A field that `is_faulty` says is already told of is not looked at.
///
/// # Errors
/// Every fault of its fields.
pub(super) fn read_transaction<'a>(
    fields: &Fields<'a>,
    columns: &Columns,
    latest: Timestamp,
    is_faulty: impl Fn(usize) -> bool,
) -> Result<Transaction<'a>, Vec<FieldFault>> {
    let mut reading = Reading { fields, columns, is_faulty, faults: Vec::new() };
    let transaction_id = reading.read(Column::TransactionId, transaction_id);
    let currency = reading.read(Column::Currency, |value| Currency::parse(value).map_err(currency_fault));
    let amount = reading.read(Column::Amount, |value| amount(value, currency));
    let timestamp = reading.read(Column::Timestamp, |value| timestamp(value, latest));
    let merchant = reading.read(Column::Merchant, |value| {
        std::str::from_utf8(value)
            .map_err(|_| (ErrorCode::EncodingInvalidUtf8, ErrorCode::EncodingInvalidUtf8.reason().into()))
    });
    let status = reading.read(Column::Status, |value| {
        TransactionStatus::parse(value).ok_or((ErrorCode::StatusUnknown, ErrorCode::StatusUnknown.reason().into()))
    });
    let faults = reading.faults;
    match (transaction_id, amount, currency, timestamp, merchant, status) {
        (Some(transaction_id), Some(amount), Some(currency), Some(timestamp), Some(merchant), Some(status))
            if faults.is_empty() =>
        {
            Ok(Transaction { transaction_id, amount, currency, timestamp, merchant, status })
        }
        _ => Err(faults),
    }
}

type ValueFault = (ErrorCode, Cow<'static, str>);

struct Reading<'r, 'a, IsFaulty> {
    fields: &'r Fields<'a>,
    columns: &'r Columns,
    is_faulty: IsFaulty,
    faults: Vec<FieldFault>,
}

impl<'a, IsFaulty: Fn(usize) -> bool> Reading<'_, 'a, IsFaulty> {
    /// The value of `column`, or none where the header lacks it or a fault was found.
    fn read<T>(&mut self, column: Column, parse: impl FnOnce(&'a [u8]) -> Result<T, ValueFault>) -> Option<T> {
        let field = self.columns.position(column)?;
        if (self.is_faulty)(field) {
            return None;
        }
        let value = self.fields.get(field);
        let parsed = if value.iter().all(u8::is_ascii_whitespace) {
            Err((ErrorCode::FieldEmpty, ErrorCode::FieldEmpty.reason().into()))
        } else {
            parse(value)
        };
        parsed
            .map_err(|(code, reason)| self.faults.push(FieldFault::new(field, Some(column), code).because(reason)))
            .ok()
    }
}

fn transaction_id(value: &[u8]) -> Result<&str, ValueFault> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    match text {
        None => Err((ErrorCode::TransactionIdNotAscii, ErrorCode::TransactionIdNotAscii.reason().into())),
        Some(text) if text.len() > TRANSACTION_ID_CHARS_MAX => Err((
            ErrorCode::TransactionIdTooLong,
            format!("the id has {} characters; at most 128 are allowed", text.len()).into(),
        )),
        Some(text) => Ok(text),
    }
}

/// Reads an amount. Where the currency is not known, its decimals cannot be held against it.
fn amount(value: &[u8], currency: Option<Currency>) -> Result<Money, ValueFault> {
    let decimals_max = currency.map_or(u8::MAX, |currency| currency.decimals());
    Money::parse(value, decimals_max).map_err(|fault| match fault {
        AmountFault::Malformed(reason) => (ErrorCode::AmountMalformed, reason.into()),
        AmountFault::NegativeZero => (ErrorCode::AmountNegativeZero, ErrorCode::AmountNegativeZero.reason().into()),
        AmountFault::TooManyDigits => (ErrorCode::AmountTooManyDigits, ErrorCode::AmountTooManyDigits.reason().into()),
        AmountFault::TooManyDecimals(decimals) => {
            let code = currency.map_or_else(|| "no currency ".to_owned(), |currency| format!("{} ", currency.code()));
            (
                ErrorCode::AmountTooManyDecimals,
                format!("{code}allows {decimals_max} decimals; the amount has {decimals}").into(),
            )
        }
    })
}

fn currency_fault(fault: CurrencyFault) -> ValueFault {
    let code = match fault {
        CurrencyFault::Unknown => ErrorCode::CurrencyUnknown,
        CurrencyFault::NotActive => ErrorCode::CurrencyNotActive,
        CurrencyFault::WithoutMinorUnit => ErrorCode::CurrencyWithoutMinorUnit,
    };
    (code, code.reason().into())
}

fn timestamp(value: &[u8], latest: Timestamp) -> Result<Timestamp, ValueFault> {
    match Timestamp::parse(value) {
        Ok(timestamp) if timestamp > latest => {
            Err((ErrorCode::TimestampInFuture, ErrorCode::TimestampInFuture.reason().into()))
        }
        Ok(timestamp) => Ok(timestamp),
        Err(TimestampFault::Malformed) => {
            Err((ErrorCode::TimestampMalformed, ErrorCode::TimestampMalformed.reason().into()))
        }
        Err(TimestampFault::OffsetMissing) => {
            Err((ErrorCode::TimestampOffsetMissing, ErrorCode::TimestampOffsetMissing.reason().into()))
        }
        Err(TimestampFault::OutOfRange(reason)) => Err((ErrorCode::TimestampOutOfRange, reason.into())),
    }
}

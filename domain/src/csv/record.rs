//! Reads one sound record into a transaction, or finds every error of its fields.

use super::fields::Fields;
use super::scanner::{RawRecord, Text};
use super::schema::Places;
use super::{Column, ErrorCode, RowError};
use crate::currency::{CurrencyFault, CurrencyReader};
use crate::limits::TRANSACTION_ID_CHARS_MAX;
use crate::money::AmountFault;
use crate::timestamp::TimestampFault;
use crate::{Currency, Money, Timestamp, Transaction, TransactionStatus};
use std::borrow::Cow;

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
        let start = record.fields.get(self.field).map_or(0, |field| field.start);
        let line_breaks = record.bytes.iter().take(start).filter(|&&byte| byte == b'\n').count();
        RowError {
            record: number,
            line: record.line + u32::try_from(line_breaks).unwrap_or(u32::MAX),
            column: self.column,
            column_number: u32::try_from(self.field + 1).ok(),
            byte: record.byte + (start + self.offset) as u64,
            code: self.code,
            reason: self.reason,
        }
    }
}

/// Finds what no field of the file may contain: bytes that are not UTF-8, byte-order marks, control characters. At most
/// one fault a field.
#[inline]
pub(super) fn text_faults(record: &RawRecord<'_>, column_of: impl Fn(usize) -> Option<Column>) -> Vec<FieldFault> {
    if is_clean(record) {
        return Vec::new();
    }
    (0..)
        .zip(record.fields)
        .filter_map(|(field, span)| {
            let (code, offset) = text_fault(&record.bytes[span.start..span.end])?;
            Some(FieldFault { offset, ..FieldFault::new(field, column_of(field), code) })
        })
        .collect()
}

/// Whether no field of the record can have a fault of its text. If not, one may.
#[inline]
fn is_clean(record: &RawRecord<'_>) -> bool {
    match record.text {
        Text::PrintableAscii => true,
        Text::WithoutAsciiControls => is_clean_utf8(record.bytes),
        Text::Unknown => record.bytes.iter().all(|byte| matches!(byte, b' '..=b'~')),
    }
}

/// Whether bytes without ASCII's controls are UTF-8 without the controls of Latin-1 (U+0080 to U+009F, which begin with
/// C2) and without what may be a byte-order mark (EF BB BF).
fn is_clean_utf8(bytes: &[u8]) -> bool {
    let suspect = |place: usize| bytes[place] == 0xef || bytes.get(place + 1).is_some_and(|byte| *byte <= 0x9f);
    std::str::from_utf8(bytes).is_ok() && !memchr::memchr2_iter(0xc2, 0xef, bytes).any(suspect)
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
    places: &Places,
    currencies: &mut CurrencyReader,
    latest: Timestamp,
    is_faulty: impl Fn(usize) -> bool,
) -> Result<Transaction<'a>, Vec<FieldFault>> {
    let mut reading = Reading { fields, places, is_faulty, faults: Vec::new() };
    let transaction_id = reading.read(Column::TransactionId, transaction_id);
    let currency = reading.read(Column::Currency, |value| currencies.parse(value).map_err(currency_fault));
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
    places: &'r Places,
    is_faulty: IsFaulty,
    faults: Vec<FieldFault>,
}

impl<'a, IsFaulty: Fn(usize) -> bool> Reading<'_, 'a, IsFaulty> {
    /// The value of `column`, or none where the header lacks it or a fault was found.
    fn read<T>(&mut self, column: Column, parse: impl FnOnce(&'a [u8]) -> Result<T, ValueFault>) -> Option<T> {
        let field = self.places.of(column)?;
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

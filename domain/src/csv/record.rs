//! Reads one sound record into a transaction, or finds every error of its fields.

use super::fields::Fields;
use super::scanner::{RawRecord, Text};
use super::schema::Places;
use super::{Column, Columns, ErrorCode, RowError};
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

/// The values of a valid record. Its texts are printable ASCII (the id) and UTF-8 (the merchant), but nobody has asked
/// for them as such yet.
pub(super) struct Values<'a> {
    transaction_id: &'a [u8],
    pub(super) amount: Money,
    pub(super) currency: Currency,
    timestamp: Timestamp,
    merchant: &'a [u8],
    status: TransactionStatus,
}

impl<'a> Values<'a> {
    /// The transaction. There is always one, since the texts were looked at before.
    pub(super) fn transaction(self) -> Option<Transaction<'a>> {
        let Self { transaction_id, amount, currency, timestamp, merchant, status } = self;
        let transaction_id = std::str::from_utf8(transaction_id).ok()?;
        let merchant = std::str::from_utf8(merchant).ok()?;
        Some(Transaction { transaction_id, amount, currency, timestamp, merchant, status })
    }
}

/// Reads the fields of records, one after another.
pub(super) struct ValueReader {
    places: Places,
    currencies: CurrencyReader,
    /// The latest instant that a transaction may have.
    latest: Timestamp,
}

impl ValueReader {
    pub(super) fn new(columns: &Columns, latest: Timestamp) -> Self {
        Self { places: columns.places(), currencies: CurrencyReader::default(), latest }
    }

    /// Where the column stands, from 0; none if the header lacks it.
    #[inline]
    pub(super) fn place(&self, column: Column) -> Option<usize> {
        self.places.of(column)
    }

    /// Reads the fields of a record whose text has been looked at. A field that `is_faulty` says is already told of is
    /// not looked at.
    ///
    /// # Errors
    /// Every fault of its fields.
    #[inline]
    pub(super) fn read<'a>(
        &mut self,
        fields: Fields<'a>,
        text: Text,
        is_faulty: impl Fn(usize) -> bool,
    ) -> Result<Values<'a>, Vec<FieldFault>> {
        let mut reading = Reading { fields, places: self.places, is_faulty, faults: Vec::new() };
        let transaction_id = reading.read(Column::TransactionId, |value| transaction_id(value, text));
        let currency = reading.read(Column::Currency, |value| self.currencies.parse(value).map_err(currency_fault));
        let amount = reading.read(Column::Amount, |value| amount(value, currency));
        let timestamp = reading.read(Column::Timestamp, |value| timestamp(value, self.latest));
        let merchant = reading.read(Column::Merchant, merchant);
        let status = reading.read(Column::Status, |value| {
            TransactionStatus::parse(value).ok_or_else(|| plain(ErrorCode::StatusUnknown))
        });
        let faults = reading.faults;
        match (transaction_id, amount, currency, timestamp, merchant, status) {
            (Some(transaction_id), Some(amount), Some(currency), Some(timestamp), Some(merchant), Some(status))
                if faults.is_empty() =>
            {
                Ok(Values { transaction_id, amount, currency, timestamp, merchant, status })
            }
            _ => Err(faults),
        }
    }
}

type ValueFault = (ErrorCode, Cow<'static, str>);

/// A fault for which its code's own reason says everything.
#[cold]
fn plain(code: ErrorCode) -> ValueFault {
    (code, code.reason().into())
}

struct Reading<'a, IsFaulty> {
    fields: Fields<'a>,
    places: Places,
    is_faulty: IsFaulty,
    faults: Vec<FieldFault>,
}

impl<'a, IsFaulty: Fn(usize) -> bool> Reading<'a, IsFaulty> {
    /// The value of `column`, or none where the header lacks it or a fault was found.
    #[inline]
    fn read<T>(&mut self, column: Column, parse: impl FnOnce(&'a [u8]) -> Result<T, ValueFault>) -> Option<T> {
        let field = self.places.of(column)?;
        if (self.is_faulty)(field) {
            return None;
        }
        let value = self.fields.get(field);
        parse(value).map_err(|fault| self.add(field, column, value, fault)).ok()
    }

    #[cold]
    fn add(&mut self, field: usize, column: Column, value: &[u8], fault: ValueFault) {
        // Whatever rule a blank breaks, it is the value that is missing.
        let (code, reason) = if is_blank(value) { plain(ErrorCode::FieldEmpty) } else { fault };
        self.faults.push(FieldFault::new(field, Some(column), code).because(reason));
    }
}

#[inline]
fn is_blank(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_whitespace)
}

#[inline]
fn transaction_id(value: &[u8], text: Text) -> Result<&[u8], ValueFault> {
    if is_blank(value) {
        Err(plain(ErrorCode::FieldEmpty))
    } else if text != Text::PrintableAscii && !value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        Err(plain(ErrorCode::TransactionIdNotAscii))
    } else if value.len() > TRANSACTION_ID_CHARS_MAX {
        let reason = format!("the id has {} characters; at most {TRANSACTION_ID_CHARS_MAX} are allowed", value.len());
        Err((ErrorCode::TransactionIdTooLong, reason.into()))
    } else {
        Ok(value)
    }
}

#[inline]
fn merchant(value: &[u8]) -> Result<&[u8], ValueFault> {
    if is_blank(value) { Err(plain(ErrorCode::FieldEmpty)) } else { Ok(value) }
}

/// Reads an amount. Where the currency is not known, its decimals cannot be held against it.
#[inline]
fn amount(value: &[u8], currency: Option<Currency>) -> Result<Money, ValueFault> {
    let decimals_max = currency.map_or(u8::MAX, |currency| currency.decimals());
    Money::parse(value, decimals_max).map_err(|fault| amount_fault(fault, currency))
}

#[cold]
fn amount_fault(fault: AmountFault, currency: Option<Currency>) -> ValueFault {
    match fault {
        AmountFault::Malformed(reason) => (ErrorCode::AmountMalformed, reason.into()),
        AmountFault::NegativeZero => plain(ErrorCode::AmountNegativeZero),
        AmountFault::TooManyDigits => plain(ErrorCode::AmountTooManyDigits),
        AmountFault::TooManyDecimals(decimals) => {
            let code = currency.as_ref().map_or("no currency", Currency::code);
            let allowed = currency.map_or(u8::MAX, |currency| currency.decimals());
            let reason = format!("{code} allows {allowed} decimals; the amount has {decimals}");
            (ErrorCode::AmountTooManyDecimals, reason.into())
        }
    }
}

#[cold]
fn currency_fault(fault: CurrencyFault) -> ValueFault {
    plain(match fault {
        CurrencyFault::Unknown => ErrorCode::CurrencyUnknown,
        CurrencyFault::NotActive => ErrorCode::CurrencyNotActive,
        CurrencyFault::WithoutMinorUnit => ErrorCode::CurrencyWithoutMinorUnit,
    })
}

#[inline]
fn timestamp(value: &[u8], latest: Timestamp) -> Result<Timestamp, ValueFault> {
    match Timestamp::parse(value) {
        Ok(timestamp) if timestamp > latest => Err(plain(ErrorCode::TimestampInFuture)),
        Ok(timestamp) => Ok(timestamp),
        Err(fault) => Err(timestamp_fault(fault)),
    }
}

#[cold]
fn timestamp_fault(fault: TimestampFault) -> ValueFault {
    match fault {
        TimestampFault::Malformed => plain(ErrorCode::TimestampMalformed),
        TimestampFault::OffsetMissing => plain(ErrorCode::TimestampOffsetMissing),
        TimestampFault::OutOfRange(reason) => (ErrorCode::TimestampOutOfRange, reason.into()),
    }
}

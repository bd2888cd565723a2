//! Reads the values of one well-formed record, or finds all their errors.

use super::fields::Fields;
use super::raw_record::Text;
use super::record::FieldError;
use super::schema::Positions;
use super::{Column, Columns, ErrorCode};
use crate::limits::{FIELD_BYTES_MAX, TRANSACTION_ID_CHARS_MAX};
use crate::values::currency::{CurrencyError, CurrencyReader};
use crate::values::identifier::is_padded;
use crate::values::money::AmountError;
use crate::values::timestamp::TimestampError;
use crate::{Currency, Money, Timestamp, Transaction, TransactionStatus};
use std::borrow::Cow;

/// The values of a valid record. Its texts are printable ASCII (the id) and UTF-8 (the merchant), but still bytes.
pub(super) struct Values<'a> {
    transaction_id: &'a [u8],
    pub(super) amount: Money,
    pub(super) currency: Currency,
    timestamp: Timestamp,
    merchant: &'a [u8],
    status: TransactionStatus,
}

impl<'a> Values<'a> {
    /// The transaction. There is always one, since the texts were checked before.
    pub(super) fn transaction(self) -> Option<Transaction<'a>> {
        let Self { transaction_id, amount, currency, timestamp, merchant, status } = self;
        let transaction_id = std::str::from_utf8(transaction_id).ok()?;
        let merchant = std::str::from_utf8(merchant).ok()?;
        Some(Transaction { transaction_id, amount, currency, timestamp, merchant, status })
    }
}

/// Reads the fields of records, one after another.
pub(super) struct ValueReader {
    positions: Positions,
    currencies: CurrencyReader,
    /// The rules for a new file; none for an accepted one.
    acceptance: Option<Acceptance>,
}

/// The rules that may change between two readings of the same file: the list of currencies of this program, and the
/// time of arrival.
#[derive(Clone, Copy)]
struct Acceptance {
    /// The latest instant that a transaction may have.
    latest: Timestamp,
}

impl ValueReader {
    /// A reader of a file that is to be accepted or rejected.
    pub(super) fn new(columns: &Columns, latest: Timestamp) -> Self {
        Self { acceptance: Some(Acceptance { latest }), ..Self::of_accepted(columns) }
    }

    /// A reader of a file that was accepted, by whatever rules.
    pub(super) fn of_accepted(columns: &Columns) -> Self {
        Self { positions: columns.positions(), currencies: CurrencyReader::default(), acceptance: None }
    }

    /// The position of the column, from 0; none if the header lacks it.
    #[inline]
    pub(super) fn position(&self, column: Column) -> Option<usize> {
        self.positions.of(column)
    }

    /// The values of a record whose text has no error; none if a value breaks a rule, which [`ValueReader::errors`]
    /// then reports.
    #[inline]
    pub(super) fn read<'a>(&mut self, fields: Fields<'a>, text: Text) -> Option<Values<'a>> {
        let value = |column: Column| self.positions.of(column).map(|field| fields.get(field));
        let transaction_id = transaction_id(value(Column::TransactionId)?, text, self.acceptance).ok()?;
        let currency = value(Column::Currency)?;
        let amount_text = value(Column::Amount)?;
        let timestamp = timestamp(value(Column::Timestamp)?, self.acceptance).ok()?;
        let merchant = merchant(value(Column::Merchant)?).ok()?;
        let status = TransactionStatus::parse(value(Column::Status)?)?;
        let (currency, amount) = self.money(currency, amount_text)?;
        Some(Values { transaction_id, amount, currency, timestamp, merchant, status })
    }

    #[inline]
    fn money(&mut self, code: &[u8], text: &[u8]) -> Option<(Currency, Money)> {
        if self.acceptance.is_some() {
            let currency = self.currencies.parse(code).ok()?;
            return Some((currency, amount(text, Some(currency)).ok()?));
        }
        let amount = Money::known(text).ok()?;
        Some((self.currencies.known(code, amount)?, amount))
    }

    /// Every error of a record's values. Fields for which `is_invalid` is true are skipped: their errors are already
    /// reported.
    #[cold]
    pub(super) fn errors(
        &mut self,
        fields: Fields<'_>,
        text: Text,
        is_invalid: impl Fn(usize) -> bool,
    ) -> Vec<FieldError> {
        let mut reading = Reading { fields, positions: self.positions, is_invalid, errors: Vec::new() };
        reading.read(Column::TransactionId, |value| transaction_id(value, text, self.acceptance));
        let currency = reading.read(Column::Currency, |value| self.currencies.parse(value).map_err(currency_error));
        reading.read(Column::Amount, |value| amount(value, currency));
        reading.read(Column::Timestamp, |value| timestamp(value, self.acceptance));
        reading.read(Column::Merchant, merchant);
        reading.read(Column::Status, |value| {
            TransactionStatus::parse(value).ok_or_else(|| plain(ErrorCode::StatusUnknown))
        });
        reading.errors
    }
}

type ValueError = (ErrorCode, Cow<'static, str>);

/// An error with the reason of its code.
#[cold]
fn plain(code: ErrorCode) -> ValueError {
    (code, code.reason().into())
}

struct Reading<'a, IsInvalid> {
    fields: Fields<'a>,
    positions: Positions,
    is_invalid: IsInvalid,
    errors: Vec<FieldError>,
}

impl<'a, IsInvalid: Fn(usize) -> bool> Reading<'a, IsInvalid> {
    /// The value of `column`, or none if the header lacks it or the value has an error.
    fn read<T>(&mut self, column: Column, parse: impl FnOnce(&'a [u8]) -> Result<T, ValueError>) -> Option<T> {
        let field = self.positions.of(column)?;
        if (self.is_invalid)(field) {
            return None;
        }
        let value = self.fields.get(field);
        parse(value).map_err(|error| self.add(field, column, value, error)).ok()
    }

    fn add(&mut self, field: usize, column: Column, value: &[u8], error: ValueError) {
        // A blank value is missing, whatever other rule it breaks.
        let (code, reason) = if is_blank(value) { plain(ErrorCode::FieldEmpty) } else { error };
        self.errors.push(FieldError::new(field, Some(column), code).because(reason));
    }
}

#[inline]
fn is_blank(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_whitespace)
}

#[inline]
fn transaction_id(value: &[u8], text: Text, acceptance: Option<Acceptance>) -> Result<&[u8], ValueError> {
    if is_blank(value) {
        Err(plain(ErrorCode::FieldEmpty))
    } else if text != Text::PrintableAscii && !value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        Err(plain(ErrorCode::TransactionIdNotAscii))
    } else if value.len() > TRANSACTION_ID_CHARS_MAX {
        let reason = format!("the id has {} characters; at most {TRANSACTION_ID_CHARS_MAX} are allowed", value.len());
        Err((ErrorCode::TransactionIdTooLong, reason.into()))
    } else if acceptance.is_some() && is_padded(value) {
        Err(plain(ErrorCode::TransactionIdPadded))
    } else {
        Ok(value)
    }
}

#[inline]
fn merchant(value: &[u8]) -> Result<&[u8], ValueError> {
    if is_blank(value) {
        Err(plain(ErrorCode::FieldEmpty))
    } else if value.len() > FIELD_BYTES_MAX {
        // The scanner accepts one more byte if it may be a guard.
        Err(plain(ErrorCode::FieldTooLong))
    } else {
        Ok(value)
    }
}

/// Reads an amount. If the currency is not known, its decimals are not checked.
#[inline]
fn amount(value: &[u8], currency: Option<Currency>) -> Result<Money, ValueError> {
    let decimals_max = currency.map_or(u8::MAX, |currency| currency.decimals());
    Money::parse(value, decimals_max).map_err(|error| amount_error(error, currency))
}

#[cold]
fn amount_error(error: AmountError, currency: Option<Currency>) -> ValueError {
    match error {
        AmountError::Malformed(reason) => (ErrorCode::AmountMalformed, reason.into()),
        AmountError::NegativeZero => plain(ErrorCode::AmountNegativeZero),
        AmountError::TooManyDigits => plain(ErrorCode::AmountTooManyDigits),
        AmountError::TooManyDecimals(decimals) => {
            let code = currency.as_ref().map_or("no currency", Currency::code);
            let allowed = currency.map_or(u8::MAX, |currency| currency.decimals());
            let reason = format!("{code} allows {allowed} decimals; the amount has {decimals}");
            (ErrorCode::AmountTooManyDecimals, reason.into())
        }
    }
}

#[cold]
fn currency_error(error: CurrencyError) -> ValueError {
    plain(match error {
        CurrencyError::Unknown => ErrorCode::CurrencyUnknown,
        CurrencyError::NotActive => ErrorCode::CurrencyNotActive,
        CurrencyError::WithoutMinorUnit => ErrorCode::CurrencyWithoutMinorUnit,
    })
}

#[inline]
fn timestamp(value: &[u8], acceptance: Option<Acceptance>) -> Result<Timestamp, ValueError> {
    match Timestamp::parse(value) {
        Ok(timestamp) if acceptance.is_some_and(|acceptance| timestamp > acceptance.latest) => {
            Err(plain(ErrorCode::TimestampInFuture))
        }
        Ok(timestamp) => Ok(timestamp),
        Err(error) => Err(timestamp_error(error)),
    }
}

#[cold]
fn timestamp_error(error: TimestampError) -> ValueError {
    match error {
        TimestampError::Malformed => plain(ErrorCode::TimestampMalformed),
        TimestampError::OffsetMissing => plain(ErrorCode::TimestampOffsetMissing),
        TimestampError::OutOfRange(reason) => (ErrorCode::TimestampOutOfRange, reason.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::fields::FieldReader;
    use crate::csv::scanner::Scanner;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            prop_oneof![
                Just("T1"),
                Just(" T1"),
                Just("T1 "),
                Just(""),
                Just(" "),
                Just("é"),
                Just("1.5"),
                Just("-0"),
                Just("USD"),
                Just("JPY")
            ],
            prop_oneof![Just("HRK"), Just("XAU"), Just("completed"), Just("failed"), Just("Failed"), Just("1e3")],
            prop_oneof![
                Just("2026-01-15T10:00:00Z"),
                Just("2026-01-15T10:00:00"),
                Just("2026-02-30T10:00:00Z"),
                Just("2999-01-15T10:00:00Z"),
            ],
        ]
        .prop_map(str::to_owned)
    }

    fn latest() -> Timestamp {
        Timestamp::parse(b"2026-06-01T00:00:00Z").unwrap()
    }

    proptest! {
        /// A record is either read or has errors, so that none is skipped silently.
        #[test]
        fn a_record_is_read_or_has_errors(values in proptest::collection::vec(value(), 6)) {
            let columns = Columns::new(Column::ALL.map(Some).to_vec());
            let mut value_reader = ValueReader::new(&columns, latest());
            let mut field_reader = FieldReader::default();
            let mut scanner = Scanner::at(0, 1);
            let mut agree = true;
            scanner.push(format!("{}\n", values.join(",")).as_bytes(), &mut |record| {
                let fields = field_reader.read(&record);
                let is_read = value_reader.read(fields, record.text).is_some();
                agree &= is_read == value_reader.errors(fields, record.text, |_| false).is_empty();
            });
            prop_assert!(agree);
        }

        #[test]
        fn a_valid_record_is_read(cents in 1_u32..1_000_000, status in prop_oneof![Just("completed"), Just("pending"), Just("failed")]) {
            let columns = Columns::new(Column::ALL.map(Some).to_vec());
            let record = format!("T1,{}.{:02},USD,2026-01-15T10:00:00Z,x,{status}\n", cents / 100, cents % 100);
            let mut field_reader = FieldReader::default();
            let mut amount = None;
            Scanner::at(0, 1).push(record.as_bytes(), &mut |record| {
                let values = ValueReader::new(&columns, latest()).read(field_reader.read(&record), record.text);
                amount = values.and_then(Values::transaction).map(|transaction| transaction.amount);
            });
            prop_assert_eq!(amount, Money::parse(format!("{}.{:02}", cents / 100, cents % 100).as_bytes(), 2).ok());
        }
    }
}

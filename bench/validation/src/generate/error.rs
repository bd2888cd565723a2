//! The errors of records in the bad set: each breaks one rule, and none affects the next record.

use super::record::Record;
use domain::csv::{Column, ErrorCode};

/// Declares the planned errors, each with its code.
macro_rules! planned_errors {
    ($($name:ident $code:ident),* $(,)?) => {
        /// An error of one record.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub(crate) enum PlannedError { $($name),* }

        impl PlannedError {
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];

            /// The code that the validator must report.
            #[cfg(test)]
            pub(crate) fn code(self) -> ErrorCode {
                match self { $(Self::$name => ErrorCode::$code),* }
            }

            /// Its name.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }
        }

        // So that the codes are checked outside of tests, too.
        const _: &[ErrorCode] = &[$(ErrorCode::$code),*];
    };
}

planned_errors! {
    AmountNotANumber AmountMalformed,
    AmountInfinite AmountMalformed,
    AmountExponent AmountMalformed,
    AmountThousandsSeparator AmountMalformed,
    AmountLeadingPlus AmountMalformed,
    AmountWithoutWholePart AmountMalformed,
    AmountInnerBlank AmountMalformed,
    AmountNegativeZero AmountNegativeZero,
    AmountTooManyDecimals AmountTooManyDecimals,
    AmountTooManyDigits AmountTooManyDigits,
    CurrencyUnknown CurrencyUnknown,
    CurrencyInSmallLetters CurrencyUnknown,
    CurrencyEnded CurrencyNotActive,
    TimestampWithoutOffset TimestampOffsetMissing,
    TimestampWithoutSuchDay TimestampOutOfRange,
    TimestampLeapSecond TimestampOutOfRange,
    TimestampInFuture TimestampInFuture,
    TimestampEpoch TimestampMalformed,
    TimestampWithBlank TimestampMalformed,
    StatusUnknown StatusUnknown,
    StatusInCapitals StatusUnknown,
    MerchantEmpty FieldEmpty,
    MerchantBlank FieldEmpty,
    MerchantWithControlCharacter ControlCharacter,
    MerchantNotUtf8 EncodingInvalidUtf8,
    MerchantWithInnerQuotes QuoteInUnquotedField,
    IdNotAscii TransactionIdNotAscii,
    IdTooLong TransactionIdTooLong,
    IdRepeated TransactionIdDuplicate,
    FieldMissing TooFewFields,
    FieldTooMany TooManyFields,
}

impl PlannedError {
    /// Puts the error into `record`, which follows `previous` in the file.
    pub(super) fn put_into(self, record: &mut Record, previous: &Record) {
        match self {
            Self::AmountNotANumber => record.set(Column::Amount, "NaN"),
            Self::AmountInfinite => record.set(Column::Amount, "inf"),
            Self::AmountExponent => record.set(Column::Amount, "1e3"),
            Self::AmountThousandsSeparator => record.set(Column::Amount, "\"1,250\""),
            Self::AmountLeadingPlus => record.set(Column::Amount, "+12"),
            Self::AmountWithoutWholePart => record.set(Column::Amount, ".5"),
            Self::AmountInnerBlank => record.set(Column::Amount, "1 250"),
            Self::AmountNegativeZero => record.set(Column::Amount, "-0"),
            Self::AmountTooManyDecimals => record.set(Column::Amount, "12.3456"),
            Self::AmountTooManyDigits => record.set(Column::Amount, "9".repeat(39)),
            Self::CurrencyUnknown => record.set(Column::Currency, "ZZZ"),
            Self::CurrencyInSmallLetters => record.set(Column::Currency, "eur"),
            Self::CurrencyEnded => record.set(Column::Currency, "HRK"),
            Self::TimestampWithoutOffset => record.set(Column::Timestamp, "2026-01-15T10:00:00"),
            Self::TimestampWithoutSuchDay => record.set(Column::Timestamp, "2025-02-29T10:00:00Z"),
            Self::TimestampLeapSecond => record.set(Column::Timestamp, "2026-01-15T10:00:60Z"),
            Self::TimestampInFuture => record.set(Column::Timestamp, "2027-01-15T10:00:00Z"),
            Self::TimestampEpoch => record.set(Column::Timestamp, "1768471200"),
            Self::TimestampWithBlank => record.set(Column::Timestamp, "2026-01-15 10:00:00Z"),
            Self::StatusUnknown => record.set(Column::Status, "settled"),
            Self::StatusInCapitals => record.set(Column::Status, "Completed"),
            Self::MerchantEmpty => record.set(Column::Merchant, ""),
            Self::MerchantBlank => record.set(Column::Merchant, "  "),
            Self::MerchantWithControlCharacter => record.set(Column::Merchant, "Alder\x07Books"),
            Self::MerchantNotUtf8 => record.set(Column::Merchant, b"Caf\xe9 Alder".as_slice()),
            Self::MerchantWithInnerQuotes => record.set(Column::Merchant, "The \"Corner\" Shop"),
            Self::IdNotAscii => record.set(Column::TransactionId, "TX-\u{ff11}\u{ff12}\u{ff13}"),
            Self::IdTooLong => record.set(Column::TransactionId, "9".repeat(129)),
            Self::IdRepeated => record.set(Column::TransactionId, previous.get(Column::TransactionId)),
            Self::FieldMissing => drop(record.fields.pop()),
            Self::FieldTooMany => record.fields.push(b"more".to_vec()),
        }
    }
}

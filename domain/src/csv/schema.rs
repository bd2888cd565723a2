//! The six columns, and their order in a file's header.

use serde::{Deserialize, Serialize};

/// A column of the format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// The partner's id of the transaction.
    TransactionId,
    /// An exact decimal.
    Amount,
    /// An ISO 4217 code.
    Currency,
    /// An RFC 3339 timestamp.
    Timestamp,
    /// Free text.
    Merchant,
    /// `completed`, `pending` or `failed`.
    Status,
}

impl Column {
    /// Every column, in the order in which the format lists them.
    pub const ALL: [Self; 6] =
        [Self::TransactionId, Self::Amount, Self::Currency, Self::Timestamp, Self::Merchant, Self::Status];

    /// The name in the header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TransactionId => "transaction_id",
            Self::Amount => "amount",
            Self::Currency => "currency",
            Self::Timestamp => "timestamp",
            Self::Merchant => "merchant",
            Self::Status => "status",
        }
    }

    /// The column that a header field names. Case and surrounding blanks do not matter.
    #[must_use]
    pub fn of_header_field(field: &str) -> Option<Self> {
        let name = field.trim_matches([' ', '\t']);
        Self::ALL.into_iter().find(|column| name.eq_ignore_ascii_case(column.name()))
    }
}

/// The additional columns of a correctable file: the errors of each record. A file that has all three is accepted with
/// them; their values are ignored.
pub const NOTE_COLUMNS: [&str; 3] = ["error_record", "error_column", "error_reason"];

/// Which fields of the header, from 0, are [`NOTE_COLUMNS`]; none unless it names each of them exactly once.
pub(super) fn note_fields<'a>(names: impl Iterator<Item = &'a [u8]> + Clone) -> Option<[usize; NOTE_COLUMNS.len()]> {
    let is = |name: &[u8], column: &str| name.trim_ascii().eq_ignore_ascii_case(column.as_bytes());
    let mut fields = [0; NOTE_COLUMNS.len()];
    for (field, column) in fields.iter_mut().zip(NOTE_COLUMNS) {
        let mut positions = names.clone().enumerate().filter(|(_, name)| is(name, column)).map(|(field, _)| field);
        *field = positions.next()?;
        if positions.next().is_some() {
            return None;
        }
    }
    Some(fields)
}

/// The column of each field of a record, in the order of the file. A field whose header is unknown or repeated is
/// `None`, and so is each of [`NOTE_COLUMNS`] if the header has all of them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Columns {
    fields: Vec<Option<Column>>,
}

impl Columns {
    /// The columns of these header fields.
    pub(super) fn new(fields: Vec<Option<Column>>) -> Self {
        Self { fields }
    }

    /// How many fields a record has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.fields.len()
    }

    /// The column of the field at `index`, from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Column> {
        self.fields.get(index).copied().flatten()
    }

    /// Whether a valid file with these columns has the notes of a correctable file, and so may have guarded values. A
    /// valid file has no other fields without a column.
    pub(super) fn has_notes(&self) -> bool {
        self.fields.contains(&None)
    }

    /// The position of each column.
    #[must_use]
    pub(super) fn positions(&self) -> Positions {
        Positions(Column::ALL.map(|column| self.fields.iter().position(|field| *field == Some(column))))
    }
}

/// The position of each column in a record, from 0; none if the header lacks it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Positions([Option<usize>; Column::ALL.len()]);

impl Positions {
    /// The position of the column.
    #[inline]
    pub(super) fn of(&self, column: Column) -> Option<usize> {
        // The columns are numbered in the order in which ALL lists them.
        self.0[column as usize]
    }
}

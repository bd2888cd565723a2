//! The six columns, and where a file's header puts them.

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

/// The columns that a correctable file has beside its own: what is wrong with each record. A file that has all three is taken
/// with them; they are not looked at.
pub const NOTE_COLUMNS: [&str; 3] = ["error_record", "error_column", "error_reason"];

/// Which of the header's fields, from 0, are [`NOTE_COLUMNS`]; none where it does not name each of them once.
pub(super) fn note_fields<'a>(names: impl Iterator<Item = &'a [u8]> + Clone) -> Option<[usize; NOTE_COLUMNS.len()]> {
    let is = |name: &[u8], column: &str| name.trim_ascii().eq_ignore_ascii_case(column.as_bytes());
    let mut fields = [0; NOTE_COLUMNS.len()];
    for (field, column) in fields.iter_mut().zip(NOTE_COLUMNS) {
        let mut places = names.clone().enumerate().filter(|(_, name)| is(name, column)).map(|(place, _)| place);
        *field = places.next()?;
        if places.next().is_some() {
            return None;
        }
    }
    Some(fields)
}

/// What each field of a record is, in a file's own order. A field whose header is unknown or repeated is `None`, and so is
/// one of [`NOTE_COLUMNS`], where the header has all of them.
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

    /// Whether the valid file with these columns has the notes of a correctable file, and so may have guarded values: it has
    /// no other fields without a column.
    pub(super) fn has_notes(&self) -> bool {
        self.fields.contains(&None)
    }

    /// Where each column stands.
    #[must_use]
    pub(super) fn places(&self) -> Places {
        Places(Column::ALL.map(|column| self.fields.iter().position(|field| *field == Some(column))))
    }
}

/// Where each column stands in a record, from 0; none for one that the header lacks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places([Option<usize>; Column::ALL.len()]);

impl Places {
    /// Where the column stands.
    #[inline]
    pub(super) fn of(&self, column: Column) -> Option<usize> {
        // The columns are numbered in the order in which ALL lists them.
        self.0[column as usize]
    }
}

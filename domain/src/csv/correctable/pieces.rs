//! The bytes of the present record, for one whose structure is broken: the scanner keeps nothing of such a record.

use crate::limits::CORRECTABLE_RECORD_BYTES_MAX;

/// The present piece of the file, and what the piece before left of a record that goes on in it.
#[derive(Default)]
pub(super) struct RawBytes {
    /// The first bytes of the record that began in an earlier piece, as many as are repeated.
    held: Vec<u8>,
    piece: Vec<u8>,
    piece_start: u64,
}

impl RawBytes {
    /// Nothing yet; the next byte is the file's byte `start`.
    pub(super) fn at(start: u64) -> Self {
        Self { piece_start: start, ..Self::default() }
    }

    /// The offset in the file after the last byte taken.
    pub(super) fn end(&self) -> u64 {
        self.piece_start + self.piece.len() as u64
    }

    /// Takes the next piece. What the one before held is gone, but for what [`RawBytes::keep_from`] kept.
    pub(super) fn take(&mut self, piece: &[u8]) {
        self.piece_start = self.end();
        self.piece.clear();
        self.piece.extend_from_slice(piece);
    }

    /// Keeps the bytes from `start` on, where the record begins that the present piece does not end.
    pub(super) fn keep_from(&mut self, start: u64) {
        if start >= self.piece_start {
            self.held.clear();
        }
        let (bytes, _) = self.between(start, self.end());
        self.held = bytes;
    }

    /// The bytes of the record from `start` to `end`, and whether they are only the first of them.
    pub(super) fn between(&self, start: u64, end: u64) -> (Vec<u8>, bool) {
        let length = end.saturating_sub(start);
        let taken = usize::try_from(length).unwrap_or(usize::MAX).min(CORRECTABLE_RECORD_BYTES_MAX);
        let mut bytes = Vec::new();
        if start < self.piece_start {
            bytes.extend_from_slice(&self.held[..taken.min(self.held.len())]);
        }
        // Where not all was held, what is held is as much as is repeated.
        let rest = taken - bytes.len();
        let from = usize::try_from(start.saturating_sub(self.piece_start)).unwrap_or(usize::MAX).min(self.piece.len());
        bytes.extend_from_slice(&self.piece[from..self.piece.len().min(from + rest)]);
        (bytes, length > taken as u64)
    }
}

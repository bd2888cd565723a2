//! The bytes of the current record. The scanner does not keep those of a malformed record.

use crate::limits::CORRECTABLE_RECORD_BYTES_MAX;

/// The current piece of the file, and the beginning of a record that started in an earlier piece.
#[derive(Default)]
pub(super) struct RawBytes {
    /// The first bytes of the record that began in an earlier piece, up to the limit.
    held: Vec<u8>,
    piece: Vec<u8>,
    piece_start: u64,
}

impl RawBytes {
    /// Nothing yet; the next byte is the file's byte `start`.
    pub(super) fn at(start: u64) -> Self {
        Self { piece_start: start, ..Self::default() }
    }

    /// The offset in the file after the last byte of the current piece.
    pub(super) fn end(&self) -> u64 {
        self.piece_start + self.piece.len() as u64
    }

    /// Sets the next piece. Of the one before, only what [`RawBytes::keep_from`] kept remains.
    pub(super) fn next_piece(&mut self, piece: &[u8]) {
        self.piece_start = self.end();
        self.piece.clear();
        self.piece.extend_from_slice(piece);
    }

    /// Keeps the bytes from `start` on, where a record begins that does not end in the current piece.
    pub(super) fn keep_from(&mut self, start: u64) {
        if start >= self.piece_start {
            self.held.clear();
        }
        let (bytes, _) = self.between(start, self.end());
        self.held = bytes;
    }

    /// The bytes of the record from `start` to `end`, and whether they were cut off.
    pub(super) fn between(&self, start: u64, end: u64) -> (Vec<u8>, bool) {
        let length = end.saturating_sub(start);
        let length_kept = usize::try_from(length).unwrap_or(usize::MAX).min(CORRECTABLE_RECORD_BYTES_MAX);
        let mut bytes = Vec::new();
        if start < self.piece_start {
            bytes.extend_from_slice(&self.held[..length_kept.min(self.held.len())]);
        }
        // If not all bytes were held, those held already reach the limit.
        let rest = length_kept - bytes.len();
        let from = usize::try_from(start.saturating_sub(self.piece_start)).unwrap_or(usize::MAX).min(self.piece.len());
        bytes.extend_from_slice(&self.piece[from..self.piece.len().min(from + rest)]);
        (bytes, length > length_kept as u64)
    }
}

//! Finds the bytes of a chunk that are special in the format, 64 at a time.
//!
//! Most bytes of a file are plain text. One instruction compares sixteen bytes (SSE2 on x86-64, NEON on arm64, by the
//! crate `wide`), so that the scanner visits only commas, quotes and line ends.

use wide::u8x16;

const BLOCK_BYTES: usize = 64;
const LANES: usize = 16;

/// The positions in a chunk, in order, of every comma, quote, control character (line ends and tabs included) and DEL.
///
/// It also keeps the position of the last byte that is not ASCII.
pub(super) struct Specials<'a> {
    chunk: &'a [u8],
    /// The start of the current block.
    block: usize,
    /// The special bytes of the current block that were not visited yet, the lowest bit for the first byte.
    mask: u64,
    /// The position after the last byte above ASCII in the blocks seen, or 0.
    beyond_ascii_end: usize,
}

impl<'a> Specials<'a> {
    /// The special bytes of `chunk` from its beginning.
    pub(super) fn of(chunk: &'a [u8]) -> Self {
        let mut specials = Self { chunk, block: 0, mask: 0, beyond_ascii_end: 0 };
        specials.load(0);
        specials
    }

    /// Moves to the first special byte at or after `position`, forwards or backwards.
    pub(super) fn seek(&mut self, position: usize) {
        self.load(position - position % BLOCK_BYTES);
        self.mask &= u64::MAX << (position % BLOCK_BYTES);
    }

    /// The position of the next special byte.
    #[inline]
    pub(super) fn next(&mut self) -> Option<usize> {
        while self.mask == 0 {
            if self.block + BLOCK_BYTES >= self.chunk.len() {
                return None;
            }
            self.load(self.block + BLOCK_BYTES);
        }
        let position = self.block + self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        Some(position)
    }

    /// Whether a byte from `position` on, among those seen, may be above ASCII. It may be wrong by one block, towards
    /// yes.
    #[inline]
    pub(super) fn may_be_beyond_ascii(&self, position: usize) -> bool {
        self.beyond_ascii_end > position
    }

    #[inline]
    fn load(&mut self, block: usize) {
        self.block = block;
        let rest = self.chunk.get(block..).unwrap_or_default();
        let (special, beyond_ascii) = match rest.first_chunk::<BLOCK_BYTES>() {
            Some(bytes) => masks(bytes),
            None => {
                // Spaces are not special, so they can pad the block.
                let mut bytes = [b' '; BLOCK_BYTES];
                bytes[..rest.len()].copy_from_slice(rest);
                masks(&bytes)
            }
        };
        self.mask = special;
        if beyond_ascii != 0 {
            self.beyond_ascii_end =
                self.beyond_ascii_end.max(block + BLOCK_BYTES - beyond_ascii.leading_zeros() as usize);
        }
    }
}

/// The special bytes of a block, and those above ASCII.
#[inline]
fn masks(bytes: &[u8; BLOCK_BYTES]) -> (u64, u64) {
    let (mut special, mut beyond_ascii) = (0, 0);
    let (sixteens, _) = bytes.as_chunks::<LANES>();
    for (number, sixteen) in sixteens.iter().enumerate() {
        let lanes = u8x16::new(*sixteen);
        let is_control = lanes.min(u8x16::splat(0x1f)).simd_eq(lanes);
        let is_special = is_control
            | lanes.simd_eq(u8x16::splat(b','))
            | lanes.simd_eq(u8x16::splat(b'"'))
            | lanes.simd_eq(u8x16::splat(0x7f));
        special |= u64::from(is_special.to_bitmask()) << (number * LANES);
        beyond_ascii |= u64::from(lanes.to_bitmask()) << (number * LANES);
    }
    (special, beyond_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_special(byte: u8) -> bool {
        matches!(byte, b',' | b'"' | 0..=0x1f | 0x7f)
    }

    proptest! {
        #[test]
        fn every_special_byte_is_visited_once(chunk in proptest::collection::vec(any::<u8>(), 0..300), from in 0_usize..300) {
            let from = from.min(chunk.len());
            let mut specials = Specials::of(&chunk);
            specials.seek(from);
            let seen: Vec<usize> = std::iter::from_fn(|| specials.next()).collect();
            let expected: Vec<usize> = (from..chunk.len()).filter(|&at| is_special(chunk[at])).collect();
            prop_assert_eq!(seen, expected);
            if chunk[from..].iter().any(|byte| !byte.is_ascii()) {
                prop_assert!(specials.may_be_beyond_ascii(from));
            } else if chunk.is_ascii() {
                prop_assert!(!specials.may_be_beyond_ascii(0));
            }
        }
    }
}

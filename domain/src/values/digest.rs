//! SHA-256 digests as hexadecimal text.

use sha2::{Digest, Sha256};
use std::fmt::Write;

const CONTENT_DIGEST_DIGITS: usize = 64;

/// The SHA-256 of some content, as 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentDigest(String);

impl ContentDigest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }

    /// Takes `text` if it has the form of a digest.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_hex(text, CONTENT_DIGEST_DIGITS).then(|| Self(text.to_owned()))
    }

    /// The digest as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest's 32 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let value = |digit: u8| if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 };
        self.0.as_bytes().chunks_exact(2).map(|pair| value(pair[0]) * 16 + value(pair[1])).collect()
    }
}

/// Computes a [`ContentDigest`] while the bytes stream by.
#[derive(Default)]
pub struct ContentHasher(Sha256);

impl ContentHasher {
    /// Adds the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        self.0.update(chunk);
    }

    /// The digest of all bytes.
    #[must_use]
    pub fn finish(self) -> ContentDigest {
        ContentDigest(hex(&self.0.finalize()))
    }
}

/// Whether `text` has exactly this number of lowercase hexadecimal digits.
pub(crate) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The bytes as lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        let digest = ContentDigest::of(b"a");
        let mut hasher = ContentHasher::default();
        hasher.push(b"a");
        assert_eq!(hasher.finish(), digest);
        assert_eq!(ContentHasher::default().finish(), ContentDigest::of(b""));
        assert_eq!(ContentDigest::of(b"").as_str(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(ContentDigest::parse(digest.as_str()), Some(digest.clone()));
        assert_eq!(digest.to_bytes(), Sha256::digest(b"a").to_vec());
        assert_eq!(ContentDigest::parse("0123456789abcdef0123456789abcdef"), None);
    }
}

//! Who sent a file, and what makes two files the same.

use crate::limits::PARTNER_CHARS_MAX;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};

/// The name in the keys of those who operate the system. No partner has it.
pub const OPERATOR: &str = "operator";

/// Whose API key it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Caller {
    /// A partner, who sends files and sees its own.
    Partner(Partner),
    /// Somebody who operates the system, who sees what came of all partners and sends nothing.
    Operator,
}

impl Caller {
    /// Whose key this is. The gateway has checked the whole key.
    #[must_use]
    pub fn of_api_key(key: &str) -> Self {
        match key.split_once('.') {
            Some((OPERATOR, secret)) if !secret.is_empty() => Self::Operator,
            _ => Self::Partner(Partner::of_api_key(key)),
        }
    }
}

/// A partner's name: lower-case letters, digits and hyphens, at most 63, beginning with a letter or digit. It is not
/// [`OPERATOR`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Partner(String);

impl Partner {
    /// Takes `name` if it is well formed.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        (is_name(name) && name != OPERATOR).then(|| Self(name.to_owned()))
    }

    /// The partner whose API key this is: the name before the key's first dot. The gateway has checked the whole key.
    /// A key of another form is named by its digest, since the key itself must never be stored.
    #[must_use]
    pub fn of_api_key(key: &str) -> Self {
        key.split_once('.')
            .filter(|(_, secret)| !secret.is_empty())
            .and_then(|(name, _)| Self::named(name))
            .unwrap_or_else(|| Self(format!("key-{}", &hex(&Sha256::digest(key.as_bytes()))[..16])))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `name` has the form of a partner's or a provider's name.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.len() <= PARTNER_CHARS_MAX && !name.starts_with('-') && name.bytes().all(allowed)
}

/// Whether an id begins or ends with a blank. It looks like the same id without it and would be another one, so that no new
/// one may be so.
#[inline]
pub(crate) fn is_padded(id: &[u8]) -> bool {
    id.first() == Some(&b' ') || id.last() == Some(&b' ')
}

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
    /// Takes the next bytes of the file.
    pub fn push(&mut self, chunk: &[u8]) {
        self.0.update(chunk);
    }

    /// The digest of all bytes taken.
    #[must_use]
    pub fn finish(self) -> ContentDigest {
        ContentDigest(hex(&self.0.finalize()))
    }
}

/// The name of a file: 32 hexadecimal digits that follow from its partner and its bytes alone, on whichever road it
/// came. The same file twice is therefore the same file, and two partners never share one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileId(String);

impl TryFrom<String> for FileId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a file id is 32 hexadecimal digits")
    }
}

impl From<FileId> for String {
    fn from(file_id: FileId) -> Self {
        file_id.0
    }
}

const FILE_ID_DIGITS: usize = 32;
const CONTENT_DIGEST_DIGITS: usize = 64;

impl FileId {
    /// The id of the file with these bytes from this partner.
    #[must_use]
    pub fn derive(partner: &Partner, content: &ContentDigest) -> Self {
        let digest = Sha256::digest(format!("transaction-file\n{}\n{}", partner.as_str(), content.as_str()));
        Self(hex(&digest)[..FILE_ID_DIGITS].to_owned())
    }

    /// Takes `text` if it has the form of a file id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_hex(text, FILE_ID_DIGITS).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

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

    fn digest_of(bytes: &[u8]) -> ContentDigest {
        let mut hasher = ContentHasher::default();
        hasher.push(bytes);
        hasher.finish()
    }

    #[test]
    fn a_key_names_its_partner_and_never_shows_its_secret() {
        for (key, expected) in [("acme.s3cr3t", "acme"), ("bank-7.a.b", "bank-7")] {
            assert_eq!(Partner::of_api_key(key).as_str(), expected);
        }
        for key in ["s3cr3t-without-a-name", ".s3cr3t", "acme.", "Acme.s3cr3t", "a/b.s3cr3t", "-a.s3cr3t", ""] {
            let partner = Partner::of_api_key(key);
            assert!(partner.as_str().starts_with("key-") && Partner::named(partner.as_str()).is_some(), "{key}");
            assert!(key.is_empty() || !partner.as_str().contains(key), "{key}");
        }
    }

    #[test]
    fn an_operator_is_no_partner() {
        assert_eq!(Caller::of_api_key("operator.s3cr3t"), Caller::Operator);
        for key in
            ["operator.", "operator", "Operator.s3cr3t", "operator-2.s3cr3t", "acme.operator", "acme.operator.s3cr3t"]
        {
            let Caller::Partner(partner) = Caller::of_api_key(key) else { panic!("{key}") };
            assert_eq!(partner, Partner::of_api_key(key));
            assert_ne!(partner.as_str(), OPERATOR, "{key}");
        }
        assert_eq!(Partner::named(OPERATOR), None);
    }

    #[test]
    fn a_file_is_its_partner_and_its_bytes() {
        let (acme, globex) = (Partner::named("acme").unwrap(), Partner::named("globex").unwrap());
        let id = FileId::derive(&acme, &digest_of(b"a"));
        assert_eq!(id, FileId::derive(&acme, &digest_of(b"a")));
        assert_ne!(id, FileId::derive(&globex, &digest_of(b"a")));
        assert_ne!(id, FileId::derive(&acme, &digest_of(b"b")));
        assert_eq!(FileId::parse(id.as_str()), Some(id));
        assert_eq!(digest_of(b"").as_str(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(FileId::parse("../../../etc/passwd"), None);
        assert_eq!(ContentDigest::of(b"a"), digest_of(b"a"));
        assert_eq!(ContentDigest::parse(digest_of(b"a").as_str()), Some(digest_of(b"a")));
        assert_eq!(ContentDigest::of(b"a").to_bytes(), Sha256::digest(b"a").to_vec());
        assert_eq!(ContentDigest::parse("0123456789abcdef0123456789abcdef"), None);
    }
}

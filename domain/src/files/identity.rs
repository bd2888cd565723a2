//! The sender of a file, and the identity of files.

use crate::ContentDigest;
use crate::values::digest::{hex, is_hex};
use crate::values::identifier::is_name;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// The name in the API keys of operators. No partner has it.
pub const OPERATOR: &str = "operator";

/// The owner of an API key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Caller {
    /// A partner, who sends files and sees only its own.
    Partner(Partner),
    /// An operator, who sees the files of all partners and sends none.
    Operator,
}

impl Caller {
    /// The owner of this key. The gateway has checked the whole key.
    #[must_use]
    pub fn of_api_key(key: &str) -> Self {
        match key.split_once('.') {
            Some((OPERATOR, secret)) if !secret.is_empty() => Self::Operator,
            _ => Self::Partner(Partner::of_api_key(key)),
        }
    }
}

/// The name of a partner: lowercase letters, digits and hyphens, at most 63, beginning with a letter or digit. It is
/// not [`OPERATOR`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Partner(String);

impl Partner {
    /// Takes `name` if it is well formed.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        (is_name(name) && name != OPERATOR).then(|| Self(name.to_owned()))
    }

    /// The partner whose API key this is: the name before the key's first dot. The gateway has checked the whole key.
    /// A key of another form gets a name from its digest, since the key itself must never be stored.
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

/// The id of a file: 32 hexadecimal digits that are derived only from its partner and its bytes, whatever its source.
/// The same file therefore has the same id every time, and two partners never share one.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_partner_and_never_shows_its_secret() {
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
    fn an_operator_is_not_a_partner() {
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
    fn an_id_depends_on_the_partner_and_the_bytes() {
        let (acme, globex) = (Partner::named("acme").unwrap(), Partner::named("globex").unwrap());
        let id = FileId::derive(&acme, &ContentDigest::of(b"a"));
        assert_eq!(id, FileId::derive(&acme, &ContentDigest::of(b"a")));
        assert_ne!(id, FileId::derive(&globex, &ContentDigest::of(b"a")));
        assert_ne!(id, FileId::derive(&acme, &ContentDigest::of(b"b")));
        assert_eq!(FileId::parse(id.as_str()), Some(id));
        assert_eq!(FileId::parse("../../../etc/passwd"), None);
    }
}

//! The request that creates an upload: the size of the file and the digest of its bytes.

use crate::files::control_totals::{ControlTotalsError, ControlTotalsErrorCode};
use crate::limits::{BUCKET_FILE_BYTES_MAX, UPLOAD_REQUEST_BYTES_MAX};
use crate::values::json::{self, JsonRule, Kind, Member, Value};
use crate::{ContentDigest, ControlTotals};
use std::borrow::Cow;

/// The members of the body.
const MEMBERS: [&str; 4] = ["size", "sha256", "expected_rows", "expected_totals"];

/// The file to upload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UploadRequest {
    /// The file's size in bytes.
    pub bytes: u64,
    /// The SHA-256 of its bytes.
    pub digest: ContentDigest,
    /// The control totals.
    pub expected: ControlTotals,
}

/// Why a body is not such a request. Only the first error is reported: there are few members.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestError {
    /// The rule that is broken.
    pub code: RequestErrorCode,
    /// The reason. It repeats nothing of the body.
    pub reason: Cow<'static, str>,
}

/// The rules of the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestErrorCode {
    /// There is no body.
    BodyMissing,
    /// It is larger than the limit.
    RequestTooLarge,
    /// It is not JSON, or ambiguous JSON.
    JsonMalformed,
    /// It is not an object.
    ObjectMissing,
    /// It has an unknown member.
    MemberUnexpected,
    /// It has no size.
    SizeMissing,
    /// The size is not a whole number of bytes above zero, in digits.
    SizeMalformed,
    /// It has no digest.
    Sha256Missing,
    /// The digest is not 64 hexadecimal digits.
    Sha256Malformed,
    /// The file is larger than the limit.
    FileTooLarge,
    /// The control totals cannot be read.
    ControlTotals(ControlTotalsErrorCode),
}

impl RequestErrorCode {
    /// Every code.
    pub const ALL: [Self; 12] = [
        Self::BodyMissing,
        Self::RequestTooLarge,
        Self::JsonMalformed,
        Self::ObjectMissing,
        Self::MemberUnexpected,
        Self::SizeMissing,
        Self::SizeMalformed,
        Self::Sha256Missing,
        Self::Sha256Malformed,
        Self::FileTooLarge,
        Self::ControlTotals(ControlTotalsErrorCode::ExpectedRowsMalformed),
        Self::ControlTotals(ControlTotalsErrorCode::ExpectedTotalsMalformed),
    ];

    /// The code in responses. It is an interface and never changes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BodyMissing => "body_missing",
            Self::RequestTooLarge => "request_too_large",
            Self::JsonMalformed => "json_malformed",
            Self::ObjectMissing => "object_missing",
            Self::MemberUnexpected => "member_unexpected",
            Self::SizeMissing => "size_missing",
            Self::SizeMalformed => "size_malformed",
            Self::Sha256Missing => "sha256_missing",
            Self::Sha256Malformed => "sha256_malformed",
            Self::FileTooLarge => "file_too_large",
            Self::ControlTotals(code) => code.as_str(),
        }
    }

    /// Whether something is too large, rather than malformed.
    #[must_use]
    pub fn is_too_large(self) -> bool {
        matches!(self, Self::RequestTooLarge | Self::FileTooLarge)
    }
}

fn error<T>(code: RequestErrorCode, reason: impl Into<Cow<'static, str>>) -> Result<T, RequestError> {
    Err(RequestError { code, reason: reason.into() })
}

impl UploadRequest {
    /// Reads a body: a JSON object with the members `size` and `sha256`, optionally `expected_rows` and
    /// `expected_totals`, and no others. An unknown member is rejected, because its sender expects it to have an
    /// effect.
    ///
    /// # Errors
    /// The first [`RequestError`].
    pub fn read(body: &[u8]) -> Result<Self, RequestError> {
        if body.len() > UPLOAD_REQUEST_BYTES_MAX {
            return error(
                RequestErrorCode::RequestTooLarge,
                format!("the body is larger than {UPLOAD_REQUEST_BYTES_MAX} bytes; the file itself is sent later"),
            );
        }
        let value = json::parse(body).or_else(|found| match found.rule {
            JsonRule::Empty => error(RequestErrorCode::BodyMissing, "the request has no body"),
            rule => error(RequestErrorCode::JsonMalformed, format!("{}, at byte {}", reason_of(rule), found.byte)),
        })?;
        let Kind::Object(members) = &value.kind else {
            return error(RequestErrorCode::ObjectMissing, format!("the body is {}, not an object", value.kind_name()));
        };
        if let Some(other) = members.iter().find(|member| !MEMBERS.contains(&member.name.as_ref())) {
            let (byte, names) = (other.start, MEMBERS.join(", "));
            return error(
                RequestErrorCode::MemberUnexpected,
                format!("the member at byte {byte} is not allowed here; allowed are {names}"),
            );
        }
        let size = member(members, "size").map_or_else(
            || error(RequestErrorCode::SizeMissing, "the member \"size\" is missing: the file's size in bytes"),
            size_of,
        )?;
        let digest = member(members, "sha256").map_or_else(
            || error(RequestErrorCode::Sha256Missing, "the member \"sha256\" is missing: the SHA-256 of the file"),
            digest_of,
        )?;
        let expected = ControlTotals::of_members(member(members, "expected_rows"), member(members, "expected_totals"));
        match expected {
            Ok(expected) => Ok(Self { bytes: size, digest, expected }),
            Err(ControlTotalsError { code, reason }) => error(RequestErrorCode::ControlTotals(code), reason),
        }
    }
}

fn member<'v, 'a>(members: &'v [Member<'a>], name: &str) -> Option<&'v Value<'a>> {
    members.iter().find(|member| member.name == name).map(|member| &member.value)
}

/// The size, from the digits as they were sent: a reader that uses floats would accept `1e3` and round long numbers.
fn size_of(value: &Value<'_>) -> Result<u64, RequestError> {
    let is_whole = value.kind == Kind::Number && value.text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_whole || value.text == "0" {
        return error(
            RequestErrorCode::SizeMalformed,
            "\"size\" is a number: whole bytes above zero, in digits only, without quotes",
        );
    }
    // A number that does not fit into 64 bits is too large as well.
    match value.text.parse() {
        Ok(bytes) if bytes <= BUCKET_FILE_BYTES_MAX => Ok(bytes),
        _ => error(
            RequestErrorCode::FileTooLarge,
            format!("the file is larger than {BUCKET_FILE_BYTES_MAX} bytes, the maximum"),
        ),
    }
}

fn digest_of(value: &Value<'_>) -> Result<ContentDigest, RequestError> {
    let digest = match &value.kind {
        Kind::String(text) => ContentDigest::parse(&text.to_ascii_lowercase()),
        _ => None,
    };
    digest
        .map_or_else(|| error(RequestErrorCode::Sha256Malformed, "\"sha256\" is a string of 64 hexadecimal digits"), Ok)
}

fn reason_of(rule: JsonRule) -> &'static str {
    match rule {
        JsonRule::Malformed(reason) => reason,
        JsonRule::Empty => "there is no value",
        JsonRule::InvalidUtf8 => "this is not UTF-8",
        JsonRule::ByteOrderMark => "JSON has no byte-order mark",
        JsonRule::LoneSurrogate => "this is half of a surrogate pair",
        JsonRule::TooDeep => "it is nested too deeply",
        JsonRule::NameRepeated => "the object has two members of this name",
        JsonRule::TrailingData => "there is data after the object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RequestErrorCode::*;

    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[track_caller]
    fn check(body: &str, expected: Result<u64, RequestErrorCode>) {
        let read = UploadRequest::read(body.as_bytes());
        assert_eq!(read.map(|request| request.bytes).map_err(|error| error.code), expected, "{body}");
    }

    fn of(size: &str) -> String {
        format!(r#"{{"size": {size}, "sha256": "{DIGEST}"}}"#)
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [("1", 1), ("4500001", 4_500_001), ("1073741824", 1_073_741_824)] {
            check(&of(text), Ok(bytes));
        }
        for text in ["0", "-1", "-0", "1.0", "1e3", "1E9", "\"12\"", "null", "true", "[1]", "{}"] {
            check(&of(text), Err(SizeMalformed));
        }
        for text in ["1073741825", "18446744073709551616", &"9".repeat(100)] {
            check(&of(text), Err(FileTooLarge));
        }
    }

    #[test]
    fn digests() {
        let with = |digest: &str| format!(r#"{{"size": 1, "sha256": {digest}}}"#);
        let upper = UploadRequest::read(with(&format!("\"{}\"", DIGEST.to_uppercase())).as_bytes()).unwrap();
        assert_eq!(upper.digest.as_str(), DIGEST);
        let short = format!("\"{}\"", &DIGEST[1..]);
        let other = format!("\"g{}\"", &DIGEST[1..]);
        for digest in [short.as_str(), &other, "\"\"", "1", "null", "\"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\""]
        {
            check(&with(digest), Err(Sha256Malformed));
        }
    }

    #[test]
    fn bodies() {
        for (body, code) in [
            ("", BodyMissing),
            (" \n", BodyMissing),
            ("{", JsonMalformed),
            ("size=1", JsonMalformed),
            ("\u{feff}{}", JsonMalformed),
            (r#"{"size": 1, "size": 2}"#, JsonMalformed),
            (r#"{"size": NaN}"#, JsonMalformed),
            ("[]", ObjectMissing),
            ("1", ObjectMissing),
            ("{}", SizeMissing),
            (r#"{"size": 1}"#, Sha256Missing),
            (&of("1, \"reprocess\": true"), MemberUnexpected),
            (&of("1, \"Size\": 1"), MemberUnexpected),
            (&format!("{}{}", of("1"), " ".repeat(UPLOAD_REQUEST_BYTES_MAX)), RequestTooLarge),
        ] {
            check(body, Err(code));
        }
        check(&format!(r#"{{"sha256":"{DIGEST}","\u0073ize":7}}"#), Ok(7));
    }

    #[test]
    fn reads_control_totals() {
        let body = of("1, \"expected_rows\": 2, \"expected_totals\": {\"EUR\": \"9.3\"}");
        let expected = UploadRequest::read(body.as_bytes()).unwrap().expected;
        assert_eq!((expected.rows, &expected.totals.unwrap()["EUR"]), (Some(2), &"9.30".to_owned()));
        assert!(UploadRequest::read(of("1").as_bytes()).unwrap().expected.is_empty());
        check(&of("1, \"expected_rows\": \"2\""), Err(ControlTotals(ControlTotalsErrorCode::ExpectedRowsMalformed)));
        check(&of("1, \"expected_totals\": {}"), Err(ControlTotals(ControlTotalsErrorCode::ExpectedTotalsMalformed)));
    }

    #[test]
    fn codes_are_distinct() {
        let codes: std::collections::BTreeSet<&str> = RequestErrorCode::ALL.map(RequestErrorCode::as_str).into();
        assert_eq!(codes.len(), RequestErrorCode::ALL.len());
    }
}

//! Generated forms with known responses: valid parts in any order and with any boundary, or with one error.

use crate::api::{Response, checked, csv_validator, dry_run};
use crate::reading::read;
use crate::table::Table;
use crate::upload::{check_verdict, is_response_about, send};
use arbitrary::{Arbitrary, Result, Unstructured};
use domain::csv::{ErrorCode, Limits};
use serde_json::json;

const BOUNDARY_CHARS: &[u8] = b"ABCxyz019'()+_-./:=?";

/// A form with a file and its control totals.
#[derive(Arbitrary, Debug)]
pub struct Form {
    content: Content,
    filename: Option<String>,
    boundary: Boundary,
    rows: Option<Expected>,
    totals: Option<Expected>,
    file_is_last: bool,
    error: Option<FormError>,
}

#[derive(Arbitrary, Debug)]
enum Content {
    Table(Table),
    Bytes(Vec<u8>),
}

/// An expected number or sum.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Right,
    Wrong,
    Malformed,
}

/// An error of the form.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum FormError {
    NoFile,
    TwoFiles,
    OtherPart,
    RowsTwice,
    NotClosed,
    Cut(u8),
    HeaderTwice,
    LongHeader,
    GzipContent,
    ZipContent,
    EncodedPart,
    EncodedRequest,
    OtherType,
    NoBoundary,
    LongBoundary,
    TwoBoundaries,
    NotBase64,
}

#[derive(Debug)]
struct Boundary(String);

impl<'a> Arbitrary<'a> for Boundary {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let length = bytes.int_in_range(1..=70)?;
        let characters = (0..length).map(|_| Ok(char::from(*bytes.choose(BOUNDARY_CHARS)?)));
        characters.collect::<Result<_>>().map(Self)
    }
}

/// Sends one form.
pub fn check(form: &Form) {
    let file = form.file();
    let delimiter = format!("--{}", form.boundary.0);
    if file.windows(delimiter.len()).any(|window| window == delimiter.as_bytes()) {
        return; // A client would choose another boundary.
    }
    let response = form.send(&file);
    if let Some(error) = form.error {
        let codes = error.codes();
        let code = response.code().unwrap_or_default();
        assert!(codes.contains(&(response.status, code)), "{error:?}: {} {code}", response.status);
        return;
    }
    if [form.rows, form.totals].contains(&Some(Expected::Malformed)) {
        let codes = ["expected_rows_malformed", "expected_totals_malformed"];
        assert!(response.status == 400 && response.code().is_some_and(|code| codes.contains(&code)));
        return;
    }
    assert!(is_response_about(&response, &file), "the file is read from the form unchanged");
    check_verdict(&response, &file);
    form.check_control_totals(&response, &file);
}

impl Form {
    fn file(&self) -> Vec<u8> {
        let start: &[u8] = match self.error {
            Some(FormError::GzipContent) => b"\x1f\x8b\x08",
            Some(FormError::ZipContent) => b"PK\x03\x04",
            _ => b"",
        };
        let content = match &self.content {
            Content::Table(table) => &table.file,
            Content::Bytes(bytes) => bytes,
        };
        let file = [start, content].concat();
        let is_compressed = file.starts_with(b"\x1f\x8b") || file.starts_with(b"PK");
        if is_compressed && start.is_empty() { b"not compressed".to_vec() } else { file }
    }

    fn send(&self, file: &[u8]) -> Response {
        let body = self.body(file);
        let content_type = self.content_type();
        match self.error {
            Some(FormError::NotBase64) => checked(csv_validator(dry_run(&content_type, "-----", true))),
            Some(FormError::EncodedRequest) => {
                let mut event = dry_run(&content_type, "eA==", true);
                event["headers"]["content-encoding"] = json!("gzip");
                checked(csv_validator(event))
            }
            _ => send(&content_type, &body),
        }
    }

    fn content_type(&self) -> String {
        let boundary = &self.boundary.0;
        match self.error {
            Some(FormError::OtherType) => format!("multipart/mixed; boundary=\"{boundary}\""),
            Some(FormError::NoBoundary) => "multipart/form-data".to_owned(),
            Some(FormError::LongBoundary) => format!("multipart/form-data; boundary=\"{}\"", "b".repeat(71)),
            Some(FormError::TwoBoundaries) => format!("multipart/form-data; boundary=\"{boundary}\"; boundary=b"),
            _ => format!("multipart/form-data; boundary=\"{boundary}\""),
        }
    }

    fn body(&self, file: &[u8]) -> Vec<u8> {
        let mut parts = self.control_totals_parts(file);
        let index = if self.file_is_last { parts.len() } else { 0 };
        match self.error {
            Some(FormError::NoFile) => {}
            Some(FormError::TwoFiles) => {
                parts.splice(index..index, [self.file_part(file), self.file_part(b"x")]).for_each(drop)
            }
            _ => parts.insert(index, self.file_part(file)),
        }
        match self.error {
            Some(FormError::OtherPart) => parts.push(part("name=\"comment\"", "", b"x")),
            Some(FormError::RowsTwice) => {
                parts.extend([part("name=\"expected_rows\"", "", b"1"), part("name=\"expected_rows\"", "", b"1")])
            }
            _ => {}
        }
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(format!("--{}\r\n", self.boundary.0).as_bytes());
            body.extend_from_slice(&part);
            body.extend_from_slice(b"\r\n");
        }
        match self.error {
            Some(FormError::NotClosed) => {}
            // Without its last two bytes, the closing delimiter is incomplete.
            Some(FormError::Cut(bytes)) => body.truncate(body.len().saturating_sub(2 + usize::from(bytes))),
            _ => body.extend_from_slice(format!("--{}--\r\n", self.boundary.0).as_bytes()),
        }
        body
    }

    fn file_part(&self, file: &[u8]) -> Vec<u8> {
        let is_quotable =
            |character: &char| !matches!(character, '"' | '\\' | '\r' | '\n' | '\0') && !character.is_control();
        let filename: Option<String> =
            self.filename.as_ref().map(|name| name.chars().filter(is_quotable).take(300).collect());
        let filename = filename.map_or(String::new(), |name| format!("; filename=\"{name}\""));
        let more = match self.error {
            Some(FormError::HeaderTwice) => "Content-Type: text/csv\r\ncontent-type: text/csv\r\n".to_owned(),
            Some(FormError::LongHeader) => format!("X: {}\r\n", "x".repeat(8192)),
            Some(FormError::EncodedPart) => "Content-Transfer-Encoding: base64\r\n".to_owned(),
            _ => String::new(),
        };
        part(&format!("name=\"file\"{filename}"), &more, file)
    }

    /// For a valid file, the control totals are right or wrong; for an invalid one, any.
    fn control_totals_parts(&self, file: &[u8]) -> Vec<Vec<u8>> {
        let report = read(file, file.len(), Limits::default()).report;
        let rows = self.rows.map(|expected| match expected {
            Expected::Right => report.rows.to_string(),
            Expected::Wrong => (report.rows + 1).to_string(),
            Expected::Malformed => "1.0".to_owned(),
        });
        let mut totals = report.totals.to_texts();
        let totals = self.totals.map(|expected| match expected {
            Expected::Malformed => "{}".to_owned(),
            Expected::Right if !totals.is_empty() => json!(totals).to_string(),
            _ => {
                totals.insert("CHF".to_owned(), "1.00".to_owned());
                json!(totals).to_string()
            }
        });
        let part = |name: &str, value: String| part(&format!("name=\"{name}\""), "", value.as_bytes());
        let rows = rows.map(|rows| part("expected_rows", rows));
        rows.into_iter().chain(totals.map(|totals| part("expected_totals", totals))).collect()
    }

    /// A file that differs from its control totals is rejected, even if it is well-formed.
    fn check_control_totals(&self, response: &Response, file: &[u8]) {
        let report = read(file, file.len(), Limits::default()).report;
        let has = |code: ErrorCode| response.body["errors_by_code"].get(code.as_str()).is_some();
        assert_eq!(has(ErrorCode::RowCountMismatch), self.rows == Some(Expected::Wrong) && report.is_whole);
        assert_eq!(has(ErrorCode::TotalMismatch), self.totals == Some(Expected::Wrong) && report.is_valid());
        let is_right = [self.rows, self.totals].iter().all(|expected| *expected != Some(Expected::Wrong));
        assert_eq!(response.status == 200, report.is_valid() && is_right);
    }
}

impl FormError {
    /// The possible responses. If two rules are broken, the first one found is reported.
    fn codes(self) -> &'static [(u16, &'static str)] {
        match self {
            Self::NoFile => &[(400, "file_part_missing")],
            Self::TwoFiles => &[(400, "file_part_repeated")],
            Self::OtherPart => &[(400, "part_unexpected")],
            Self::RowsTwice => &[(400, "part_repeated")],
            Self::NotClosed => &[(400, "multipart_incomplete")],
            Self::Cut(_) => &[(400, "multipart_incomplete"), (400, "multipart_malformed"), (400, "body_missing")],
            Self::HeaderTwice => &[(400, "part_header_repeated")],
            Self::LongHeader => &[(400, "part_headers_too_large")],
            Self::GzipContent | Self::ZipContent => &[(415, "file_compressed")],
            Self::EncodedPart | Self::EncodedRequest => &[(415, "content_encoding_unsupported")],
            Self::OtherType => &[(415, "content_type_unsupported")],
            Self::NoBoundary => &[(400, "boundary_missing")],
            Self::LongBoundary => &[(400, "boundary_too_long")],
            Self::TwoBoundaries => &[(400, "boundary_repeated")],
            Self::NotBase64 => &[(400, "body_not_base64")],
        }
    }
}

fn part(disposition: &str, more_headers: &str, content: &[u8]) -> Vec<u8> {
    let headers = format!("Content-Disposition: form-data; {disposition}\r\n{more_headers}\r\n");
    [headers.as_bytes(), content].concat()
}

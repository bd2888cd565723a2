//! Forms of which it is known beforehand what they get: the right parts in any order and under any boundary, or with one
//! thing wrong.

use crate::api::{Answer, answered, csv_validator, dry_run};
use crate::reading::read;
use crate::table::Table;
use crate::upload::{check_verdict, is_answer_about, send};
use arbitrary::{Arbitrary, Result, Unstructured};
use domain::csv::{ErrorCode, Limits};
use serde_json::json;

const BOUNDARY_CHARS: &[u8] = b"ABCxyz019'()+_-./:=?";

/// A form with a file, and what its sender states of it.
#[derive(Arbitrary, Debug)]
pub struct Form {
    content: Content,
    filename: Option<String>,
    boundary: Boundary,
    rows: Option<Expected>,
    totals: Option<Expected>,
    file_is_last: bool,
    fault: Option<Fault>,
}

#[derive(Arbitrary, Debug)]
enum Content {
    Table(Table),
    Bytes(Vec<u8>),
}

/// A number or a sum that is expected.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Right,
    Wrong,
    Malformed,
}

/// One thing that is wrong with the envelope.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Fault {
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
        return; // Its sender would have chosen another boundary.
    }
    let answer = form.send(&file);
    if let Some(fault) = form.fault {
        let codes = fault.codes();
        let code = answer.code().unwrap_or_default();
        assert!(codes.contains(&(answer.status, code)), "{fault:?}: {} {code}", answer.status);
        return;
    }
    if [form.rows, form.totals].contains(&Some(Expected::Malformed)) {
        let codes = ["expected_rows_malformed", "expected_totals_malformed"];
        assert!(answer.status == 400 && answer.code().is_some_and(|code| codes.contains(&code)));
        return;
    }
    assert!(is_answer_about(&answer, &file), "the file is taken out of its envelope as it is");
    check_verdict(&answer, &file);
    form.check_statement(&answer, &file);
}

impl Form {
    fn file(&self) -> Vec<u8> {
        let start: &[u8] = match self.fault {
            Some(Fault::GzipContent) => b"\x1f\x8b\x08",
            Some(Fault::ZipContent) => b"PK\x03\x04",
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

    fn send(&self, file: &[u8]) -> Answer {
        let body = self.body(file);
        let content_type = self.content_type();
        match self.fault {
            Some(Fault::NotBase64) => answered(csv_validator(dry_run(&content_type, "-----", true))),
            Some(Fault::EncodedRequest) => {
                let mut event = dry_run(&content_type, "eA==", true);
                event["headers"]["content-encoding"] = json!("gzip");
                answered(csv_validator(event))
            }
            _ => send(&content_type, &body),
        }
    }

    fn content_type(&self) -> String {
        let boundary = &self.boundary.0;
        match self.fault {
            Some(Fault::OtherType) => format!("multipart/mixed; boundary=\"{boundary}\""),
            Some(Fault::NoBoundary) => "multipart/form-data".to_owned(),
            Some(Fault::LongBoundary) => format!("multipart/form-data; boundary=\"{}\"", "b".repeat(71)),
            Some(Fault::TwoBoundaries) => format!("multipart/form-data; boundary=\"{boundary}\"; boundary=b"),
            _ => format!("multipart/form-data; boundary=\"{boundary}\""),
        }
    }

    fn body(&self, file: &[u8]) -> Vec<u8> {
        let mut parts = self.statement_parts(file);
        let place = if self.file_is_last { parts.len() } else { 0 };
        match self.fault {
            Some(Fault::NoFile) => {}
            Some(Fault::TwoFiles) => {
                parts.splice(place..place, [self.file_part(file), self.file_part(b"x")]).for_each(drop)
            }
            _ => parts.insert(place, self.file_part(file)),
        }
        match self.fault {
            Some(Fault::OtherPart) => parts.push(part("name=\"comment\"", "", b"x")),
            Some(Fault::RowsTwice) => {
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
        match self.fault {
            Some(Fault::NotClosed) => {}
            // Two bytes less, and the closing delimiter is none.
            Some(Fault::Cut(bytes)) => body.truncate(body.len().saturating_sub(2 + usize::from(bytes))),
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
        let more = match self.fault {
            Some(Fault::HeaderTwice) => "Content-Type: text/csv\r\ncontent-type: text/csv\r\n".to_owned(),
            Some(Fault::LongHeader) => format!("X: {}\r\n", "x".repeat(8192)),
            Some(Fault::EncodedPart) => "Content-Transfer-Encoding: base64\r\n".to_owned(),
            _ => String::new(),
        };
        part(&format!("name=\"file\"{filename}"), &more, file)
    }

    /// What is expected of a file that is read without an error is right or wrong; of another one it is anything.
    fn statement_parts(&self, file: &[u8]) -> Vec<Vec<u8>> {
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

    /// A file that is not what was expected of it is refused, however well-formed it is.
    fn check_statement(&self, answer: &Answer, file: &[u8]) {
        let report = read(file, file.len(), Limits::default()).report;
        let has = |code: ErrorCode| answer.body["errors_by_code"].get(code.as_str()).is_some();
        assert_eq!(has(ErrorCode::RowCountMismatch), self.rows == Some(Expected::Wrong) && report.is_whole);
        assert_eq!(has(ErrorCode::TotalMismatch), self.totals == Some(Expected::Wrong) && report.is_valid());
        let is_right = [self.rows, self.totals].iter().all(|expected| *expected != Some(Expected::Wrong));
        assert_eq!(answer.status == 200, report.is_valid() && is_right);
    }
}

impl Fault {
    /// What it may be answered with. Where two rules are broken, the first one found is told.
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

//! Takes the file out of its envelope: base64, then multipart/form-data (RFC 7578) with one part named `file`, and perhaps
//! with parts that state how many records it has and what they add up to.
//!
//! `multer` does the parsing. It sets no limits by itself and takes the first of what is repeated, so limits and
//! strictness are set here.

use crate::api::part_headers;
use api::gateway::Refusal;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::ControlTotals;
use domain::limits::{API_FILE_BYTES_MAX, BOUNDARY_CHARS_MAX, BUCKET_FILE_BYTES_MAX};
use multer::{Constraints, Field, Multipart, SizeLimit};
use std::convert::Infallible;

const FILE_PART: &str = "file";
const ROWS_PART: &str = "expected_rows";
const TOTALS_PART: &str = "expected_totals";
const HOW_TO_SEND: &str =
    "Send multipart/form-data with one part named \"file\", for example: curl -F file=@transactions.csv";
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
/// A ZIP file begins with its first entry, or with its end where it is empty or split.
const ZIP_MAGICS: [&[u8]; 3] = [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"];

/// What a request carries.
pub(crate) struct Form {
    pub(crate) file: Bytes,
    /// What is stated of the file.
    pub(crate) expected: ControlTotals,
}

/// The parts of a form, as far as they have come.
#[derive(Default)]
struct Parts {
    file: Option<Bytes>,
    rows: Option<Bytes>,
    totals: Option<Bytes>,
}

impl Parts {
    /// Where the part of this name belongs.
    fn place(&mut self, name: Option<&str>) -> Result<&mut Option<Bytes>, Refusal> {
        let place = match name {
            Some(FILE_PART) => &mut self.file,
            Some(ROWS_PART) => &mut self.rows,
            Some(TOTALS_PART) => &mut self.totals,
            _ => {
                let message = format!(
                    "The request has a part that is not named \"file\", \"expected_rows\" or \"expected_totals\". {HOW_TO_SEND}"
                );
                return Err(bad("part_unexpected", message));
            }
        };
        match (&place, name) {
            (None, _) => Ok(place),
            (Some(_), Some(FILE_PART)) => Err(bad(
                "file_part_repeated",
                "The request has more than one part named \"file\"; send one file a request.",
            )),
            (Some(_), _) => Err(bad(
                "part_repeated",
                "The request states the expected rows or the expected totals twice; send each part once.",
            )),
        }
    }
}

/// The file that a request carries, and what it states of it.
///
/// # Errors
/// Why the request carries none, in the words for its sender.
pub(crate) async fn form_of(request: ApiGatewayProxyRequest) -> Result<Form, Refusal> {
    let boundary = boundary_of(&request)?;
    refuse_encoding(request.headers.get("content-encoding").map(|value| value.as_bytes()))?;
    let body = body_of(request.body, request.is_base64_encoded)?;
    part_headers::check(&body, &boundary)?;
    let size_limit = SizeLimit::new().whole_stream(body.len() as u64).per_field(API_FILE_BYTES_MAX);
    let stream = futures::stream::once(async move { Ok::<Bytes, Infallible>(body) });
    let mut multipart = Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(size_limit));
    let mut parts = Parts::default();
    while let Some(part) = multipart.next_field().await.map_err(unreadable)? {
        refuse_encoded_part(&part)?;
        let place = parts.place(part.name())?;
        *place = Some(bytes_of(part).await.map_err(unreadable)?);
    }
    let missing = || bad("file_part_missing", format!("The request has no part named \"file\". {HOW_TO_SEND}"));
    let file = parts.file.ok_or_else(missing)?;
    if file.starts_with(GZIP_MAGIC) || ZIP_MAGICS.iter().any(|magic| file.starts_with(magic)) {
        return Err(compressed());
    }
    let expected = ControlTotals::of_form(parts.rows.as_deref(), parts.totals.as_deref())
        .map_err(|error| bad(error.code.as_str(), format!("The request was refused: {}.", error.reason)))?;
    Ok(Form { file, expected })
}

/// The bytes of a part. `multer` was given the body in one piece, and has those of the part in one; to collect them, as it
/// would, is to copy them.
async fn bytes_of(mut part: Field<'_>) -> Result<Bytes, multer::Error> {
    let first = part.chunk().await?.unwrap_or_default();
    let Some(second) = part.chunk().await? else {
        return Ok(first);
    };
    let mut bytes = [first, second].concat();
    while let Some(next) = part.chunk().await? {
        bytes.extend_from_slice(&next);
    }
    Ok(bytes.into())
}

fn bad(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(400, code, message)
}

fn compressed() -> Refusal {
    Refusal::new(
        415,
        "file_compressed",
        "The file is compressed; nothing is ever decompressed here. Send the plain CSV.",
    )
}

/// The boundary of the request's multipart body (RFC 2046, section 5.1.1).
fn boundary_of(request: &ApiGatewayProxyRequest) -> Result<String, Refusal> {
    let unsupported = || Refusal::new(415, "content_type_unsupported", HOW_TO_SEND);
    let mut values = request.multi_value_headers.get_all("content-type").iter();
    let value = values.next().or_else(|| request.headers.get("content-type")).ok_or_else(unsupported)?;
    let text = value.to_str().map_err(|_| unsupported())?;
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let essence = essence.trim();
    if !essence.eq_ignore_ascii_case("multipart/form-data") || values.next().is_some() {
        return Err(unsupported());
    }
    // What `mime` cannot read has no boundary that could be relied on.
    let parsed: Option<mime::Mime> = format!("{essence};{parameters}").parse().ok();
    let boundaries: Vec<String> = parsed
        .iter()
        .flat_map(mime::Mime::params)
        .filter(|(name, _)| *name == mime::BOUNDARY)
        .map(|(_, value)| value.as_str().to_owned())
        .collect();
    match boundaries.as_slice() {
        [] => Err(bad(
            "boundary_missing",
            "The Content-Type has no boundary that can be read; let your HTTP client set the header.",
        )),
        [boundary] if boundary.is_empty() => {
            Err(bad("boundary_missing", "The boundary is empty; let your HTTP client set the header."))
        }
        [boundary] if boundary.len() > BOUNDARY_CHARS_MAX => Err(bad(
            "boundary_too_long",
            format!("The boundary is longer than {BOUNDARY_CHARS_MAX} characters (RFC 2046); use a shorter one."),
        )),
        [boundary] => Ok(boundary.clone()),
        _ => Err(bad("boundary_repeated", "The Content-Type has more than one boundary; send one.")),
    }
}

fn refuse_encoding(encoding: Option<&[u8]>) -> Result<(), Refusal> {
    match encoding {
        Some(encoding) if !encoding.eq_ignore_ascii_case(b"identity") => {
            let message =
                "The content is encoded; nothing is ever decoded here. Send the plain CSV without a content encoding.";
            Err(Refusal::new(415, "content_encoding_unsupported", message))
        }
        _ => Ok(()),
    }
}

fn body_of(body: Option<String>, is_base64_encoded: bool) -> Result<Bytes, Refusal> {
    let body = body.filter(|body| !body.is_empty());
    let body = body.ok_or_else(|| bad("body_missing", format!("The request has no body. {HOW_TO_SEND}")))?;
    let bytes = if is_base64_encoded {
        STANDARD
            .decode(body)
            .map_err(|_| bad("body_not_base64", "The body did not arrive as it was sent; send it again."))?
    } else {
        body.into_bytes()
    };
    Ok(Bytes::from(bytes))
}

/// Refuses a part whose headers say that its content is encoded.
fn refuse_encoded_part(part: &Field<'_>) -> Result<(), Refusal> {
    let headers = part.headers();
    let encoding = headers.get("content-encoding").map(|value| value.as_bytes());
    refuse_encoding(encoding)?;
    let transfer = headers.get("content-transfer-encoding").map(|value| value.as_bytes());
    let plain: [&[u8]; 3] = [b"7bit", b"8bit", b"binary"];
    refuse_encoding(transfer.filter(|value| !plain.iter().any(|plain| value.eq_ignore_ascii_case(plain))))?;
    let content_type = part.content_type().map(mime::Mime::essence_str).unwrap_or_default();
    if ["application/gzip", "application/x-gzip", "application/zip"].contains(&content_type) {
        return Err(compressed());
    }
    Ok(())
}

/// What an error of `multer` means to the sender.
fn unreadable(error: multer::Error) -> Refusal {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => too_large(),
        multer::Error::IncompleteStream
        | multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders => {
            bad("multipart_incomplete", "The body ends before its closing boundary; it was cut short. Send it again.")
        }
        // Its text would repeat what the request holds, so only the rule is named.
        _ => bad("multipart_malformed", format!("The body is not well-formed multipart/form-data. {HOW_TO_SEND}")),
    }
}

fn too_large() -> Refusal {
    let message = format!(
        "The file is larger than {API_FILE_BYTES_MAX} bytes, the most that fits through POST /upload. Announce it to \
         POST /uploads with its size and SHA-256 as JSON; the answer has a URL that takes a file of up to \
         {BUCKET_FILE_BYTES_MAX} bytes."
    );
    Refusal::new(413, "file_too_large", message)
}

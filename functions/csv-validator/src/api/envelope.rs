//! Takes the file out of its envelope: multipart/form-data (RFC 7578) with one part named `file`, and perhaps with parts for
//! its control totals.
//!
//! `multer` does the parsing. It sets no limits by itself and takes the first of what is repeated, so limits and
//! strictness are set here.

use crate::api::part_headers;
use api::request::last_header;
use api::{Code, Rejection};
use bytes::Bytes;
use domain::ControlTotals;
use domain::limits::{API_FILE_BYTES_MAX, BOUNDARY_CHARS_MAX, BUCKET_FILE_BYTES_MAX};
use lambda_http::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use lambda_http::{Body, Request};
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
    /// The control totals that were sent with the file.
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
    /// The field for the part of this name.
    fn slot(&mut self, name: Option<&str>) -> Result<&mut Option<Bytes>, Rejection> {
        let slot = match name {
            Some(FILE_PART) => &mut self.file,
            Some(ROWS_PART) => &mut self.rows,
            Some(TOTALS_PART) => &mut self.totals,
            _ => {
                let message = format!(
                    "The request has a part that is not named \"file\", \"expected_rows\" or \"expected_totals\". {HOW_TO_SEND}"
                );
                return Err(Rejection::new(Code::PartUnexpected, message));
            }
        };
        match (&slot, name) {
            (None, _) => Ok(slot),
            (Some(_), Some(FILE_PART)) => Err(Rejection::new(
                Code::FilePartRepeated,
                "The request has more than one part named \"file\"; send one file a request.",
            )),
            (Some(_), _) => Err(Rejection::new(
                Code::PartRepeated,
                "The request has the expected rows or the expected totals twice; send each part once.",
            )),
        }
    }
}

/// The file that a request carries, and its control totals.
///
/// # Errors
/// Why the request carries none.
pub(crate) async fn form_of(request: Request) -> Result<Form, Rejection> {
    let boundary = boundary_of(&request)?;
    reject_encoding(last_header(&request, CONTENT_ENCODING).map(|value| value.as_bytes()))?;
    let body = body_of(request.into_body())?;
    part_headers::check(&body, &boundary)?;
    let size_limit = SizeLimit::new().whole_stream(body.len() as u64).per_field(API_FILE_BYTES_MAX);
    let stream = futures::stream::once(async move { Ok::<Bytes, Infallible>(body) });
    let mut multipart = Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(size_limit));
    let mut parts = Parts::default();
    while let Some(part) = multipart.next_field().await.map_err(unreadable)? {
        reject_encoded_part(&part)?;
        let slot = parts.slot(part.name())?;
        *slot = Some(bytes_of(part).await.map_err(unreadable)?);
    }
    let missing =
        || Rejection::new(Code::FilePartMissing, format!("The request has no part named \"file\". {HOW_TO_SEND}"));
    let file = parts.file.ok_or_else(missing)?;
    if file.starts_with(GZIP_MAGIC) || ZIP_MAGICS.iter().any(|magic| file.starts_with(magic)) {
        return Err(compressed());
    }
    let expected = ControlTotals::of_form(parts.rows.as_deref(), parts.totals.as_deref())
        .map_err(|error| Rejection::new(error.code.into(), format!("The request was rejected: {}.", error.reason)))?;
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

fn compressed() -> Rejection {
    Rejection::new(
        Code::FileCompressed,
        "The file is compressed; nothing is ever decompressed here. Send the plain CSV.",
    )
}

/// The boundary of the request's multipart body (RFC 2046, section 5.1.1).
fn boundary_of(request: &Request) -> Result<String, Rejection> {
    let unsupported = || Rejection::new(Code::ContentTypeUnsupported, HOW_TO_SEND);
    let mut values = request.headers().get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(unsupported()) };
    let text = value.to_str().map_err(|_| unsupported())?;
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let essence = essence.trim();
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
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
        [] => Err(Rejection::new(
            Code::BoundaryMissing,
            "The Content-Type has no boundary that can be read; let your HTTP client set the header.",
        )),
        [boundary] if boundary.is_empty() => {
            Err(Rejection::new(Code::BoundaryMissing, "The boundary is empty; let your HTTP client set the header."))
        }
        [boundary] if boundary.len() > BOUNDARY_CHARS_MAX => Err(Rejection::new(
            Code::BoundaryTooLong,
            format!("The boundary is longer than {BOUNDARY_CHARS_MAX} characters (RFC 2046); use a shorter one."),
        )),
        [boundary] => Ok(boundary.clone()),
        _ => Err(Rejection::new(Code::BoundaryRepeated, "The Content-Type has more than one boundary; send one.")),
    }
}

fn reject_encoding(encoding: Option<&[u8]>) -> Result<(), Rejection> {
    match encoding {
        Some(encoding) if !encoding.eq_ignore_ascii_case(b"identity") => {
            let message =
                "The content is encoded; nothing is ever decoded here. Send the plain CSV without a content encoding.";
            Err(Rejection::new(Code::ContentEncodingUnsupported, message))
        }
        _ => Ok(()),
    }
}

fn body_of(body: Body) -> Result<Bytes, Rejection> {
    match body {
        Body::Text(text) => Ok(Bytes::from(text)),
        Body::Binary(bytes) => Ok(Bytes::from(bytes)),
        _ => Err(Rejection::new(Code::BodyMissing, format!("The request has no body. {HOW_TO_SEND}"))),
    }
}

/// Rejects a part whose headers say that its content is encoded.
fn reject_encoded_part(part: &Field<'_>) -> Result<(), Rejection> {
    let headers = part.headers();
    let encoding = headers.get("content-encoding").map(|value| value.as_bytes());
    reject_encoding(encoding)?;
    let transfer = headers.get("content-transfer-encoding").map(|value| value.as_bytes());
    let plain: [&[u8]; 3] = [b"7bit", b"8bit", b"binary"];
    reject_encoding(transfer.filter(|value| !plain.iter().any(|plain| value.eq_ignore_ascii_case(plain))))?;
    let content_type = part.content_type().map(mime::Mime::essence_str).unwrap_or_default();
    if ["application/gzip", "application/x-gzip", "application/zip"].contains(&content_type) {
        return Err(compressed());
    }
    Ok(())
}

/// What an error of `multer` means to the sender.
fn unreadable(error: multer::Error) -> Rejection {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => too_large(),
        multer::Error::IncompleteStream
        | multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders => Rejection::new(
            Code::MultipartIncomplete,
            "The body ends before its closing boundary; it was cut short. Send it again.",
        ),
        // Its text would repeat what the request holds, so only the rule is named.
        _ => Rejection::new(
            Code::MultipartMalformed,
            format!("The body is not well-formed multipart/form-data. {HOW_TO_SEND}"),
        ),
    }
}

fn too_large() -> Rejection {
    let message = format!(
        "The file is larger than {API_FILE_BYTES_MAX} bytes, the most that fits through POST /upload. Create an \
         upload with POST /uploads, with its size and SHA-256 as JSON; the response has a URL that takes a file of up to \
         {BUCKET_FILE_BYTES_MAX} bytes."
    );
    Rejection::new(Code::FileTooLarge, message)
}

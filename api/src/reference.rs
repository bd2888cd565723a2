//! The documents about the APIs: their description in OpenAPI, and the page that explains every error.

use crate::response::{self, Response};
use lambda_http::http::HeaderValue;
use lambda_http::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};

/// The description in OpenAPI 3.1. A test of this crate writes it from the tables of routes and problems.
pub const OPENAPI: &str = include_str!("../../openapi/openapi.json");

/// The page of errors. A test of this crate writes it from the tables of codes.
pub const ERRORS: &str = include_str!("reference/errors.html");

/// What the page of errors may do: show itself, by the style with this hash, and nothing else.
pub const ERRORS_POLICY: &str = "default-src 'none'; style-src 'sha256-NF7OGq2sdkU7/whjaKScFPtI3fmo91ydRI3CluyvaG4='; base-uri 'none'; form-action 'none'; \
                                 frame-ancestors 'none'";

/// Responds with the description.
#[must_use]
pub fn openapi() -> Response {
    response::document("application/json", OPENAPI, [])
}

/// Responds with the page of errors.
#[must_use]
pub fn errors() -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(ERRORS_POLICY)),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    response::document("text/html; charset=utf-8", ERRORS, headers)
}

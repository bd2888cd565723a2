//! What the APIs say of themselves: their description, and the page that explains every error.

use crate::gateway::Answer;

/// The description in OpenAPI 3.1.
pub const DESCRIPTION: &str = include_str!("../../openapi/openapi.json");

/// The page of errors. A test of this crate writes it from the tables of codes.
pub const ERRORS: &str = include_str!("reference/errors.html");

/// What the page of errors may do: show itself, by the style whose hash stands here, and nothing else.
pub const ERRORS_POLICY: &str = "default-src 'none'; style-src 'sha256-NF7OGq2sdkU7/whjaKScFPtI3fmo91ydRI3CluyvaG4='; base-uri 'none'; form-action 'none'; \
                                 frame-ancestors 'none'";

/// Answers with the description.
#[must_use]
pub fn description() -> Answer {
    Answer::document("application/json", DESCRIPTION)
}

/// Answers with the page of errors.
#[must_use]
pub fn errors() -> Answer {
    Answer::document("text/html; charset=utf-8", ERRORS)
        .with_header("Content-Security-Policy", ERRORS_POLICY)
        .with_header("Referrer-Policy", "no-referrer")
}

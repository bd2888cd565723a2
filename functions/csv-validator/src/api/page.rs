//! `GET /`: the page by which people send files and follow them.
//!
//! Its parts are in `page/` as they were written. They become one document here, so that the browser sends one request, and
//! the document's policy lets it run these parts and no others: each is named by its digest.

use crate::Ports;
use adapters::{Failure, FailureKind};
use api::{ApiError, Response, response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ContentDigest;
use domain::limits::{API_FILE_BYTES_MAX, BUCKET_FILE_BYTES_MAX};
use lambda_http::http::HeaderValue;
use lambda_http::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use std::sync::OnceLock;

const DOCUMENT: &str = include_str!("../../../../page/index.html");
const STYLE: &str = include_str!("../../../../page/style.css");
/// One script in the order in which a reader meets its parts: the later ones use what the earlier ones define.
const SCRIPT: &str = concat!(
    include_str!("../../../../page/sha256.js"),
    include_str!("../../../../page/text.js"),
    include_str!("../../../../page/dom.js"),
    include_str!("../../../../page/report.js"),
    include_str!("../../../../page/api.js"),
    include_str!("../../../../page/errors.js"),
    include_str!("../../../../page/outcome.js"),
    include_str!("../../../../page/history.js"),
    include_str!("../../../../page/downloads.js"),
    include_str!("../../../../page/file.js"),
    include_str!("../../../../page/upload.js"),
    include_str!("../../../../page/day.js"),
    include_str!("../../../../page/main.js"),
);

/// The page, which is the same for everybody and needs no key. The bucket is the one other origin that it may connect to:
/// large files go there, and reports are there.
pub(crate) async fn show(ports: &Ports) -> Result<Response, ApiError> {
    let bucket = ports.objects.origin().await?;
    let policy = HeaderValue::try_from(policy(&bucket))
        .map_err(|_| Failure::new(FailureKind::InvalidInput, "the bucket's address is no text of a header"))?;
    let headers = [(CONTENT_SECURITY_POLICY, policy), (REFERRER_POLICY, HeaderValue::from_static("no-referrer"))];
    Ok(response::document("text/html; charset=utf-8", document(), headers))
}

fn document() -> &'static str {
    static WHOLE: OnceLock<String> = OnceLock::new();
    WHOLE.get_or_init(|| {
        DOCUMENT
            .replace("{{api_file_bytes_max}}", &API_FILE_BYTES_MAX.to_string())
            .replace("{{bucket_file_bytes_max}}", &BUCKET_FILE_BYTES_MAX.to_string())
            .replace("{{style}}", STYLE)
            .replace("{{script}}", SCRIPT)
    })
}

fn policy(bucket: &str) -> String {
    // An icon of no bytes is the only image.
    format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self' {bucket}; img-src data:; form-action 'none'; \
         frame-ancestors 'none'; base-uri 'none'",
        source(SCRIPT),
        source(STYLE)
    )
}

/// A text within the document, as a policy names it.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(ContentDigest::of(text.as_bytes()).to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text between two others.
    fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
        text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).unwrap().0
    }

    #[test]
    fn the_policy_names_the_parts_as_they_are_in_the_document() {
        let policy = policy("https://bucket.example");
        let style = between(document(), "<style>", "</style>");
        let script = between(document(), "<script type=\"module\">", "</script>");
        assert!(policy.contains(&format!("style-src {};", source(style))), "{policy}");
        assert!(policy.contains(&format!("script-src {};", source(script))), "{policy}");
        assert!(
            !policy.contains("unsafe") && policy.contains("connect-src 'self' https://bucket.example;"),
            "{policy}"
        );
        // A browser takes a carriage return for another character than the digest does.
        assert!(!document().contains('\r') && !document().contains("{{"), "a placeholder is left");
    }

    #[test]
    fn nothing_runs_that_the_policy_does_not_name() {
        for (start, count) in [("<script", 1), ("<style", 1), (" style=", 0), (" onclick", 0), ("javascript:", 0)] {
            assert_eq!(document().matches(start).count(), count, "{start}");
        }
        for sink in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", ".style"]
        {
            assert!(!SCRIPT.contains(sink), "what the service or a file says must stay text: {sink}");
        }
    }

    #[test]
    fn the_page_knows_the_limits() {
        assert!(document().contains("data-api-file-bytes-max=\"4500000\" data-bucket-file-bytes-max=\"1073741824\""));
    }
}

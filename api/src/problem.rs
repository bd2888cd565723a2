//! Why requests are rejected: one table of every code that a response may have, for both APIs.
//!
//! Responses take their status and title from it; the page of errors, in the docs and at `GET /errors`, its explanations;
//! the OpenAPI document the codes of each operation. The members of a response are those of RFC 9457.

mod table;

pub use table::Code;

use crate::routes::{self, Operation};
use domain::files::control_totals::ControlTotalsErrorCode;
use domain::files::upload_request::RequestErrorCode;

/// The content type of every rejection.
pub const CONTENT_TYPE: &str = "application/problem+json";

impl Code {
    /// The code with this text.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// The URI reference that identifies the problem: its entry in the page of errors.
    #[must_use]
    pub fn type_uri(self, base_path: &str) -> String {
        format!("{base_path}/errors#{}", self.as_str())
    }

    /// The operations that may respond with the code.
    pub fn operations(self) -> impl Iterator<Item = Operation> {
        let scope = self.scope();
        routes::all()
            .filter(move |(operation, route)| scope.includes(*operation, route))
            .map(|(operation, _)| operation)
    }
}

impl From<RequestErrorCode> for Code {
    fn from(code: RequestErrorCode) -> Self {
        match code {
            RequestErrorCode::BodyMissing => Self::BodyMissing,
            RequestErrorCode::RequestTooLarge => Self::RequestTooLarge,
            RequestErrorCode::JsonMalformed => Self::JsonMalformed,
            RequestErrorCode::ObjectMissing => Self::ObjectMissing,
            RequestErrorCode::MemberUnexpected => Self::MemberUnexpected,
            RequestErrorCode::SizeMissing => Self::SizeMissing,
            RequestErrorCode::SizeMalformed => Self::SizeMalformed,
            RequestErrorCode::Sha256Missing => Self::Sha256Missing,
            RequestErrorCode::Sha256Malformed => Self::Sha256Malformed,
            RequestErrorCode::FileTooLarge => Self::FileTooLarge,
            RequestErrorCode::ControlTotals(code) => code.into(),
        }
    }
}

impl From<ControlTotalsErrorCode> for Code {
    fn from(code: ControlTotalsErrorCode) -> Self {
        match code {
            ControlTotalsErrorCode::ExpectedRowsMalformed => Self::ExpectedRowsMalformed,
            ControlTotalsErrorCode::ExpectedTotalsMalformed => Self::ExpectedTotalsMalformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{Content, FileOperation, Operation};
    use lambda_http::http::StatusCode;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_a_text_and_says_what_to_do() {
        let texts: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for code in Code::ALL {
            let is_code = code.as_str().bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            assert!(is_code && (400..600).contains(&code.status().as_u16()), "{code:?}");
            for sentence in [code.explanation(), code.remedy()] {
                assert!(sentence.len() > 10 && sentence.ends_with('.'), "{code:?}");
            }
            assert!(!code.title().is_empty() && !code.title().ends_with('.'), "{code:?}");
            assert_eq!(Code::named(code.as_str()), Some(*code));
            assert_ne!(code.operations().count(), 0, "{code:?}");
        }
        assert_eq!(Code::named("no_such_code"), None);
    }

    /// A code names one mistake, so that a program can tell by it alone what to do.
    #[test]
    fn a_title_belongs_to_one_code() {
        let titles: BTreeSet<&str> = Code::ALL.iter().map(|code| code.title()).collect();
        assert_eq!(titles.len(), Code::ALL.len());
    }

    #[test]
    fn documents_are_rejected_only_as_every_request() {
        let everywhere = |code: &&Code| code.operations().count() == routes::all().count();
        assert_eq!(Code::ALL.iter().filter(everywhere).count(), 4);
        for (document, _) in
            routes::all().filter(|(_, route)| matches!(route.response, Content::Html | Content::OpenApi))
        {
            let of_document = Code::ALL.iter().filter(|code| code.operations().any(|operation| operation == document));
            assert!(of_document.clone().all(|code| everywhere(&code)), "{document:?}");
        }
    }

    #[test]
    fn codes_of_a_group_follow_from_the_routes() {
        let key = Operation::Files(FileOperation::ShowDay);
        assert!(Code::QuotaExceeded.operations().any(|operation| operation == key));
        let open = Operation::Files(FileOperation::ShowFile);
        assert!(Code::QuotaExceeded.operations().all(|operation| operation != open));
    }

    #[test]
    fn codes_of_the_domain_keep_their_text_and_status() {
        for code in RequestErrorCode::ALL {
            let problem = Code::from(code);
            assert_eq!(problem.as_str(), code.as_str());
            assert_eq!(problem.status() == StatusCode::PAYLOAD_TOO_LARGE, code.is_too_large(), "{code:?}");
        }
    }
}

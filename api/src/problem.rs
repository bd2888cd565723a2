//! Why requests are refused: one table of every code that an answer may have, for both APIs.
//!
//! Answers take their titles from it, and the page of errors, in the docs and at `GET /errors`, its explanations. The
//! members of an answer are those of RFC 9457.

mod table;

pub use table::ALL;

/// The content type of every refusal.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// A method of one of the APIs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Operation {
    /// A file is sent.
    Upload,
    /// A file is announced.
    Announce,
    /// A file is followed.
    Follow,
    /// The rejected rows of a file are asked for.
    Correctable,
    /// A partner's day is asked for.
    Day,
    /// The upload page is opened.
    Page,
    /// The page of errors is opened.
    Errors,
    /// The description of the APIs is asked for.
    Description,
    /// A payment is announced by its provider.
    Webhook,
    /// The page of errors is opened at the webhooks' API.
    WebhookErrors,
}

impl Operation {
    /// Every method.
    pub const ALL: &'static [Self] = &[
        Self::Upload,
        Self::Announce,
        Self::Follow,
        Self::Correctable,
        Self::Day,
        Self::Page,
        Self::Errors,
        Self::Description,
        Self::Webhook,
        Self::WebhookErrors,
    ];

    /// The method and its route, as the template has them.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "POST /upload",
            Self::Announce => "POST /uploads",
            Self::Follow => "GET /files/{file_id}",
            Self::Correctable => "GET /files/{file_id}/correctable",
            Self::Day => "GET /days/{day}",
            Self::Page => "GET /",
            Self::Errors | Self::WebhookErrors => "GET /errors",
            Self::Description => "GET /openapi.json",
            Self::Webhook => "POST /webhook",
        }
    }

    /// Whether it belongs to the API of webhooks.
    #[must_use]
    pub fn is_of_webhooks(self) -> bool {
        matches!(self, Self::Webhook | Self::WebhookErrors)
    }
}

/// What a code means, wherever it is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The stable code. It is an interface and never changes.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The same in a few words.
    pub title: &'static str,
    /// What is wrong.
    pub meaning: &'static str,
    /// What the sender can do.
    pub remedy: &'static str,
    /// Where it is answered.
    pub operations: &'static [Operation],
}

/// The entry of a code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Problem> {
    ALL.iter().find(|problem| problem.code == code)
}

/// The address that names a kind of problem: its place in the page of errors.
#[must_use]
pub fn type_of(base_path: &str, code: &str) -> String {
    format!("{base_path}/errors#{code}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_stands_once_and_says_what_to_do() {
        let codes: BTreeSet<&str> = ALL.iter().map(|problem| problem.code).collect();
        assert_eq!(codes.len(), ALL.len());
        for problem in ALL {
            let is_code = problem.code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            assert!(is_code && (400..600).contains(&problem.status), "{problem:?}");
            for sentence in [problem.meaning, problem.remedy] {
                assert!(sentence.len() > 10 && sentence.ends_with('.'), "{problem:?}");
            }
            assert!(!problem.title.is_empty() && !problem.title.ends_with('.'), "{problem:?}");
            assert_eq!(find(problem.code), Some(problem));
            let operations: BTreeSet<_> = problem.operations.iter().collect();
            assert_eq!(operations.len(), problem.operations.len(), "{problem:?}");
        }
        assert_eq!(find("no_such_code"), None);
    }

    /// A code names one mistake, so that a program can tell by it alone what to do.
    #[test]
    fn a_title_belongs_to_one_code() {
        let titles: BTreeSet<&str> = ALL.iter().map(|problem| problem.title).collect();
        assert_eq!(titles.len(), ALL.len());
    }
}

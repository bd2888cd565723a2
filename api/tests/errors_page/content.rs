//! What the page says, before it is Markdown or HTML.

use crate::{files, payments, rejections};
use api::Code;
use domain::csv::ErrorCode;
use domain::payments::webhook::PaymentErrorCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The codes of one kind.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// A paragraph each.
    pub(crate) introduction: Vec<&'static str>,
    pub(crate) entries: Vec<Entry>,
}

/// One code.
pub(crate) struct Entry {
    pub(crate) code: &'static str,
    /// Its anchor on the page: the code, or a longer name where an earlier entry has the same code.
    pub(crate) anchor: String,
    /// The text beside the code.
    pub(crate) title: String,
    pub(crate) explanation: String,
    pub(crate) remedy: String,
    pub(crate) sent: &'static str,
    pub(crate) response: String,
}

/// The whole page.
pub(crate) fn sections() -> Vec<Section> {
    let mut taken = BTreeSet::new();
    let mut sections = vec![of_requests(), of_files(), of_payments()];
    for (section, prefix) in sections.iter_mut().zip(["request", "file", "payment"]) {
        for entry in &mut section.entries {
            entry.anchor =
                if taken.insert(entry.code) { entry.code.to_owned() } else { format!("{prefix}-{}", entry.code) };
        }
    }
    sections
}

fn of_requests() -> Section {
    Section {
        title: "Rejected requests",
        introduction: vec![
            "Every rejection, by the gateway or by the service, has this form, which is that of RFC 9457 with members of its \
             own. Rely on the HTTP status and on error: they never change. The title says the same in words, message and \
             detail say what is wrong with this very request, type leads to the code on this page, and request_id, the same \
             as in instance, is what an operator needs to investigate it.",
            "The examples leave out what is the same in all of them: type, instance, request_id, detail, which repeats message, \
             and file_id (of a webhook transaction_id), which is null.",
        ],
        entries: Code::ALL.iter().map(|code| of_request(*code)).collect(),
    }
}

fn of_request(code: Code) -> Entry {
    let example = rejections::EXAMPLES.iter().find(|example| example.code == code);
    let example = example.unwrap_or_else(|| panic!("{code:?} has no example"));
    let status = code.status().as_u16();
    let response = json!({
        "error": code.as_str(),
        "message": example.message,
        "title": code.title(),
        "status": status,
    });
    Entry {
        code: code.as_str(),
        anchor: String::new(),
        title: format!("HTTP {status}. {}", code.title()),
        explanation: code.explanation().to_owned(),
        remedy: code.remedy().to_owned(),
        sent: example.sent,
        response: lines_of(&response),
    }
}

fn of_files() -> Section {
    let entries = ErrorCode::ALL.iter().map(|code| {
        let (_, sent) = files::EXAMPLES
            .iter()
            .find(|(example, _)| *example == code.as_str())
            .unwrap_or_else(|| panic!("{} has no example", code.as_str()));
        let error = files::error_of(*code, sent);
        let response = json!(error);
        let sent = match sent {
            files::Sent::Text(text)
            | files::Sent::Bytes(text, _)
            | files::Sent::Words(text)
            | files::Sent::ControlTotals(text, _) => text,
        };
        entry(code.as_str(), "Error of a file", code.reason(), code.fix(), sent, &response)
    });
    Section {
        title: "Errors of a file",
        introduction: vec![
            "They are in the list errors of the response invalid_csv and in the report of a file. record counts data records \
             from 1, and 0 is the header or the file as a whole; line counts lines from 1, byte counts from 0. Nothing of the \
             file's content is repeated. Each example is the first error of this code in the file above it, as it was found on \
             2026-01-16.",
        ],
        entries: entries.collect(),
    }
}

fn of_payments() -> Section {
    let entries = PaymentErrorCode::ALL.iter().map(|code| {
        let (_, sent) = payments::EXAMPLES
            .iter()
            .find(|(example, _)| *example == code.as_str())
            .unwrap_or_else(|| panic!("{} has no example", code.as_str()));
        let error = payments::error_of(*code, sent);
        let response = json!({
            "field": error.field.map(|field| field.as_str()),
            "byte": error.byte,
            "code": error.code.as_str(),
            "reason": error.reason,
            "fix": error.code.fix(),
        });
        let sent = match sent {
            payments::Sent::Text(text) | payments::Sent::Bytes(text, _) => text,
        };
        entry(code.as_str(), "Error of a payment", code.reason(), code.fix(), sent, &response)
    });
    Section {
        title: "Errors of a payment",
        introduction: vec![
            "They are in the list errors of the response invalid_payment to a webhook. field is the member of the body, and \
             byte counts from 0; it is null for what is missing.",
        ],
        entries: entries.collect(),
    }
}

fn entry(code: &'static str, kind: &str, reason: &str, fix: &str, sent: &'static str, response: &Value) -> Entry {
    Entry {
        code,
        anchor: String::new(),
        title: kind.to_owned(),
        explanation: sentence(reason),
        remedy: sentence(fix),
        sent,
        response: lines_of(response),
    }
}

/// A part of a sentence as a sentence.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

/// One member a line.
fn lines_of(object: &Value) -> String {
    let members: Vec<String> =
        object.as_object().into_iter().flatten().map(|(name, value)| format!("  \"{name}\": {value}")).collect();
    format!("{{\n{}\n}}", members.join(",\n"))
}

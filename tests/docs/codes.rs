//! The tables of error codes, from the table of problems.

use super::generated;
use crate::support::template::text_of;
use api::problem::Code;
use api::routes::Operation;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The codes of one API, in the order of their status.
fn codes_of(is_of_api: fn(&Operation) -> bool) -> Vec<Code> {
    let mut codes: Vec<Code> =
        Code::ALL.iter().copied().filter(|code| code.operations().any(|operation| is_of_api(&operation))).collect();
    codes.sort_by_key(|code| code.status());
    codes
}

fn is_of_files(operation: &Operation) -> bool {
    matches!(operation, Operation::Files(_))
}

fn is_of_webhooks(operation: &Operation) -> bool {
    matches!(operation, Operation::Webhooks(_))
}

fn table(is_of_api: fn(&Operation) -> bool) -> String {
    let mut text = String::from("| status | `error` | meaning |\n| --- | --- | --- |\n");
    for code in codes_of(is_of_api) {
        let (status, name, title) = (code.status().as_u16(), code.as_str(), code.title());
        writeln!(text, "| {status} | [`{name}`](errors.md#{name}) | {title} |").unwrap();
    }
    text
}

#[test]
fn tables_of_codes_are_those_of_the_code() {
    let text = format!("### Files\n\n{}\n### Payments\n\n{}", table(is_of_files), table(is_of_webhooks));
    generated::check("docs/reference/api.md", "codes", &text);
}

/// The gateway responds with codes of its own from the template. Each has an entry in the table of problems.
#[test]
fn every_code_of_the_template_has_an_entry() {
    let template = text_of("template.yaml");
    let codes: BTreeSet<&str> =
        template.split("{\"error\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(codes.len() > 5, "{codes:?}");
    for code in codes {
        assert!(Code::named(code).is_some(), "{code}");
    }
}

/// The page for providers says what to do about each code that a provider may get.
#[test]
fn providers_read_what_to_do_about_every_code() {
    let page = text_of("docs/providers/responses-and-retries.md");
    let send = |operation: &Operation| *operation == Operation::Webhooks(api::routes::WebhookOperation::Receive);
    for code in codes_of(send) {
        let mut rows = page.lines().filter(|line| line.starts_with(&format!("| {} |", code.status().as_u16())));
        assert!(rows.any(|row| row.contains(&format!("`{}`", code.as_str()))), "{code:?}");
    }
}

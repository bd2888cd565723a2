//! The tables of error codes, from the problem table.

use super::generated;
use crate::support::template::text_of;
use api::Code;
use api::routes::{Operation, WebhookOperation};
use std::fmt::Write;

fn table(is_of_webhooks: bool) -> String {
    let mut text = String::from("| status | `error` | meaning |\n| --- | --- | --- |\n");
    let of_api = |operation: Operation| matches!(operation, Operation::Webhooks(_)) == is_of_webhooks;
    let mut codes: Vec<Code> = Code::ALL.iter().copied().filter(|code| code.operations().any(of_api)).collect();
    codes.sort_by_key(|code| code.status());
    for code in codes {
        let (status, title, code) = (code.status().as_u16(), code.title(), code.as_str());
        writeln!(text, "| {status} | [`{code}`](errors.md#{code}) | {title} |").unwrap();
    }
    text
}

#[test]
fn tables_of_codes_are_those_of_the_code() {
    let text = format!("### Files\n\n{}\n### Payments\n\n{}", table(false), table(true));
    generated::check("docs/reference/api.md", "codes", &text);
}

/// The page for providers says what to do about each code that a provider may get.
#[test]
fn providers_read_what_to_do_about_every_code() {
    let page = text_of("docs/providers/responses-and-retries.md");
    let receive = Operation::Webhooks(WebhookOperation::Receive);
    for code in Code::ALL.iter().filter(|code| code.operations().any(|operation| operation == receive)) {
        let mut rows = page.lines().filter(|line| line.starts_with(&format!("| {} |", code.status().as_u16())));
        assert!(rows.any(|row| row.contains(&format!("`{}`", code.as_str()))), "{code:?}");
    }
}

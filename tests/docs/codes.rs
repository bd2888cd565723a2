//! The tables of error codes, from the table of problems; and that the table has every code that a response may have.

use super::{generated, root};
use crate::support::template::text_of;
use api::problem;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// Where codes of responses are written.
const SOURCES: [&str; 4] =
    ["api/src", "domain/src/files", "functions/csv-validator/src", "functions/webhook-validator/src"];

fn table(is_of_webhooks: bool) -> String {
    let mut text = String::from("| status | `error` | meaning |\n| --- | --- | --- |\n");
    let mut problems: Vec<_> = problem::ALL
        .iter()
        .filter(|problem| problem.operations.iter().any(|operation| operation.is_of_webhooks() == is_of_webhooks))
        .collect();
    problems.sort_by_key(|problem| problem.status);
    for problem in problems {
        let (status, code, title) = (problem.status, problem.code, problem.title);
        writeln!(text, "| {status} | [`{code}`](errors.md#{code}) | {title} |").unwrap();
    }
    text
}

#[test]
fn tables_of_codes_are_those_of_the_code() {
    let text = format!("### Files\n\n{}\n### Payments\n\n{}", table(false), table(true));
    generated::check("docs/reference/api.md", "codes", &text);
}

/// Adds the text of each source file below a directory.
fn add_sources(directory: &Path, sources: &mut String) {
    for path in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            add_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(path).unwrap());
            sources.push('\n');
        }
    }
}

#[test]
fn every_code_of_the_sources_is_in_the_tables() {
    let api = text_of("docs/reference/api.md");
    let mut sources = String::new();
    SOURCES.iter().for_each(|directory| add_sources(&root().join(directory), &mut sources));
    let in_code = sources
        .split('"')
        .filter(|text| text.contains('_') && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')));
    let template = text_of("template.yaml");
    let in_template = template.split("{\"error\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let codes: BTreeSet<&str> = in_code.chain(in_template).filter(|code| is_of_a_response(code)).collect();
    assert!(codes.len() > 25, "{codes:?}");
    for code in codes {
        assert!(api.contains(&format!("`{code}`")), "docs/reference/api.md lacks {code}");
    }
}

/// The page for providers says what to do about each code that a provider may get.
#[test]
fn providers_read_what_to_do_about_every_code() {
    let page = text_of("docs/providers/responses-and-retries.md");
    for problem in problem::ALL.iter().filter(|problem| problem.operations.contains(&problem::Operation::Webhook)) {
        let mut rows = page.lines().filter(|line| line.starts_with(&format!("| {} |", problem.status)));
        assert!(rows.any(|row| row.contains(&format!("`{}`", problem.code))), "{} {}", problem.status, problem.code);
    }
}

/// Whether a text of the sources is a code, and not the name of a member, a step or a column.
fn is_of_a_response(text: &str) -> bool {
    [
        "_missing",
        "_repeated",
        "_malformed",
        "_incomplete",
        "_unexpected",
        "_too_large",
        "_too_long",
        "_unsupported",
        "_compressed",
        "_invalid",
        "_refused",
        "_not_found",
        "_not_base64",
        "_exceeded",
        "_unavailable",
        "_exhausted",
        "_conflict",
        "_to_correct",
        "invalid_csv",
        "invalid_payment",
    ]
    .iter()
    .any(|ending| text.ends_with(ending))
}

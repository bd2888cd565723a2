//! The README says what the code does: its limits and its error codes are compared with the sources.

use crate::support::template::text_of;
use std::collections::BTreeSet;

/// Evaluates `4_500_000`, `4 * 1024` and the like.
fn value_of(expression: &str) -> u64 {
    expression.split('*').map(|factor| factor.trim().replace('_', "").parse::<u64>().unwrap()).product()
}

/// Every `pub const NAME: type = value;` of a source file.
pub(crate) fn constants(source: &str) -> Vec<(String, u64)> {
    source
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ").or_else(|| line.strip_prefix("const ")))
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            let (_, value) = rest.split_once('=')?;
            Some((name.to_owned(), value_of(value.trim().trim_end_matches(';'))))
        })
        .collect()
}

#[test]
fn the_table_of_limits_is_that_of_the_code() {
    let readme = text_of("README.md");
    let limits = constants(&text_of("domain/src/limits.rs"));
    assert!(limits.len() > 15, "{limits:?}");
    for (name, value) in limits {
        let Some(row) = readme.lines().find(|line| line.contains(&format!("`{name}`"))) else {
            // How work is cut up concerns nobody who sends a file.
            assert!(
                ["RANGE_ROWS_MIN", "TIMESTAMP_SHARDS", "PAYMENT_SHARDS", "UNFINISHED_SHARDS"].contains(&name.as_str()),
                "the README lacks {name}"
            );
            continue;
        };
        assert!(row.replace(',', "").contains(&format!(" {value} ")), "{name} is {value}: {row}");
    }
}

#[test]
fn the_table_of_refusals_is_that_of_the_code_and_the_template() {
    let readme = text_of("README.md");
    let of_files = [
        "caller",
        "correction",
        "days",
        "envelope",
        "http",
        "presigned",
        "query",
        "rejection",
        "status_page",
        "upload/answers",
    ]
    .map(|module| format!("csv-validator/src/{module}.rs"));
    let of_payments = ["delivery", "request"].map(|module| format!("webhook-validator/src/{module}.rs"));
    let of_functions = of_files.into_iter().chain(of_payments).map(|path| text_of(&format!("functions/{path}")));
    let sources: Vec<String> = of_functions
        .chain(["adapters/src/gateway.rs", "domain/src/statement.rs", "domain/src/upload_request.rs"].map(text_of))
        .collect();
    let sources = sources.join("\n");
    let in_code = sources
        .split('"')
        .filter(|text| text.contains('_') && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')));
    let template = text_of("template.yaml");
    let in_template = template.split("{\"error\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let codes: BTreeSet<&str> = in_code.chain(in_template).filter(|code| is_refusal(code)).collect();
    assert!(codes.len() > 25, "{codes:?}");
    for code in codes {
        assert!(readme.contains(&format!("`{code}`")), "the README lacks {code}");
    }
}

/// Whether a text of the sources is a code, and not the name of a member, a step or a column.
fn is_refusal(text: &str) -> bool {
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

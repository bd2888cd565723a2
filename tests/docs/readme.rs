//! The README says what the code does: its limits and its error codes are compared with the sources.

use crate::support::template::text_of;
use api::Code;

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
fn every_code_is_in_the_readme() {
    let readme = text_of("README.md");
    for code in Code::ALL {
        assert!(readme.contains(&format!("`{}`", code.as_str())), "the README lacks {}", code.as_str());
    }
}

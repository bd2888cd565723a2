//! Documents that can be read at a glance.

use super::repository::{lines, markdown};
use crate::support::template::text_of;

const LINE_CHARS_MAX: usize = 120;

/// Documents that programs write, with tables and examples as wide as what they show.
const GENERATED: [&str; 3] = ["docs/developers/bench.md", "docs/operators/cost.md", "docs/reference/errors.md"];

#[test]
fn the_entrance_documents_are_short() {
    for (path, lines_max) in [("README.md", 200), ("ARCHITECTURE.md", 300)] {
        let count = text_of(path).lines().count();
        assert!(count <= lines_max, "{path} has {count} lines; at most {lines_max} are read");
    }
}

#[test]
fn no_line_of_a_document_is_too_long() {
    let mut long = Vec::new();
    for (path, text) in markdown().iter().filter(|(path, _)| !GENERATED.contains(&path.as_str())) {
        for (number, line, _) in lines(text) {
            let count = line.chars().count();
            // One word, such as an address, cannot be broken.
            let is_one_word = !line.trim_start_matches(['-', ' ', '|']).trim_end().contains(' ');
            if count > LINE_CHARS_MAX && !is_one_word {
                long.push(format!("{path}:{number}: {count} characters"));
            }
        }
    }
    assert!(long.is_empty(), "lines of more than {LINE_CHARS_MAX} characters:\n{}", long.join("\n"));
}

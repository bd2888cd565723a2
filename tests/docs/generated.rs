//! The parts of documents that follow from the code. `UPDATE_DOCS=1 cargo test -p acceptance docs -- --skip run_as_written`
//! writes them, without a cloud.
//!
//! A part is between `<!-- generated: name -->` and `<!-- end -->`.

use super::root;
use crate::support::template::text_of;

const END: &str = "<!-- end -->";

/// Checks that the part of a page is what the code says, or writes it if `UPDATE_DOCS` is set.
#[track_caller]
pub(crate) fn check(page: &str, part: &str, expected: &str) {
    let text = text_of(page);
    let begin = format!("<!-- generated: {part} -->\n");
    let (head, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{page} lacks {begin}"));
    let (found, tail) = rest.split_once(END).unwrap_or_else(|| panic!("{page} lacks {END} after {begin}"));
    let expected = format!("\n{}\n\n", expected.trim());
    if found == expected {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_DOCS").is_some(),
        "{page} is not what the code says. Write it: UPDATE_DOCS=1 cargo test -p acceptance. It has:{found}It needs:{expected}"
    );
    std::fs::write(root().join(page), format!("{head}{begin}{expected}{END}{tail}")).unwrap();
}

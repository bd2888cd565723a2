//! Keeps a spreadsheet from evaluating a value as a formula: an apostrophe before it, which is removed when the file is
//! uploaded again.
//!
//! A value with apostrophes before what looks like a formula gets one more, so that guarding a value and removing the
//! guard always gives the same value.

/// The prefix of a value that looks like a formula.
pub(super) const GUARD: u8 = b'\'';

/// The same signs in full width, which East Asian spreadsheets treat alike.
const FULL_WIDTH_SIGNS: [&str; 4] = ["\u{ff1d}", "\u{ff0b}", "\u{ff0d}", "\u{ff20}"];

/// Whether a value gets a guard: it looks like a formula after its leading apostrophes, if any.
#[must_use]
pub fn needs_guard(value: &[u8]) -> bool {
    let apostrophes = value.iter().take_while(|&&byte| byte == GUARD).count();
    match value[apostrophes..] {
        [b'=' | b'+' | b'@' | b'\t' | b'\r' | b'\n', ..] => true,
        [b'-', ref digits @ ..] => !is_plain_number(digits),
        ref rest => FULL_WIDTH_SIGNS.iter().any(|sign| rest.starts_with(sign.as_bytes())),
    }
}

/// Whether a value begins with a guard.
#[must_use]
#[inline]
pub fn has_guard(value: &[u8]) -> bool {
    matches!(value, [GUARD, rest @ ..] if needs_guard(rest))
}

/// Whether text is `[0-9]+(\.[0-9]+)?`, which a spreadsheet always treats as a number.
fn is_plain_number(text: &[u8]) -> bool {
    let mut parts = text.splitn(2, |&byte| byte == b'.');
    parts.all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn guarded(value: &[u8]) -> Vec<u8> {
        if needs_guard(value) { [&[GUARD], value].concat() } else { value.to_vec() }
    }

    fn unguarded(value: &[u8]) -> &[u8] {
        if has_guard(value) { &value[1..] } else { value }
    }

    #[test]
    fn guards_what_looks_like_a_formula() {
        for value in [
            "=1+1",
            "+1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "\u{ff1d}1",
            "'\u{ff20}x",
            "-1+1",
            "-",
            "-x",
            "-1.",
            "-.5",
            "-1.2.3",
            "'=1",
            "''-x",
        ] {
            assert!(needs_guard(value.as_bytes()), "{value:?}");
        }
        for value in ["", "x", "1", "-1", "-12.50", "'", "'x", "'-1", "''", " =1", "a=1", "é"] {
            assert!(!needs_guard(value.as_bytes()), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn only_a_guard_is_removed(value in "['=+@\t\r\n\u{ff1d}\u{ff0d}-]{0,3}[ -~é]{0,6}") {
            let (value, there) = (value.as_bytes(), guarded(value.as_bytes()));
            prop_assert!(!matches!(there.first(), Some(b'=' | b'+' | b'@' | b'\t' | b'\r' | b'\n')), "it is safe");
            prop_assert_eq!(unguarded(&there), value);
            // A value without a guard stays unchanged, unless it looks guarded.
            prop_assert!(has_guard(value) || unguarded(value) == value);
        }
    }
}

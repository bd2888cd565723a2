//! The forms of names and ids.

use crate::limits::PARTNER_CHARS_MAX;

/// Whether `name` has the form of the name of a partner or provider.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.len() <= PARTNER_CHARS_MAX && !name.starts_with('-') && name.bytes().all(allowed)
}

/// Whether an id begins or ends with a blank. It would look like the id without the blank and differ from it, so it is not
/// accepted.
#[inline]
pub(crate) fn is_padded(id: &[u8]) -> bool {
    id.first() == Some(&b' ') || id.last() == Some(&b' ')
}

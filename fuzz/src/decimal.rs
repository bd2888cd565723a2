//! Decimals, parsed independently, digit by digit.

use num_bigint::BigInt;

/// The canonical text of a plain decimal (`-?[0-9]+(\.[0-9]+)?`). None if it is not one, or is `-0`.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let are_digits = |part: &str| !part.is_empty() && part.chars().all(|digit| digit.is_ascii_digit());
    if !are_digits(whole) || fraction.is_some_and(|fraction| !are_digits(fraction)) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.unwrap_or_default().trim_end_matches('0');
    let is_negative = unsigned.len() < text.len();
    if whole.is_empty() && fraction.is_empty() {
        return (!is_negative).then(|| "0".to_owned());
    }
    let sign = if is_negative { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// The number of significant digits: all without leading zeros.
pub(crate) fn significant_digits(text: &str) -> usize {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').len()
}

/// The number of digits after the point.
pub(crate) fn decimals(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

/// A plain decimal in units of its last of `places` decimals.
pub(crate) fn units(text: &str, places: usize) -> BigInt {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let padded = format!("{whole}{fraction:0<places$}");
    padded.parse().expect("a plain decimal has digits alone")
}

//! Exact amounts of money. No float touches an amount.

mod control_sum;

use crate::limits::AMOUNT_DIGITS_MAX;
use num_bigint::BigInt;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use crate::Currency;

pub use control_sum::ControlSum;

/// An exact decimal of at most 38 significant digits, without trailing zeros in its fraction.
///
/// `12.50` and `12.5` are the same `Money`. Its text (`Display`) is canonical: no leading plus, no leading or trailing
/// zeros, no exponent. A DynamoDB number returns the same text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Money {
    unscaled: i128,
    decimals: u8,
}

/// Why a text is not an amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AmountError {
    /// Not `-?[0-9]+(\.[0-9]+)?`. The text is the reason.
    Malformed(&'static str),
    /// Zero with a minus sign.
    NegativeZero,
    /// More than 38 significant digits.
    TooManyDigits,
    /// More decimals than the currency's minor unit; holds how many the text has.
    TooManyDecimals(usize),
}

impl Money {
    /// Reads `text` as an amount with at most `decimals_max` decimals.
    ///
    /// # Errors
    /// An [`AmountError`] that says which rule the text breaks.
    #[inline]
    pub fn parse(text: &[u8], decimals_max: u8) -> Result<Self, AmountError> {
        let (negative, digits) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, text),
        };
        let (magnitude, fraction_digits) = match short_decimal(digits) {
            Some((magnitude, fraction_digits)) => (i128::from(magnitude), fraction_digits),
            None => long_decimal(text, digits, decimals_max)?,
        };
        let decimals = u8::try_from(fraction_digits)
            .ok()
            .filter(|decimals| *decimals <= decimals_max)
            .ok_or(AmountError::TooManyDecimals(fraction_digits))?;
        if negative && magnitude == 0 {
            return Err(AmountError::NegativeZero);
        }
        Ok(Self::without_trailing_zeros(if negative { -magnitude } else { magnitude }, decimals))
    }

    /// Reads an amount of stored data, which may have been accepted by an earlier list of currencies: its own text
    /// decides the number of decimals.
    ///
    /// # Errors
    /// An [`AmountError`] that says which rule the text breaks.
    #[inline]
    pub fn known(text: &[u8]) -> Result<Self, AmountError> {
        Self::parse(text, u8::MAX)
    }

    /// The number of decimals without trailing zeros.
    pub(crate) fn decimals(self) -> u8 {
        self.decimals
    }

    fn without_trailing_zeros(mut unscaled: i128, mut decimals: u8) -> Self {
        // Nearly every amount fits in 64 bits, whose division is a multiplication.
        if let Ok(mut small) = i64::try_from(unscaled) {
            while decimals > 0 && small % 10 == 0 {
                small /= 10;
                decimals -= 1;
            }
            return Self { unscaled: i128::from(small), decimals };
        }
        while decimals > 0 && unscaled % 10 == 0 {
            unscaled /= 10;
            decimals -= 1;
        }
        Self { unscaled, decimals }
    }

    /// The amount counted in units of `10^-decimals`; exact when `decimals` is the currency's own.
    fn in_units(self, decimals: u8) -> BigInt {
        let missing_zeros = u32::from(decimals.saturating_sub(self.decimals));
        BigInt::from(self.unscaled) * BigInt::from(10).pow(missing_zeros)
    }
}

impl Money {
    /// [`Money::in_units`] if both the amount and the scale fit in 64 bits, as they nearly always do.
    #[inline]
    fn in_small_units(self, decimals: u8) -> Option<i128> {
        let scale = 10_i64.checked_pow(u32::from(decimals.saturating_sub(self.decimals)))?;
        Some(i128::from(i64::try_from(self.unscaled).ok()?) * i128::from(scale))
    }

    /// A whole number of units, for bounds that rules compare with.
    #[must_use]
    pub const fn whole(units: i64) -> Self {
        // Widening; `i128::from` cannot be called in a constant.
        Self { unscaled: units as i128, decimals: 0 }
    }

    /// Whether it is above zero.
    #[must_use]
    pub fn is_positive(self) -> bool {
        self.unscaled > 0
    }

    /// Whether it is a whole multiple of `units`. Zero is a multiple of everything.
    #[must_use]
    pub fn is_multiple_of(self, units: u32) -> bool {
        self.decimals == 0 && self.unscaled.checked_rem(i128::from(units)) == Some(0)
    }

    /// The amount counted in units of `10^-decimals`, where that fits.
    fn scaled_to(self, decimals: u8) -> Option<i128> {
        let missing_zeros = u32::from(decimals.saturating_sub(self.decimals));
        10_i128.checked_pow(missing_zeros)?.checked_mul(self.unscaled)
    }
}

/// The order of the numbers, whatever their decimals and their currency.
impl Ord for Money {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.unscaled.signum().cmp(&other.unscaled.signum());
        if signs.is_ne() || self.unscaled == 0 {
            return signs;
        }
        let decimals = self.decimals.max(other.decimals);
        match (self.scaled_to(decimals), other.scaled_to(decimals)) {
            (Some(own), Some(others)) => own.cmp(&others),
            // One of the two has all the decimals already and fits, with 38 digits at most. The other one exceeds an
            // i128, and so 38 digits, and is farther from zero.
            (None, _) => self.unscaled.signum().cmp(&0),
            (_, None) => 0.cmp(&other.unscaled.signum()),
        }
    }
}

impl PartialOrd for Money {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&decimal_text(&self.unscaled.to_string(), usize::from(self.decimals)))
    }
}

/// Reads a sum as [`Totals::to_texts`] writes it: an integer without its point, and how many digits follow the point.
pub(crate) fn sum_of(text: &str) -> Option<(BigInt, usize)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_sum = is_digits(whole) && fraction.is_none_or(is_digits);
    let units = is_sum.then(|| text.replace('.', ""))?.parse().ok()?;
    Some((units, fraction.map_or(0, str::len)))
}

/// `10^exponent`.
fn power_of_ten(exponent: usize) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or(u32::MAX))
}

/// Whether two sums are the same number, however many decimals each is written with.
#[must_use]
pub fn is_same_sum(one: &str, other: &str) -> bool {
    let (Some((one_units, one_decimals)), Some((other_units, other_decimals))) = (sum_of(one), sum_of(other)) else {
        return one == other;
    };
    let decimals = one_decimals.max(other_decimals);
    one_units * power_of_ten(decimals - one_decimals) == other_units * power_of_ten(decimals - other_decimals)
}

/// Reads `[0-9]+(\.[0-9]+)?` as the number without its point, and how many digits follow the point. None if the text
/// is not of that form, or may be too long to fit.
#[inline]
fn short_decimal(text: &[u8]) -> Option<(u64, usize)> {
    /// A u64 holds every number of 19 digits.
    const DIGITS_MAX: usize = 19;
    if text.is_empty() || text.len() > DIGITS_MAX {
        return None;
    }
    let mut value = 0;
    let mut point = None;
    for (at, &byte) in text.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + u64::from(digit);
        } else if byte == b'.' && point.is_none() && at > 0 && at + 1 < text.len() {
            point = Some(at);
        } else {
            return None;
        }
    }
    Some((value, point.map_or(0, |point| text.len() - point - 1)))
}

/// The same for a text of any length and form, with the error. `digits` is `text` without its sign.
fn long_decimal(text: &[u8], digits: &[u8], decimals_max: u8) -> Result<(i128, usize), AmountError> {
    let (whole, fraction) = match digits.iter().position(|&byte| byte == b'.') {
        Some(point) => (&digits[..point], Some(&digits[point + 1..])),
        None => (digits, None),
    };
    let fraction_digits = fraction.unwrap_or_default();
    let well_formed = !whole.is_empty()
        && fraction.is_none_or(|digits| !digits.is_empty())
        && whole.iter().chain(fraction_digits).all(u8::is_ascii_digit);
    if !well_formed {
        return Err(AmountError::Malformed(malformation(text)));
    }
    if fraction_digits.len() > usize::from(decimals_max) {
        return Err(AmountError::TooManyDecimals(fraction_digits.len()));
    }
    let significant = whole.iter().chain(fraction_digits).skip_while(|&&digit| digit == b'0');
    if significant.clone().count() > AMOUNT_DIGITS_MAX {
        return Err(AmountError::TooManyDigits);
    }
    // 38 digits are at most 10^38 - 1, which is less than i128::MAX (about 1.7 * 10^38).
    let magnitude = significant.fold(0_i128, |sum, digit| sum * 10 + i128::from(digit - b'0'));
    Ok((magnitude, fraction_digits.len()))
}

/// Puts the decimal point into the digits of an integer.
fn decimal_text(integer: &str, decimals: usize) -> String {
    if decimals == 0 {
        return integer.to_owned();
    }
    let (sign, digits) = match integer.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", integer),
    };
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    format!("{sign}{whole}.{fraction}")
}

/// The rule that a malformed amount breaks.
fn malformation(text: &[u8]) -> &'static str {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let lowercase = unsigned.to_ascii_lowercase();
    let only = |allowed: &[u8]| {
        !unsigned.is_empty() && unsigned.iter().all(|byte| byte.is_ascii_digit() || allowed.contains(byte))
    };
    if lowercase.starts_with(b"nan") || lowercase.starts_with(b"inf") {
        "NaN and infinity are not amounts"
    } else if text.starts_with(b"+") {
        "a leading plus is not allowed"
    } else if lowercase.starts_with(b"0x") {
        "hexadecimal is not allowed"
    } else if only(b".eE+-") && lowercase.contains(&b'e') {
        "an exponent is not allowed"
    } else if only(b".,'") && unsigned.iter().any(|byte| b",'".contains(byte)) {
        "thousands separators and decimal commas are not allowed"
    } else if unsigned.starts_with(b".") || unsigned.ends_with(b".") {
        "a decimal point needs a digit on both sides"
    } else if text.starts_with(b"(") {
        "a negative amount is written with a minus sign, not in parentheses"
    } else if text.iter().any(u8::is_ascii_whitespace) {
        "blanks are not allowed"
    } else if !text.is_ascii() {
        "only the ASCII digits 0-9, a point and a minus sign are allowed"
    } else {
        "it is not a plain decimal number"
    }
}

/// Sums of amounts, one for each currency, exact whatever their size.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// In the order of their first occurrence. A file has few currencies, so a linear search is fastest.
    by_currency: Vec<(Currency, Sum)>,
}

impl PartialEq for Totals {
    fn eq(&self, other: &Self) -> bool {
        self.to_texts() == other.to_texts()
    }
}

impl Eq for Totals {}

/// A sum counted in units of `10^-decimals`. Almost every sum fits in `small`; amounts that would overflow are added to
/// `large`.
#[derive(Clone, Debug, Default)]
struct Sum {
    small: i128,
    large: BigInt,
    decimals: u8,
}

impl Sum {
    fn value(&self) -> BigInt {
        &self.large + self.small
    }

    /// Adds an amount of a currency with this number of decimals. It varies only for stored data in a retired currency.
    #[inline]
    fn add(&mut self, money: Money, decimals: u8) {
        if decimals > self.decimals {
            self.refine(decimals);
        }
        match money.in_small_units(self.decimals).and_then(|units| self.small.checked_add(units)) {
            Some(sum) => self.small = sum,
            None => self.large += money.in_units(self.decimals),
        }
    }

    /// Counts in smaller units from now on.
    #[cold]
    fn refine(&mut self, decimals: u8) {
        self.large = self.value() * power_of_ten(usize::from(decimals - self.decimals));
        self.small = 0;
        self.decimals = decimals;
    }
}

impl Totals {
    /// Adds one amount to its currency's sum.
    #[inline]
    pub fn add(&mut self, currency: Currency, money: Money) {
        let decimals = currency.decimals();
        match self.by_currency.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, sum)) => sum.add(money, decimals),
            None => {
                let mut sum = Sum { decimals, ..Sum::default() };
                sum.add(money, decimals);
                self.by_currency.push((currency, sum));
            }
        }
    }

    /// The sums as texts with all of the currency's decimals, by currency code: `{"EUR": "12.50", "JPY": "100"}`.
    #[must_use]
    pub fn to_texts(&self) -> BTreeMap<String, String> {
        self.by_currency
            .iter()
            .map(|(currency, sum)| {
                let text = decimal_text(&sum.value().to_string(), usize::from(sum.decimals));
                (currency.code().to_owned(), text)
            })
            .collect()
    }
}

/// Adds up totals as [`Totals::to_texts`] writes them, for the files of one day. A sum has as many decimals as the part
/// with the most: the list of currencies may have changed between two parts.
///
/// # Errors
/// The code of a currency whose sum is malformed.
pub fn add_up<'a>(
    parts: impl IntoIterator<Item = &'a BTreeMap<String, String>>,
) -> Result<BTreeMap<String, String>, String> {
    let mut sums: BTreeMap<String, (BigInt, usize)> = BTreeMap::new();
    for (code, text) in parts.into_iter().flatten() {
        let (units, decimals) = sum_of(text).ok_or_else(|| code.clone())?;
        let (sum, sum_decimals) = sums.entry(code.clone()).or_insert((BigInt::ZERO, decimals));
        let most = decimals.max(*sum_decimals);
        *sum = &*sum * power_of_ten(most - *sum_decimals) + units * power_of_ten(most - decimals);
        *sum_decimals = most;
    }
    Ok(sums.into_iter().map(|(code, (units, decimals))| (code, decimal_text(&units.to_string(), decimals))).collect())
}

#[cfg(test)]
mod tests;

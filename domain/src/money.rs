//! Exact amounts of money. No float touches an amount.

use crate::limits::AMOUNT_DIGITS_MAX;
use num_bigint::BigInt;
use std::collections::BTreeMap;
use std::fmt;

use crate::Currency;

/// An exact decimal of at most 38 significant digits, without trailing zeros in its fraction.
///
/// `12.50` and `12.5` are the same `Money`. Its text (`Display`) is canonical: no leading plus, no leading or trailing
/// zeros, no exponent, and it is what a DynamoDB number returns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Money {
    unscaled: i128,
    decimals: u8,
}

/// Why a text is not an amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AmountFault {
    /// Not `-?[0-9]+(\.[0-9]+)?`. The text says which rule it broke.
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
    /// An [`AmountFault`] that says which rule the text breaks.
    pub fn parse(text: &[u8], decimals_max: u8) -> Result<Self, AmountFault> {
        let (negative, digits) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, text),
        };
        let (whole, fraction) = match digits.iter().position(|&byte| byte == b'.') {
            Some(point) => (&digits[..point], Some(&digits[point + 1..])),
            None => (digits, None),
        };
        let fraction_digits = fraction.unwrap_or_default();
        let well_formed = !whole.is_empty()
            && fraction.is_none_or(|digits| !digits.is_empty())
            && whole.iter().chain(fraction_digits).all(u8::is_ascii_digit);
        if !well_formed {
            return Err(AmountFault::Malformed(malformation(text)));
        }
        if fraction_digits.len() > usize::from(decimals_max) {
            return Err(AmountFault::TooManyDecimals(fraction_digits.len()));
        }
        let significant = whole.iter().chain(fraction_digits).skip_while(|&&digit| digit == b'0');
        if significant.clone().count() > AMOUNT_DIGITS_MAX {
            return Err(AmountFault::TooManyDigits);
        }
        // 38 digits are at most 10^38 - 1, which is less than i128::MAX (about 1.7 * 10^38).
        let magnitude = significant.fold(0_i128, |sum, digit| sum * 10 + i128::from(digit - b'0'));
        if negative && magnitude == 0 {
            return Err(AmountFault::NegativeZero);
        }
        let unscaled = if negative { -magnitude } else { magnitude };
        // The currency's decimals fit in a u8, and the fraction is no longer than they are.
        let decimals = u8::try_from(fraction_digits.len()).unwrap_or(decimals_max);
        Ok(Self::without_trailing_zeros(unscaled, decimals))
    }

    fn without_trailing_zeros(mut unscaled: i128, mut decimals: u8) -> Self {
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

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&decimal_text(&self.unscaled.to_string(), usize::from(self.decimals)))
    }
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

/// Names the rule that a malformed amount breaks, so that its sender need not guess.
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    by_currency: BTreeMap<Currency, Sum>,
}

/// A sum counted in the currency's minor units. Almost every sum fits in `small`; what would overflow moves to `large`.
#[derive(Clone, Debug, Default)]
struct Sum {
    small: i128,
    large: BigInt,
}

impl PartialEq for Sum {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl Eq for Sum {}

impl Sum {
    fn value(&self) -> BigInt {
        &self.large + self.small
    }

    fn add(&mut self, money: Money, decimals: u8) {
        let scale = 10_i128.checked_pow(u32::from(decimals.saturating_sub(money.decimals)));
        let sum =
            scale.and_then(|scale| money.unscaled.checked_mul(scale)).and_then(|units| self.small.checked_add(units));
        match sum {
            Some(sum) => self.small = sum,
            None => self.large += money.in_units(decimals),
        }
    }
}

impl Totals {
    /// Adds one amount to its currency's sum.
    pub fn add(&mut self, currency: Currency, money: Money) {
        self.by_currency.entry(currency).or_default().add(money, currency.decimals());
    }

    /// The sums as texts with all of the currency's decimals, by currency code: `{"EUR": "12.50", "JPY": "100"}`.
    #[must_use]
    pub fn to_texts(&self) -> BTreeMap<String, String> {
        self.by_currency
            .iter()
            .map(|(currency, sum)| {
                let text = decimal_text(&sum.value().to_string(), usize::from(currency.decimals()));
                (currency.code().to_owned(), text)
            })
            .collect()
    }
}

/// Adds up totals that came as texts, as [`Totals::to_texts`] writes them. Used where the parts of one file meet.
///
/// # Errors
/// The currency whose sum is not one of ours.
pub fn add_up<'a>(
    parts: impl IntoIterator<Item = &'a BTreeMap<String, String>>,
) -> Result<BTreeMap<String, String>, String> {
    let mut sums: BTreeMap<String, (BigInt, usize)> = BTreeMap::new();
    for (code, text) in parts.into_iter().flatten() {
        let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let units: BigInt = text.replace('.', "").parse().map_err(|_| code.clone())?;
        let sum = sums.entry(code.clone()).or_insert((BigInt::ZERO, decimals));
        if sum.1 != decimals {
            return Err(code.clone());
        }
        sum.0 += units;
    }
    Ok(sums.into_iter().map(|(code, (units, decimals))| (code, decimal_text(&units.to_string(), decimals))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (text, decimals, expected) in [
            ("0", 2, "0"),
            ("12", 2, "12"),
            ("12.5", 2, "12.5"),
            ("12.50", 2, "12.5"),
            ("-12.34", 2, "-12.34"),
            ("007.10", 2, "7.1"),
            ("100", 0, "100"),
            ("0.001", 3, "0.001"),
            ("-0.01", 2, "-0.01"),
            ("0.00", 2, "0"),
            ("99999999999999999999999999999999999999", 2, "99999999999999999999999999999999999999"),
            ("999999999999999999999999999999999999.99", 2, "999999999999999999999999999999999999.99"),
            ("0000000000000000000000000000000000000000000001", 2, "1"),
        ] {
            let money = Money::parse(text.as_bytes(), decimals).map(|money| money.to_string());
            assert_eq!(money.as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_exact_amount_is_refused() {
        use AmountFault::{NegativeZero, TooManyDecimals, TooManyDigits};
        for text in [
            "",
            "-",
            "NaN",
            "nan",
            "inf",
            "-Infinity",
            "1e309",
            "1E2",
            "+1",
            "1,000.00",
            "12,50",
            "1'000",
            "0x1F",
            "١٢",
            "１２",
            ".5",
            "5.",
            "(5.00)",
            "$5",
            "5 USD",
            "1 000",
            " 1",
            "1 ",
            "--1",
            "1.2.3",
            "1-",
            "5€",
        ] {
            let fault = Money::parse(text.as_bytes(), 2);
            assert!(matches!(fault, Err(AmountFault::Malformed(_))), "{text}: {fault:?}");
        }
        assert_eq!(Money::parse(b"-0", 2), Err(NegativeZero));
        assert_eq!(Money::parse(b"-0.00", 2), Err(NegativeZero));
        assert_eq!(Money::parse(b"1.5", 0), Err(TooManyDecimals(1)));
        assert_eq!(Money::parse(b"1.000", 2), Err(TooManyDecimals(3)));
        assert_eq!(Money::parse(&[b'1'; 39], 2), Err(TooManyDigits));
        assert_eq!(Money::parse(format!("{}.99", "1".repeat(37)).as_bytes(), 2), Err(TooManyDigits));
    }

    #[test]
    fn totals_stay_exact_beyond_any_integer_of_the_machine() {
        let usd = Currency::parse(b"USD").unwrap();
        let largest = Money::parse(&[b'9'; 38], 2).unwrap();
        let mut totals = Totals::default();
        for _ in 0..1000 {
            totals.add(usd, largest);
        }
        totals.add(usd, Money::parse(b"0.01", 2).unwrap());
        assert_eq!(totals.to_texts()["USD"], format!("{}000.01", BigInt::from(10).pow(38) - 1));
    }

    #[test]
    fn the_parts_of_a_file_add_up() {
        let part = |usd: &str, jpy: &str| {
            BTreeMap::from([("USD".to_owned(), usd.to_owned()), ("JPY".to_owned(), jpy.to_owned())])
        };
        let sum = add_up([&part("1.10", "5"), &part("-2.20", "7")]).unwrap();
        assert_eq!(sum, part("-1.10", "12"));
        assert_eq!(add_up([&part("1.10", "5"), &part("2", "7")]), Err("USD".to_owned()));
        assert_eq!(add_up([&part("x", "5")]), Err("USD".to_owned()));
    }

    proptest! {
        #[test]
        fn text_and_value_agree(text in "-?[0-9]{1,30}(\\.[0-9]{1,4})?") {
            if let Ok(money) = Money::parse(text.as_bytes(), 4) {
                let canonical = money.to_string();
                prop_assert_eq!(Money::parse(canonical.as_bytes(), 4), Ok(money));
                let zeros_aside = |text: &str| {
                    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
                    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
                    (sign.to_owned(), whole.trim_start_matches('0').to_owned(), fraction.trim_end_matches('0').to_owned())
                };
                prop_assert_eq!(zeros_aside(&canonical), zeros_aside(&text));
            } else {
                prop_assert!(text.starts_with('-') && text.chars().all(|c| "-0.".contains(c)));
            }
        }

        #[test]
        fn totals_equal_the_sum_of_big_integers(cents in proptest::collection::vec(any::<i64>(), 0..50)) {
            let usd = Currency::parse(b"USD").unwrap();
            let mut totals = Totals::default();
            for amount in &cents {
                let text = decimal_text(&amount.to_string(), 2);
                if let Ok(money) = Money::parse(text.as_bytes(), 2) { totals.add(usd, money); }
            }
            let sum: BigInt = cents.iter().map(|&amount| BigInt::from(amount)).sum();
            let expected = if cents.is_empty() { None } else { Some(decimal_text(&sum.to_string(), 2)) };
            prop_assert_eq!(totals.to_texts().get("USD").cloned(), expected);
        }

        #[test]
        fn no_text_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..60), decimals in 0_u8..5) {
            let _ = Money::parse(&text, decimals);
        }
    }
}

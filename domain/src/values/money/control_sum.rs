//! The sums of all currencies in one additive number.

use super::sum_of;
use crate::Currency;
use num_bigint::{BigInt, Sign};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Add;

/// A number below 2^127 - 1 that is derived from the sums of some records by currency. The control sums of the parts of
/// a file add up to that of the file. If sums differ, their control sums are equal with a probability of about 10^-38:
/// each sum is multiplied by a factor that is derived from its currency, modulo that prime. It does not depend on the
/// list of currencies, which may change while a file is processed: equal numbers have equal control sums.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ControlSum(u128);

/// The currencies whose sums are counted in units other than hundredths, by the number of decimals of the unit. These
/// are the minor units of the list of 2026. They never change, even if that list does: earlier control sums are
/// compared with later ones.
const UNITS: [(u8, &[&str]); 3] = [
    (
        0,
        &[
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
            "XOF", "XPF",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (4, &["CLF", "UYW"]),
];
const HUNDREDTHS: u8 = 2;

/// A prime.
const MODULUS: u128 = (1 << 127) - 1;

impl ControlSum {
    /// The control sum of sums as [`super::Totals::to_texts`] writes them; none if they are not of that form.
    #[must_use]
    pub fn of(totals: &BTreeMap<String, String>) -> Option<Self> {
        totals.iter().try_fold(Self::default(), |sum, (code, text)| Some(sum + Self::of_currency(code, text)?))
    }

    fn of_currency(code: &str, text: &str) -> Option<Self> {
        Currency::well_formed(code.as_bytes())?;
        let (units, decimals) = sum_of(text)?;
        let modulus = BigInt::from(MODULUS);
        // By Fermat's little theorem, `x^(MODULUS - 1 + n)` is `x^n`, which gives negative powers too.
        let exponent = (MODULUS - 1 + u128::from(unit_decimals(code))).checked_sub(u128::try_from(decimals).ok()?)?;
        let scale = BigInt::from(10).modpow(&BigInt::from(exponent), &modulus);
        let product = units * scale * factor(code) % &modulus;
        let residue = if product.sign() == Sign::Minus { product + modulus } else { product };
        u128::try_from(residue).ok().map(Self)
    }
}

fn unit_decimals(code: &str) -> u8 {
    UNITS.iter().find(|(_, codes)| codes.contains(&code)).map_or(HUNDREDTHS, |(decimals, _)| *decimals)
}

/// The factor of a currency.
fn factor(code: &str) -> BigInt {
    BigInt::from_bytes_be(Sign::Plus, &Sha256::digest(format!("control sum\n{code}"))) % BigInt::from(MODULUS)
}

impl Add for ControlSum {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        // Both are below 2^127, so that their sum fits.
        Self((self.0 + other.0) % MODULUS)
    }
}

impl From<ControlSum> for String {
    fn from(sum: ControlSum) -> Self {
        format!("{:032x}", sum.0)
    }
}

impl TryFrom<String> for ControlSum {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = u128::from_str_radix(&text, 16).ok().filter(|number| is_hex && *number < MODULUS);
        number.map(Self).ok_or("a control sum is 32 hexadecimal digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Money, Totals};
    use proptest::prelude::*;

    fn totals(amounts: &[(&str, String)]) -> Totals {
        let mut totals = Totals::default();
        for (code, amount) in amounts {
            let currency = Currency::parse(code.as_bytes()).unwrap();
            totals.add(currency, Money::parse(amount.as_bytes(), currency.decimals()).unwrap());
        }
        totals
    }

    fn sum(amounts: &[(&str, String)]) -> ControlSum {
        ControlSum::of(&totals(amounts).to_texts()).unwrap()
    }

    fn amounts() -> impl Strategy<Value = Vec<(&'static str, String)>> {
        let amount = (prop::sample::select(vec!["USD", "EUR", "JPY", "KWD", "CLF"]), "-?[1-9][0-9]{0,30}");
        prop::collection::vec(amount, 0..20)
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(amounts in amounts(), at in any::<prop::sample::Index>()) {
            let (first, rest) = amounts.split_at(at.index(amounts.len() + 1));
            prop_assert_eq!(sum(first) + sum(rest), sum(&amounts));
        }

        #[test]
        fn different_sums_differ(amounts in amounts(), others in amounts()) {
            let same = totals(&amounts).to_texts() == totals(&others).to_texts();
            prop_assume!(!same);
            prop_assert_ne!(sum(&amounts), sum(&others));
        }
    }

    #[test]
    fn currencies_and_single_cents_differ() {
        let of = |code, amount: &str| sum(&[(code, amount.to_owned())]);
        assert_ne!(of("USD", "1"), of("EUR", "1"));
        assert_ne!(of("USD", "1"), of("USD", "1.01"));
        assert_ne!(of("USD", "1"), of("USD", "-1"));
        assert_eq!(of("USD", "5") + of("USD", "-5"), ControlSum::default());
        let nines = "9".repeat(36);
        assert_ne!(of("USD", &nines), of("USD", &format!("{nines}.01")));
    }

    #[test]
    fn it_depends_on_no_list_of_currencies() {
        let of = |code: &str, text: &str| ControlSum::of(&BTreeMap::from([(code.to_owned(), text.to_owned())]));
        for code in ["USD", "HRK", "QQQ"] {
            assert!(of(code, "12.50").is_some());
            assert_eq!(of(code, "12.50"), of(code, "12.5"));
            assert_eq!(of(code, "12"), of(code, "12.000"));
            assert_ne!(of(code, "12.50"), of(code, "1250"));
        }
    }

    #[test]
    fn it_is_stable_across_versions() {
        let amounts = [("USD", "12.50"), ("JPY", "-7"), ("KWD", "1.125"), ("CLF", "1.2345")];
        let sum = sum(&amounts.map(|(code, amount)| (code, amount.to_owned())));
        assert_eq!(String::from(sum), "6a1534ea73342d1ad351fc73f662e2f4");
    }

    #[test]
    fn only_its_own_text_is_read() {
        let some = sum(&[("USD", "12.30".to_owned())]);
        let text = serde_json::to_string(&some).unwrap();
        assert_eq!((text.len(), serde_json::from_str(&text).ok()), (34, Some(some)));
        for text in ["", "0", &"g".repeat(32), &"f".repeat(32), "+0000000000000000000000000000000"] {
            assert!(ControlSum::try_from(text.to_owned()).is_err(), "{text}");
        }
        for (code, text) in [("USD", "1."), ("USD", ".1"), ("USD", "x"), ("USD", ""), ("usd", "1"), ("USDD", "1")] {
            assert_eq!(ControlSum::of(&BTreeMap::from([(code.to_owned(), text.to_owned())])), None, "{code} {text}");
        }
    }
}

//! Currencies of ISO 4217, as listed by the `iso_currency` crate.

use crate::Money;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A currency, with the number of decimals of its amounts.
///
/// Whether a new amount may use a currency and whether a currency is known are two questions. [`Currency::parse`]
/// checks new input against the current list; [`Currency::known`] reads stored data, which an earlier list may have
/// accepted.
#[derive(Clone, Copy)]
pub struct Currency {
    code: [u8; 3],
    decimals: u8,
}

/// Two currencies are the same if their codes are.
impl PartialEq for Currency {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Currency {}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code.cmp(&other.code)
    }
}

impl Hash for Currency {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.code.hash(state);
    }
}

/// Why a text is not a currency that is accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CurrencyError {
    /// Not a code of ISO 4217 in three capital letters.
    Unknown,
    /// A code that ISO 4217 has replaced by another.
    NotActive,
    /// A code without a minor unit (precious metals, test codes): the number of its decimals is not defined.
    WithoutMinorUnit,
}

/// Codes that the crate lists as superseded although they are on ISO 4217's list of active codes. VES stayed in use
/// beside VED: the standard's amendment 170 (2021) added VED without replacing VES.
const STILL_ACTIVE: [&[u8]; 1] = [b"VES"];

impl Currency {
    /// Reads the three-letter code of a currency for a new file or payment: it is active and has a minor unit.
    ///
    /// # Errors
    /// A [`CurrencyError`] with the reason for the rejection.
    pub fn parse(text: &[u8]) -> Result<Self, CurrencyError> {
        let code: [u8; 3] = text.try_into().map_err(|_| CurrencyError::Unknown)?;
        let listed = listed(&code).ok_or(CurrencyError::Unknown)?;
        if listed.is_superseded().is_some() && !STILL_ACTIVE.contains(&text) {
            return Err(CurrencyError::NotActive);
        }
        let decimals = decimals(listed).ok_or(CurrencyError::WithoutMinorUnit)?;
        Ok(Self { code, decimals })
    }

    /// Reads the code of stored data, which may have been accepted by an earlier list: three capital letters. The
    /// number of decimals comes from the list if it has the code, active or not; from `amount` if that has more
    /// decimals or the code is no longer listed.
    #[must_use]
    pub fn known(text: &[u8], amount: Money) -> Option<Self> {
        Self::well_formed(text).map(|currency| currency.with(amount))
    }

    /// Reads a code of three capital letters, with the decimals that the list has for it, or 0.
    #[must_use]
    pub fn well_formed(text: &[u8]) -> Option<Self> {
        let code: [u8; 3] = text.try_into().ok().filter(|code: &[u8; 3]| code.iter().all(u8::is_ascii_uppercase))?;
        Some(Self { code, decimals: listed(&code).and_then(decimals).unwrap_or_default() })
    }

    /// Reads a code that may be of new or of stored data: one that is accepted now, or was before it was retired.
    ///
    /// # Errors
    /// A [`CurrencyError`] with the reason why no amount can have this code.
    pub fn past_or_present(text: &[u8]) -> Result<Self, CurrencyError> {
        match Self::parse(text) {
            Err(CurrencyError::NotActive) => Self::well_formed(text).ok_or(CurrencyError::Unknown),
            read => read,
        }
    }

    /// This currency, with at least as many decimals as `amount` has.
    #[inline]
    fn with(self, amount: Money) -> Self {
        Self { decimals: self.decimals.max(amount.decimals()), ..self }
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(&self) -> &str {
        // The code was valid UTF-8 when it was parsed, so the fallback is never used.
        std::str::from_utf8(&self.code).unwrap_or_default()
    }

    /// The number of decimals of its minor unit: 2 for USD, 0 for JPY, 3 for BHD.
    #[must_use]
    pub fn decimals(&self) -> u8 {
        self.decimals
    }
}

/// The list's entry for a code, active or not.
fn listed(code: &[u8; 3]) -> Option<iso_currency::Currency> {
    let code = std::str::from_utf8(code).ok().filter(|code| code.bytes().all(|byte| byte.is_ascii_uppercase()))?;
    iso_currency::Currency::from_code(code)
}

fn decimals(listed: iso_currency::Currency) -> Option<u8> {
    u8::try_from(listed.exponent()?).ok()
}

/// Reads codes and caches them: a file repeats a few codes, and a lookup in the list takes longer than everything else
/// that is done with an amount.
#[derive(Clone, Debug)]
pub(crate) struct CurrencyReader {
    known: [Option<Currency>; Self::SLOTS],
}

impl Default for CurrencyReader {
    fn default() -> Self {
        Self { known: [None; Self::SLOTS] }
    }
}

impl CurrencyReader {
    const SLOTS: usize = 64;

    /// As [`Currency::parse`]. Use a reader either with this or with [`CurrencyReader::known`], never with both.
    #[inline]
    pub(crate) fn parse(&mut self, text: &[u8]) -> Result<Currency, CurrencyError> {
        self.remember(text, Currency::parse)
    }

    /// As [`Currency::known`].
    #[inline]
    pub(crate) fn known(&mut self, text: &[u8], amount: Money) -> Option<Currency> {
        let read = |text: &[u8]| Currency::well_formed(text).ok_or(CurrencyError::Unknown);
        Some(self.remember(text, read).ok()?.with(amount))
    }

    #[inline]
    fn remember(
        &mut self,
        text: &[u8],
        read: impl FnOnce(&[u8]) -> Result<Currency, CurrencyError>,
    ) -> Result<Currency, CurrencyError> {
        let code: [u8; 3] = text.try_into().map_err(|_| CurrencyError::Unknown)?;
        // Codes that share a slot evict each other, which costs only time.
        let [first, second, third] = code.map(usize::from);
        let slot = &mut self.known[(first * 7 + second * 3 + third) % Self::SLOTS];
        if let Some(currency) = slot.filter(|currency| currency.code == code) {
            return Ok(currency);
        }
        let currency = read(text)?;
        *slot = Some(currency);
        Ok(currency)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_codes_have_their_decimals() {
        for (code, decimals) in [
            ("USD", 2),
            ("EUR", 2),
            ("JPY", 0),
            ("KRW", 0),
            ("BHD", 3),
            ("KWD", 3),
            ("CLF", 4),
            ("CHF", 2),
            ("XCG", 2),
            ("VES", 2),
            ("VED", 2),
        ] {
            assert_eq!(Currency::parse(code.as_bytes()).map(|currency| currency.decimals()), Ok(decimals), "{code}");
        }
    }

    #[test]
    fn a_reader_with_a_cache_reads_the_same() {
        let mut reader = CurrencyReader::default();
        let letters = || b'A'..=b'Z';
        for code in letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| [a, b, c]))) {
            assert_eq!(reader.parse(&code), Currency::parse(&code));
            assert_eq!(reader.parse(&code), Currency::parse(&code));
        }
        assert_eq!(reader.parse(b"EURO"), Err(CurrencyError::Unknown));
    }

    #[test]
    fn stored_codes_are_known_whatever_the_current_list_has() {
        let known = |code: &str, amount: &str| {
            let amount = Money::known(amount.as_bytes()).unwrap();
            let read = Currency::known(code.as_bytes(), amount);
            assert_eq!(CurrencyReader::default().known(code.as_bytes(), amount), read);
            read.map(|currency| currency.decimals())
        };
        for (code, amount, decimals) in [
            ("EUR", "1", Some(2)),
            ("EUR", "1.505", Some(3)),
            ("HRK", "1.5", Some(2)),
            ("XXX", "1.5", Some(1)),
            ("QQQ", "1", Some(0)),
            ("QQQ", "1.125", Some(3)),
            ("eur", "1", None),
            ("EURO", "1", None),
            ("EU", "1", None),
            ("E1R", "1", None),
        ] {
            assert_eq!(known(code, amount), decimals, "{code} {amount}");
        }
        for (code, decimals) in [("EUR", Ok(2)), ("HRK", Ok(2)), ("QQQ", Err(CurrencyError::Unknown))] {
            let read = Currency::past_or_present(code.as_bytes());
            assert_eq!(read.map(|currency| currency.decimals()), decimals, "{code}");
        }
        let of = |amount: &[u8]| Currency::known(b"QQQ", Money::known(amount).unwrap());
        assert_eq!(of(b"1"), of(b"1.25"), "it is the same currency");
    }

    #[test]
    fn rejects_other_codes_with_their_reason() {
        use CurrencyError::{NotActive, Unknown, WithoutMinorUnit};
        for (code, error) in [
            ("usd", Unknown),
            ("Usd", Unknown),
            ("ZZZ", Unknown),
            ("US", Unknown),
            ("USDD", Unknown),
            ("", Unknown),
            ("U$D", Unknown),
            ("ＵＳＤ", Unknown),
            ("HRK", NotActive),
            ("BGN", NotActive),
            ("XAU", WithoutMinorUnit),
            ("XTS", WithoutMinorUnit),
            ("XXX", WithoutMinorUnit),
        ] {
            assert_eq!(Currency::parse(code.as_bytes()), Err(error), "{code}");
        }
    }
}

//! Currencies of ISO 4217, as listed by the `iso_currency` crate.

use std::fmt;

/// An active ISO 4217 currency that has a minor unit, so that an amount in it can be exact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    decimals: u8,
}

/// Why a text is not a currency that we take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CurrencyFault {
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
    /// Reads a three-letter code.
    ///
    /// # Errors
    /// A [`CurrencyFault`] that says why the code is refused.
    pub fn parse(text: &[u8]) -> Result<Self, CurrencyFault> {
        let code: [u8; 3] = text.try_into().map_err(|_| CurrencyFault::Unknown)?;
        let listed = std::str::from_utf8(&code)
            .ok()
            .filter(|code| code.bytes().all(|byte| byte.is_ascii_uppercase()))
            .and_then(iso_currency::Currency::from_code)
            .ok_or(CurrencyFault::Unknown)?;
        if listed.is_superseded().is_some() && !STILL_ACTIVE.contains(&text) {
            return Err(CurrencyFault::NotActive);
        }
        let decimals = listed
            .exponent()
            .and_then(|exponent| u8::try_from(exponent).ok())
            .ok_or(CurrencyFault::WithoutMinorUnit)?;
        Ok(Self { code, decimals })
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(&self) -> &str {
        // The code was valid UTF-8 when it was parsed, so the fallback is never taken.
        std::str::from_utf8(&self.code).unwrap_or_default()
    }

    /// The number of decimals of its minor unit: 2 for USD, 0 for JPY, 3 for BHD.
    #[must_use]
    pub fn decimals(&self) -> u8 {
        self.decimals
    }
}

/// Reads codes and remembers them: a file repeats few of them, and to look one up in the list takes longer than all else
/// that is done with an amount.
#[derive(Clone, Debug)]
pub(crate) struct CurrencyReader {
    known: [Option<Currency>; Self::PLACES],
}

impl Default for CurrencyReader {
    fn default() -> Self {
        Self { known: [None; Self::PLACES] }
    }
}

impl CurrencyReader {
    const PLACES: usize = 64;

    /// As [`Currency::parse`].
    #[inline]
    pub(crate) fn parse(&mut self, text: &[u8]) -> Result<Currency, CurrencyFault> {
        let code: [u8; 3] = text.try_into().map_err(|_| CurrencyFault::Unknown)?;
        // Codes that share a place take it from each other, which costs time and nothing else.
        let [first, second, third] = code.map(usize::from);
        let place = &mut self.known[(first * 7 + second * 3 + third) % Self::PLACES];
        if let Some(currency) = place.filter(|currency| currency.code == code) {
            return Ok(currency);
        }
        let currency = Currency::parse(text)?;
        *place = Some(currency);
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
    fn a_reader_that_remembers_reads_the_same() {
        let mut reader = CurrencyReader::default();
        let letters = || b'A'..=b'Z';
        for code in letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| [a, b, c]))) {
            assert_eq!(reader.parse(&code), Currency::parse(&code));
            assert_eq!(reader.parse(&code), Currency::parse(&code));
        }
        assert_eq!(reader.parse(b"EURO"), Err(CurrencyFault::Unknown));
    }

    #[test]
    fn other_codes_are_refused_with_their_reason() {
        use CurrencyFault::{NotActive, Unknown, WithoutMinorUnit};
        for (code, fault) in [
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
            assert_eq!(Currency::parse(code.as_bytes()), Err(fault), "{code}");
        }
    }
}

//! One payment of the archive: a line of newline-delimited JSON.

use crate::payments::risk::Analysis;
use crate::payments::webhook::{AmountBand, EventType, PaymentStatus, Provider};
use crate::{ContentDigest, Currency, Money};
use serde::{Deserialize, Serialize};

/// A payment in the archive.
///
/// Its amount is a JSON string. A number would be as exact in the file, but most readers convert numbers to floats. For
/// the same reason, `metadata` and `additional` are strings with the JSON that was sent, byte for byte; a reader who
/// needs a field parses them separately.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArchivedPayment {
    /// Its id, unique for its provider.
    pub transaction_id: String,
    /// The provider.
    pub provider: Provider,
    /// The type of the event.
    pub event_type: EventType,
    /// Its amount.
    pub amount: Money,
    /// The currency of the amount.
    pub currency: Currency,
    /// The band of its amount, which decides its route.
    pub amount_band: AmountBand,
    /// The payer, as the provider names it.
    pub customer_id: String,
    /// Its status.
    pub status: PaymentStatus,
    /// When it was received, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// When its event was published, in milliseconds since 1970; none for an event that is not routed.
    pub published_at_ms: Option<u64>,
    /// The SHA-256 of its canonical content.
    pub digest: ContentDigest,
    /// The member `metadata` as it was sent.
    pub metadata: Option<String>,
    /// The unknown members, as an object.
    pub additional: Option<String>,
    /// Its risk analysis, if it was assessed.
    pub analysis: Option<Analysis>,
}

/// Why a line is not an archived payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ArchiveLineError {
    /// It is not JSON of this format.
    #[error("the line is not an archived payment from column {column}")]
    Json {
        /// The first column with an error, from 1.
        column: usize,
    },
    /// It is of a later format.
    #[error("the line is of format {0}; this program knows format {FORMAT}")]
    Format(u32),
    /// The value of a member is malformed. Holds the name of the member.
    #[error("{0} is not valid")]
    Member(&'static str),
}

/// Incremented when a reader of earlier lines could misunderstand later ones.
const FORMAT: u32 = 1;

/// The JSON of the line. Members without a value are omitted.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    format: u32,
    transaction_id: String,
    provider: String,
    #[serde(rename = "type")]
    event_type: String,
    amount: String,
    currency: String,
    amount_band: AmountBand,
    customer_id: String,
    status: PaymentStatus,
    received_at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published_at_ms: Option<u64>,
    digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    additional: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    analysis: Option<Analysis>,
}

impl ArchivedPayment {
    /// The payment as one line, including its line feed.
    #[must_use]
    pub fn to_line(&self) -> String {
        let line = Line {
            format: FORMAT,
            transaction_id: self.transaction_id.clone(),
            provider: self.provider.as_str().to_owned(),
            event_type: self.event_type.as_str().to_owned(),
            amount: self.amount.to_string(),
            currency: self.currency.code().to_owned(),
            amount_band: self.amount_band,
            customer_id: self.customer_id.clone(),
            status: self.status,
            received_at_ms: self.received_at_ms,
            published_at_ms: self.published_at_ms,
            digest: self.digest.as_str().to_owned(),
            metadata: self.metadata.clone(),
            additional: self.additional.clone(),
            analysis: self.analysis.clone(),
        };
        // Strings, integers and names always serialize.
        let mut text = serde_json::to_string(&line).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a line, with or without its line feed.
    ///
    /// # Errors
    /// An [`ArchiveLineError`], which never repeats content of the line.
    pub fn parse(line: &str) -> Result<Self, ArchiveLineError> {
        /// Read first, so that a line of a later format is recognized whatever it contains.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let member = ArchiveLineError::Member;
        let json = |error: serde_json::Error| ArchiveLineError::Json { column: error.column() };
        let Format { format } = serde_json::from_str(line).map_err(json)?;
        if format != FORMAT {
            return Err(ArchiveLineError::Format(format));
        }
        let line: Line = serde_json::from_str(line).map_err(json)?;
        let amount = Money::known(line.amount.as_bytes()).map_err(|_| member("amount"))?;
        let currency = Currency::known(line.currency.as_bytes(), amount).ok_or(member("currency"))?;
        Ok(Self {
            transaction_id: line.transaction_id,
            provider: Provider::named(&line.provider).ok_or(member("provider"))?,
            event_type: EventType::named(&line.event_type).ok_or(member("type"))?,
            amount,
            currency,
            amount_band: line.amount_band,
            customer_id: line.customer_id,
            status: line.status,
            received_at_ms: line.received_at_ms,
            published_at_ms: line.published_at_ms,
            digest: ContentDigest::parse(&line.digest).ok_or(member("digest"))?,
            metadata: line.metadata,
            additional: line.additional,
            analysis: line.analysis,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::payments::risk::{PaymentFacts, assess};
    use crate::payments::webhook::Payment;
    use proptest::prelude::*;

    pub(in crate::payments::archive) fn archived(
        amount: &str,
        metadata: Option<String>,
        additional: Option<String>,
        analyzed: bool,
    ) -> ArchivedPayment {
        let currency = Currency::parse(b"EUR").unwrap();
        let amount = Money::parse(amount.as_bytes(), 2).unwrap();
        let facts =
            PaymentFacts { transaction_id: "T1", amount, currency, received_at_ms: 7, metadata: metadata.as_deref() };
        ArchivedPayment {
            transaction_id: "T1".to_owned(),
            provider: Provider::named("acme").unwrap(),
            event_type: EventType::default(),
            amount,
            currency,
            amount_band: AmountBand::of(amount),
            customer_id: "C 1".to_owned(),
            status: if analyzed { PaymentStatus::Analyzed } else { PaymentStatus::Pending },
            received_at_ms: 7,
            published_at_ms: analyzed.then_some(8),
            digest: ContentDigest::of(b"content"),
            analysis: analyzed.then(|| assess(&facts, &[], None)),
            metadata,
            additional,
        }
    }

    #[test]
    fn a_line_is_one_line_of_plain_json() {
        let line = archived("12.50", Some("{\n \"n\": 1.0 }".to_owned()), None, false).to_line();
        let digest = ContentDigest::of(b"content");
        let expected = format!(
            r#"{{"format":1,"transaction_id":"T1","provider":"acme","type":"transaction.created","amount":"12.5","currency":"EUR","amount_band":"low","customer_id":"C 1","status":"pending","received_at_ms":7,"digest":"{}","metadata":"{{\n \"n\": 1.0 }}"}}"#,
            digest.as_str()
        );
        assert_eq!(line, format!("{expected}\n"));
    }

    #[test]
    fn rejects_other_lines_without_repeating_them() {
        let line = archived("12.50", None, None, true).to_line();
        assert!(ArchivedPayment::parse(line.trim_end()).is_ok());
        for (from, to, expected) in [
            ("\"format\":1", "\"format\":2,\"new\":1", "the line is of format 2; this program knows format 1"),
            ("\"12.5\"", "\"1e2\"", "amount is not valid"),
            ("\"EUR\"", "\"eur\"", "currency is not valid"),
            ("\"acme\"", "\"ACME\"", "provider is not valid"),
            ("transaction.created", "a b", "type is not valid"),
            ("\"digest\":\"", "\"digest\":\"0", "digest is not valid"),
            ("\"12.5\"", "12.5", "the line is not an archived payment from column "),
            ("\"status\":\"analyzed\"", "\"status\":\"4111\"", "the line is not an archived payment from column "),
            ("{\"format\"", "{\"unknown\":4111,\"format\"", "the line is not an archived payment from column "),
            ("\n", "{}", "the line is not an archived payment from column "),
        ] {
            let error = ArchivedPayment::parse(&line.replace(from, to)).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{to}: {error}");
            assert!(!format!("{error:?}").contains("4111"), "{error:?}");
        }
        assert!(ArchivedPayment::parse("").is_err());
    }

    #[test]
    fn reads_accepted_payments_even_if_rules_changed() {
        let line = archived("12.50", None, None, true).to_line();
        for (currency, amount) in [("HRK", "12.5"), ("QQQ", "12.5"), ("JPY", "12.505"), ("EUR", "12.505")] {
            let line =
                line.replace("\"EUR\"", &format!("\"{currency}\"")).replace("\"12.5\"", &format!("\"{amount}\""));
            let read = ArchivedPayment::parse(&line).unwrap();
            assert_eq!((read.currency.code(), read.amount.to_string().as_str()), (currency, amount));
            assert_eq!(read.to_line(), line);
        }
    }

    #[test]
    fn a_payment_keeps_its_exact_texts() {
        let body = r#"{"transaction_id":"T1","amount":"0.10","currency":"EUR","provider":"acme","customer_id":"C 1",
            "metadata":{ "rate": 1.000000000000000000001 },"fee":1e400}"#;
        let payment = Payment::read(body.as_bytes()).unwrap();
        let stored = archived("0.10", payment.metadata.clone(), payment.additional.clone(), false);
        let back = ArchivedPayment::parse(&stored.to_line()).unwrap();
        assert_eq!((back.metadata, back.additional), (payment.metadata, payment.additional));
        assert_eq!(back.amount, payment.amount);
    }

    proptest! {
        #[test]
        fn lines_are_read_back_as_they_were_written(
            amount in "[0-9]{1,30}(\\.[0-9]{1,2})?",
            metadata in any::<Option<String>>(),
            additional in any::<Option<String>>(),
            analyzed in any::<bool>(),
        ) {
            let payment = archived(&amount, metadata, additional, analyzed);
            let line = payment.to_line();
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert_eq!(ArchivedPayment::parse(&line).unwrap(), payment);
        }
    }
}

//! Reads the body of a webhook as a payment, or finds every error of its members.

use super::error::{Field, PaymentError, PaymentErrorCode};
use super::{EventType, Provider};
use crate::limits::{CUSTOMER_ID_CHARS_MAX, TRANSACTION_ID_CHARS_MAX, WEBHOOK_BODY_BYTES_MAX};
use crate::values::currency::CurrencyError;
use crate::values::identifier::is_padded;
use crate::values::json::{self, JsonError, JsonRule, Kind, Member, Value};
use crate::values::money::AmountError;
use crate::{ContentDigest, Currency, Money};
use std::borrow::Cow;

/// A payment that a provider sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    /// Printable ASCII, at most 128 characters, unique for a provider.
    pub transaction_id: String,
    /// Exact, above zero, and no more decimals than the currency has.
    pub amount: Money,
    /// The currency of the amount.
    pub currency: Currency,
    /// The provider in the body, which must be the signer.
    pub provider: Provider,
    /// The payer, as the provider names it: printable ASCII, at most 128 characters.
    pub customer_id: String,
    /// The type of the event; without the member `type`, `transaction.created`.
    pub event_type: EventType,
    /// The object `metadata`, exactly as it was sent: no number in it was converted to a float.
    pub metadata: Option<String>,
    /// Unknown members, as a JSON object with their names and values exactly as they were sent. Providers add members
    /// without notice; rejecting them would lose payments.
    pub additional: Option<String>,
    /// The digest of the content: the order of members, white space, escapes and trailing zeros of the amount do not
    /// matter, everything else does.
    pub digest: ContentDigest,
}

impl Payment {
    /// Reads the raw bytes of a body. An amount may be a JSON number, read from its text, or a string with the same
    /// text: a sender whose JSON library only has floats needs a string to be exact. A number with an exponent is
    /// rejected.
    ///
    /// # Errors
    /// Every [`PaymentError`] of the members, or the one of the body as a whole.
    pub fn read(body: &[u8]) -> Result<Self, Vec<PaymentError>> {
        let whole = |code, byte| vec![PaymentError { byte, ..error(None, code) }];
        if body.len() > WEBHOOK_BODY_BYTES_MAX {
            return Err(whole(PaymentErrorCode::BodyTooLarge, Some(WEBHOOK_BODY_BYTES_MAX)));
        }
        let value = json::parse(body).map_err(|found| vec![json_error(found)])?;
        let Kind::Object(members) = &value.kind else {
            return Err(whole(PaymentErrorCode::NotAnObject, Some(value.start)));
        };
        let mut reading = Reading { members, errors: Vec::new() };
        let transaction_id = reading.required(Field::TransactionId, transaction_id);
        let currency = reading.required(Field::Currency, currency);
        let amount = reading.required(Field::Amount, |value| amount(value, currency));
        let provider = reading.required(Field::Provider, provider);
        let customer_id = reading.required(Field::CustomerId, customer_id);
        let event_type = reading.optional(Field::Type, event_type);
        let metadata = reading.optional(Field::Metadata, metadata);
        match (transaction_id, amount, currency, provider, customer_id) {
            (Some(transaction_id), Some(amount), Some(currency), Some(provider), Some(customer_id))
                if reading.errors.is_empty() =>
            {
                let unknown: Vec<_> = members.iter().filter(|member| is_unknown(member)).collect();
                let mut payment = Self {
                    transaction_id,
                    amount,
                    currency,
                    provider,
                    customer_id,
                    event_type: event_type.unwrap_or_default(),
                    metadata: metadata.map(|value| value.text.to_owned()),
                    additional: exact_object(&unknown),
                    digest: ContentDigest::of(b""),
                };
                payment.digest = payment.content_digest(metadata, &unknown);
                Ok(payment)
            }
            _ => Err(reading.errors),
        }
    }

    /// The SHA-256 of the canonical content. Each line is JSON without a line break, so that no member can contain the
    /// end of another.
    fn content_digest(&self, metadata: Option<&Value<'_>>, unknown: &[&Member<'_>]) -> ContentDigest {
        let mut content = "payment 1\n".to_owned();
        for text in [
            self.event_type.as_str(),
            self.provider.as_str(),
            &self.transaction_id,
            &self.amount.to_string(),
            self.currency.code(),
            &self.customer_id,
        ] {
            json::write_string(text, &mut content);
            content.push('\n');
        }
        if let Some(metadata) = metadata {
            metadata.write_canonical(&mut content);
        }
        content.push('\n');
        json::write_members(unknown.iter().copied(), &mut content);
        ContentDigest::of(content.as_bytes())
    }
}

fn is_unknown(member: &Member<'_>) -> bool {
    Field::ALL.iter().all(|field| field.as_str() != member.name)
}

fn exact_object(members: &[&Member<'_>]) -> Option<String> {
    let texts: Vec<_> = members.iter().map(|member| format!("{}:{}", member.name_text, member.value.text)).collect();
    (!texts.is_empty()).then(|| format!("{{{}}}", texts.join(",")))
}

type ValueError = (PaymentErrorCode, Cow<'static, str>);

fn because(code: PaymentErrorCode) -> ValueError {
    (code, code.reason().into())
}

fn error(field: Option<Field>, code: PaymentErrorCode) -> PaymentError {
    PaymentError { field, code, reason: code.reason().into(), byte: None }
}

fn json_error(found: JsonError) -> PaymentError {
    let code = match found.rule {
        JsonRule::Empty => PaymentErrorCode::BodyEmpty,
        JsonRule::InvalidUtf8 => PaymentErrorCode::EncodingInvalidUtf8,
        JsonRule::ByteOrderMark => PaymentErrorCode::ByteOrderMark,
        JsonRule::Malformed(_) => PaymentErrorCode::JsonMalformed,
        JsonRule::LoneSurrogate => PaymentErrorCode::JsonLoneSurrogate,
        JsonRule::TooDeep => PaymentErrorCode::JsonTooDeep,
        JsonRule::NameRepeated => PaymentErrorCode::JsonNameRepeated,
        JsonRule::TrailingData => PaymentErrorCode::JsonTrailingData,
    };
    let reason = if let JsonRule::Malformed(reason) = found.rule { reason } else { code.reason() };
    PaymentError { field: None, code, reason: reason.into(), byte: Some(found.byte) }
}

struct Reading<'m, 'a> {
    members: &'m [Member<'a>],
    errors: Vec<PaymentError>,
}

impl<'m, 'a> Reading<'m, 'a> {
    /// The value of a required member, or none if it is missing or has an error.
    fn required<T>(&mut self, field: Field, parse: impl FnOnce(&'m Value<'a>) -> Result<T, ValueError>) -> Option<T> {
        if self.value(field).is_none() {
            self.errors.push(error(Some(field), PaymentErrorCode::FieldMissing));
        }
        self.optional(field, parse)
    }

    /// The value of an optional member, or none if it is missing or has an error.
    fn optional<T>(&mut self, field: Field, parse: impl FnOnce(&'m Value<'a>) -> Result<T, ValueError>) -> Option<T> {
        let value = self.value(field)?;
        parse(value)
            .map_err(|(code, reason)| {
                self.errors.push(PaymentError { field: Some(field), code, reason, byte: Some(value.start) });
            })
            .ok()
    }

    fn value(&self, field: Field) -> Option<&'m Value<'a>> {
        self.members.iter().find(|member| member.name == field.as_str()).map(|member| &member.value)
    }
}

fn wrong_type(value: &Value<'_>, expected: &str) -> ValueError {
    (PaymentErrorCode::FieldWrongType, format!("it is {}; {expected} is expected", value.kind_name()).into())
}

fn string<'v>(value: &'v Value<'_>) -> Result<&'v str, ValueError> {
    match &value.kind {
        Kind::String(text) if text.trim().is_empty() => Err(because(PaymentErrorCode::FieldEmpty)),
        Kind::String(text) => Ok(text),
        _ => Err(wrong_type(value, "a string")),
    }
}

fn id(
    value: &Value<'_>,
    chars_max: usize,
    [not_ascii, too_long, padded]: [PaymentErrorCode; 3],
) -> Result<String, ValueError> {
    let text = string(value)?;
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(because(not_ascii));
    }
    if text.len() > chars_max {
        return Err((
            too_long,
            format!("the id has {} characters; at most {chars_max} are allowed", text.len()).into(),
        ));
    }
    if is_padded(text.as_bytes()) {
        return Err(because(padded));
    }
    Ok(text.to_owned())
}

fn transaction_id(value: &Value<'_>) -> Result<String, ValueError> {
    use PaymentErrorCode::{TransactionIdNotAscii, TransactionIdPadded, TransactionIdTooLong};
    id(value, TRANSACTION_ID_CHARS_MAX, [TransactionIdNotAscii, TransactionIdTooLong, TransactionIdPadded])
}

fn customer_id(value: &Value<'_>) -> Result<String, ValueError> {
    use PaymentErrorCode::{CustomerIdNotAscii, CustomerIdPadded, CustomerIdTooLong};
    id(value, CUSTOMER_ID_CHARS_MAX, [CustomerIdNotAscii, CustomerIdTooLong, CustomerIdPadded])
}

/// Reads an amount. If the currency is not known, its decimals are not checked.
fn amount(value: &Value<'_>, currency: Option<Currency>) -> Result<Money, ValueError> {
    use PaymentErrorCode::{AmountMalformed, AmountNotPositive, AmountTooManyDecimals, AmountTooManyDigits};
    let text = match &value.kind {
        Kind::Number => value.text,
        Kind::String(_) => string(value)?,
        _ => return Err(wrong_type(value, "a number, or a string with a decimal")),
    };
    let decimals_max = currency.map_or(u8::MAX, |currency| currency.decimals());
    match Money::parse(text.as_bytes(), decimals_max) {
        Ok(amount) if amount.is_positive() => Ok(amount),
        Ok(_) | Err(AmountError::NegativeZero) => Err(because(AmountNotPositive)),
        Err(AmountError::Malformed(reason)) => Err((AmountMalformed, reason.into())),
        Err(AmountError::TooManyDigits) => Err(because(AmountTooManyDigits)),
        Err(AmountError::TooManyDecimals(decimals)) => {
            let whose = currency.map_or("no currency".to_owned(), |currency| currency.code().to_owned());
            Err((
                AmountTooManyDecimals,
                format!("{whose} allows {decimals_max} decimals; the amount has {decimals}").into(),
            ))
        }
    }
}

fn currency(value: &Value<'_>) -> Result<Currency, ValueError> {
    Currency::parse(string(value)?.as_bytes()).map_err(|error| {
        because(match error {
            CurrencyError::Unknown => PaymentErrorCode::CurrencyUnknown,
            CurrencyError::NotActive => PaymentErrorCode::CurrencyNotActive,
            CurrencyError::WithoutMinorUnit => PaymentErrorCode::CurrencyWithoutMinorUnit,
        })
    })
}

fn provider(value: &Value<'_>) -> Result<Provider, ValueError> {
    Provider::named(string(value)?).ok_or(because(PaymentErrorCode::ProviderMalformed))
}

fn event_type(value: &Value<'_>) -> Result<EventType, ValueError> {
    EventType::named(string(value)?).ok_or(because(PaymentErrorCode::TypeMalformed))
}

fn metadata<'v, 'a>(value: &'v Value<'a>) -> Result<&'v Value<'a>, ValueError> {
    match value.kind {
        Kind::Object(_) => Ok(value),
        _ => Err(wrong_type(value, "an object")),
    }
}

#[cfg(test)]
mod json_test_suite;
#[cfg(test)]
mod tests;

//! Reads the body of a webhook as a payment, with every fault of its members.

use super::fault::{Field, PaymentFault, PaymentFaultCode};
use super::{EventType, Provider};
use crate::currency::CurrencyFault;
use crate::identity::is_padded;
use crate::json::{self, JsonFault, JsonRule, Kind, Member, Value};
use crate::limits::{CUSTOMER_ID_CHARS_MAX, TRANSACTION_ID_CHARS_MAX, WEBHOOK_BODY_BYTES_MAX};
use crate::money::AmountFault;
use crate::{ContentDigest, Currency, Money};
use std::borrow::Cow;

/// A payment that a provider announces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    /// Printable ASCII, at most 128 characters, unique for a provider.
    pub transaction_id: String,
    /// Exact, above zero, and no more decimals than the currency has.
    pub amount: Money,
    /// The currency of the amount.
    pub currency: Currency,
    /// Who says that it announces the payment. It must be the signer.
    pub provider: Provider,
    /// The payer, as the provider names it: printable ASCII, at most 128 characters.
    pub customer_id: String,
    /// What happened; without a `type` that a transaction was created.
    pub event_type: EventType,
    /// The object `metadata`, exactly as it was sent: no number in it has been through a float.
    pub metadata: Option<String>,
    /// Members that we do not know, as a JSON object with their names and values exactly as they were sent. Providers add
    /// members without asking; to refuse them would be to lose payments.
    pub additional: Option<String>,
    /// What the content is, however it was written: the order of members, white space, escapes and an amount's trailing
    /// zeros do not matter, everything else does. The same transaction with another digest is another content.
    pub digest: ContentDigest,
}

impl Payment {
    /// Reads the raw bytes of a body. An amount may be a JSON number, read from its own text, or a string with the same
    /// text: a sender whose JSON library only has floats can be exact in no other way. A number with an exponent is refused.
    ///
    /// # Errors
    /// Every [`PaymentFault`] of the members; or the one because of which they cannot be told apart.
    pub fn read(body: &[u8]) -> Result<Self, Vec<PaymentFault>> {
        let whole = |code, byte| vec![PaymentFault { byte, ..fault(None, code) }];
        if body.len() > WEBHOOK_BODY_BYTES_MAX {
            return Err(whole(PaymentFaultCode::BodyTooLarge, Some(WEBHOOK_BODY_BYTES_MAX)));
        }
        let value = json::parse(body).map_err(|found| vec![json_fault(found)])?;
        let Kind::Object(members) = &value.kind else {
            return Err(whole(PaymentFaultCode::NotAnObject, Some(value.start)));
        };
        let mut reading = Reading { members, faults: Vec::new() };
        let transaction_id = reading.required(Field::TransactionId, transaction_id);
        let currency = reading.required(Field::Currency, currency);
        let amount = reading.required(Field::Amount, |value| amount(value, currency));
        let provider = reading.required(Field::Provider, provider);
        let customer_id = reading.required(Field::CustomerId, customer_id);
        let event_type = reading.optional(Field::Type, event_type);
        let metadata = reading.optional(Field::Metadata, metadata);
        match (transaction_id, amount, currency, provider, customer_id) {
            (Some(transaction_id), Some(amount), Some(currency), Some(provider), Some(customer_id))
                if reading.faults.is_empty() =>
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
            _ => Err(reading.faults),
        }
    }

    /// The SHA-256 of the canonical content. Each line is JSON without a line break, so that no text of one member can
    /// pass for the end of another.
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

type ValueFault = (PaymentFaultCode, Cow<'static, str>);

fn because(code: PaymentFaultCode) -> ValueFault {
    (code, code.reason().into())
}

fn fault(field: Option<Field>, code: PaymentFaultCode) -> PaymentFault {
    PaymentFault { field, code, reason: code.reason().into(), byte: None }
}

fn json_fault(found: JsonFault) -> PaymentFault {
    let code = match found.rule {
        JsonRule::Empty => PaymentFaultCode::BodyEmpty,
        JsonRule::InvalidUtf8 => PaymentFaultCode::EncodingInvalidUtf8,
        JsonRule::ByteOrderMark => PaymentFaultCode::ByteOrderMark,
        JsonRule::Malformed(_) => PaymentFaultCode::JsonMalformed,
        JsonRule::LoneSurrogate => PaymentFaultCode::JsonLoneSurrogate,
        JsonRule::TooDeep => PaymentFaultCode::JsonTooDeep,
        JsonRule::NameRepeated => PaymentFaultCode::JsonNameRepeated,
        JsonRule::TrailingData => PaymentFaultCode::JsonTrailingData,
    };
    let reason = if let JsonRule::Malformed(reason) = found.rule { reason } else { code.reason() };
    PaymentFault { field: None, code, reason: reason.into(), byte: Some(found.byte) }
}

struct Reading<'m, 'a> {
    members: &'m [Member<'a>],
    faults: Vec<PaymentFault>,
}

impl<'m, 'a> Reading<'m, 'a> {
    /// The value of a member that must be there, or none where a fault was found.
    fn required<T>(&mut self, field: Field, parse: impl FnOnce(&'m Value<'a>) -> Result<T, ValueFault>) -> Option<T> {
        if self.value(field).is_none() {
            self.faults.push(fault(Some(field), PaymentFaultCode::FieldMissing));
        }
        self.optional(field, parse)
    }

    /// The value of a member, or none where it is absent or a fault was found.
    fn optional<T>(&mut self, field: Field, parse: impl FnOnce(&'m Value<'a>) -> Result<T, ValueFault>) -> Option<T> {
        let value = self.value(field)?;
        parse(value)
            .map_err(|(code, reason)| {
                self.faults.push(PaymentFault { field: Some(field), code, reason, byte: Some(value.start) });
            })
            .ok()
    }

    fn value(&self, field: Field) -> Option<&'m Value<'a>> {
        self.members.iter().find(|member| member.name == field.as_str()).map(|member| &member.value)
    }
}

fn wrong_type(value: &Value<'_>, expected: &str) -> ValueFault {
    (PaymentFaultCode::FieldWrongType, format!("it is {}; {expected} is expected", value.kind_name()).into())
}

fn string<'v>(value: &'v Value<'_>) -> Result<&'v str, ValueFault> {
    match &value.kind {
        Kind::String(text) if text.trim().is_empty() => Err(because(PaymentFaultCode::FieldEmpty)),
        Kind::String(text) => Ok(text),
        _ => Err(wrong_type(value, "a string")),
    }
}

fn id(
    value: &Value<'_>,
    chars_max: usize,
    [not_ascii, too_long, padded]: [PaymentFaultCode; 3],
) -> Result<String, ValueFault> {
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

fn transaction_id(value: &Value<'_>) -> Result<String, ValueFault> {
    use PaymentFaultCode::{TransactionIdNotAscii, TransactionIdPadded, TransactionIdTooLong};
    id(value, TRANSACTION_ID_CHARS_MAX, [TransactionIdNotAscii, TransactionIdTooLong, TransactionIdPadded])
}

fn customer_id(value: &Value<'_>) -> Result<String, ValueFault> {
    use PaymentFaultCode::{CustomerIdNotAscii, CustomerIdPadded, CustomerIdTooLong};
    id(value, CUSTOMER_ID_CHARS_MAX, [CustomerIdNotAscii, CustomerIdTooLong, CustomerIdPadded])
}

/// Reads an amount. Where the currency is not known, its decimals cannot be held against it.
fn amount(value: &Value<'_>, currency: Option<Currency>) -> Result<Money, ValueFault> {
    use PaymentFaultCode::{AmountMalformed, AmountNotPositive, AmountTooManyDecimals, AmountTooManyDigits};
    let text = match &value.kind {
        Kind::Number => value.text,
        Kind::String(_) => string(value)?,
        _ => return Err(wrong_type(value, "a number, or a string with a decimal")),
    };
    let decimals_max = currency.map_or(u8::MAX, |currency| currency.decimals());
    match Money::parse(text.as_bytes(), decimals_max) {
        Ok(amount) if amount.is_positive() => Ok(amount),
        Ok(_) | Err(AmountFault::NegativeZero) => Err(because(AmountNotPositive)),
        Err(AmountFault::Malformed(reason)) => Err((AmountMalformed, reason.into())),
        Err(AmountFault::TooManyDigits) => Err(because(AmountTooManyDigits)),
        Err(AmountFault::TooManyDecimals(decimals)) => {
            let whose = currency.map_or("no currency".to_owned(), |currency| currency.code().to_owned());
            Err((
                AmountTooManyDecimals,
                format!("{whose} allows {decimals_max} decimals; the amount has {decimals}").into(),
            ))
        }
    }
}

fn currency(value: &Value<'_>) -> Result<Currency, ValueFault> {
    Currency::parse(string(value)?.as_bytes()).map_err(|fault| {
        because(match fault {
            CurrencyFault::Unknown => PaymentFaultCode::CurrencyUnknown,
            CurrencyFault::NotActive => PaymentFaultCode::CurrencyNotActive,
            CurrencyFault::WithoutMinorUnit => PaymentFaultCode::CurrencyWithoutMinorUnit,
        })
    })
}

fn provider(value: &Value<'_>) -> Result<Provider, ValueFault> {
    Provider::named(string(value)?).ok_or(because(PaymentFaultCode::ProviderMalformed))
}

fn event_type(value: &Value<'_>) -> Result<EventType, ValueFault> {
    EventType::named(string(value)?).ok_or(because(PaymentFaultCode::TypeMalformed))
}

fn metadata<'v, 'a>(value: &'v Value<'a>) -> Result<&'v Value<'a>, ValueFault> {
    match value.kind {
        Kind::Object(_) => Ok(value),
        _ => Err(wrong_type(value, "an object")),
    }
}

#[cfg(test)]
mod json_test_suite;
#[cfg(test)]
mod tests;

//! The errors of the body of a webhook: stable codes, positions and fixes.

use std::borrow::Cow;

crate::values::codes::text_enum! {
    /// A known member of the body.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
    Field;

    /// `transaction_id`
    TransactionId "transaction_id";
    /// `amount`
    Amount "amount";
    /// `currency`
    Currency "currency";
    /// `provider`
    Provider "provider";
    /// `customer_id`
    CustomerId "customer_id";
    /// `metadata`
    Metadata "metadata";
    /// `type`
    Type "type";
}

/// One error of a body. It has a position and a reason, and never repeats content of the body. The fix is
/// [`PaymentErrorCode::fix`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaymentError {
    /// The member concerned; none if it is the body as a whole.
    pub field: Option<Field>,
    /// The rule that was broken.
    pub code: PaymentErrorCode,
    /// Why it is an error here.
    pub reason: Cow<'static, str>,
    /// The offset in the body of the first byte concerned, from 0; none if it is missing.
    pub byte: Option<usize>,
}

crate::values::codes::error_codes! {
    /// The rules that a webhook's body can break. The codes are an interface: they are never renamed.
    PaymentErrorCode;

    BodyEmpty "body_empty": "the body is empty" => "send the payment as a JSON object";
    BodyTooLarge "body_too_large": "the body is larger than 262144 bytes" => "send less metadata";
    EncodingInvalidUtf8 "encoding_invalid_utf8": "this byte is not valid UTF-8" => "encode the body as UTF-8";
    ByteOrderMark "byte_order_mark": "the body begins with a byte-order mark" => "send the JSON without it";
    JsonMalformed "json_malformed": "the body is not JSON" => "send one JSON object, as RFC 8259 defines it";
    JsonNameRepeated "json_name_repeated": "an object has two members of this name" => "send each member once";
    JsonTooDeep "json_too_deep": "objects and arrays are nested more than 32 deep" => "send flatter metadata";
    JsonLoneSurrogate "json_lone_surrogate": "the escape is half of a surrogate pair, which is no character"
        => "escape both halves, or write the character in UTF-8";
    JsonTrailingData "json_trailing_data": "something follows the JSON object" => "send one object a webhook";
    NotAnObject "not_an_object": "the body is not a JSON object" => "send one JSON object";
    FieldMissing "field_missing": "the member is missing"
        => "send transaction_id, amount, currency, provider and customer_id";
    FieldWrongType "field_wrong_type": "the member's value has another type"
        => "send metadata as an object, amount as a number or a string, and the other members as strings; leave out what has no value";
    FieldEmpty "field_empty": "the member is empty" => "give it a value";
    TransactionIdNotAscii "transaction_id_not_ascii": "the id has a character that is not printable ASCII"
        => "use printable ASCII only; look for invisible characters";
    TransactionIdTooLong "transaction_id_too_long": "the id is longer than 128 characters"
        => "use an id of at most 128 characters";
    TransactionIdPadded "transaction_id_padded": "the id begins or ends with a blank"
        => "remove the blanks before and after the id";
    CustomerIdNotAscii "customer_id_not_ascii": "the id has a character that is not printable ASCII"
        => "use printable ASCII only; look for invisible characters";
    CustomerIdTooLong "customer_id_too_long": "the id is longer than 128 characters"
        => "use an id of at most 128 characters";
    CustomerIdPadded "customer_id_padded": "the id begins or ends with a blank"
        => "remove the blanks before and after the id";
    AmountMalformed "amount_malformed": "it is not a plain decimal number"
        => "write digits with at most one decimal point, such as 1234.56; a string keeps a program from rewriting it";
    AmountNotPositive "amount_not_positive": "the amount is not above zero" => "send payments only";
    AmountTooManyDigits "amount_too_many_digits": "the amount has more than 38 significant digits"
        => "write at most 38 digits";
    AmountTooManyDecimals "amount_too_many_decimals": "the amount has more decimals than its currency"
        => "write no more decimals than the currency's minor unit has";
    CurrencyUnknown "currency_unknown": "it is not a currency code of ISO 4217"
        => "use three capital letters such as EUR";
    CurrencyNotActive "currency_not_active": "ISO 4217 has replaced this code" => "use the currency's current code";
    CurrencyWithoutMinorUnit "currency_without_minor_unit": "amounts in this code have no defined decimals"
        => "use the code of a currency";
    ProviderMalformed "provider_malformed": "it is not a provider's name"
        => "use the name that was agreed: lowercase letters, digits and hyphens";
    TypeMalformed "type_malformed": "it is not the name of an event"
        => "use letters, digits, dots, hyphens and underscores, at most 128, such as transaction.created";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_and_has_a_fix() {
        crate::values::codes::check_codes!(PaymentErrorCode);
    }
}

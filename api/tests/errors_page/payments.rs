//! For each code of a webhook's errors: a body that has it. What comes back is found out by the rules themselves.

use domain::payments::webhook::{Payment, PaymentError, PaymentErrorCode};

/// A body that was sent.
pub(crate) enum Sent {
    /// This very text.
    Text(&'static str),
    /// These bytes, which a page can only describe.
    Bytes(&'static str, fn() -> Vec<u8>),
}

use Sent::{Bytes, Text};

/// One body for each code.
#[rustfmt::skip]
pub(crate) const EXAMPLES: &[(&str, Sent)] = &[
    ("body_empty", Bytes("a body of no bytes", Vec::new)),
    ("body_too_large", Bytes("a body of 262,145 bytes", || vec![b' '; 262_145])),
    ("encoding_invalid_utf8", Bytes(r#"{"transaction_id": "<byte E9>", …}"#, || b"{\"transaction_id\": \"\xe9\"}".to_vec())),
    ("byte_order_mark", Bytes("<bytes EF BB BF>{…}", || "\u{feff}{}".as_bytes().to_vec())),
    ("json_malformed", Text(r#"{'transaction_id': 'P-1'}"#)),
    ("json_name_repeated", Text(r#"{"amount": "1.00", "amount": "2.00"}"#)),
    ("json_too_deep", Bytes("metadata of 33 arrays, one in the other", || [vec![b'['; 33], vec![b']'; 33]].concat())),
    ("json_lone_surrogate", Text(r#"{"transaction_id": "\ud83d"}"#)),
    ("json_trailing_data", Text(r#"{"transaction_id": "P-1"} {"transaction_id": "P-2"}"#)),
    ("not_an_object", Text(r#"["P-1", "12.30"]"#)),
    ("field_missing", Text(r#"{"transaction_id": "P-1", "amount": "12.30", "currency": "EUR", "provider": "acme-pay"}"#)),
    ("field_wrong_type", Text(r#"{"transaction_id": 1, "amount": "12.30", "currency": "EUR", "provider": "acme-pay", "customer_id": "C-1"}"#)),
    ("field_empty", Text(r#"{"transaction_id": "P-1", "amount": "12.30", "currency": "EUR", "provider": "acme-pay", "customer_id": ""}"#)),
    ("transaction_id_not_ascii", Text(r#"{"transaction_id": "P–1", "amount": "12.30", "currency": "EUR", "provider": "acme-pay", "customer_id": "C-1"}"#)),
    ("transaction_id_too_long", Bytes("a transaction_id of 129 characters", || body(&"x".repeat(129), "C-1"))),
    ("transaction_id_padded", Bytes("a transaction_id with a blank at its end", || body("P-1 ", "C-1"))),
    ("customer_id_not_ascii", Text(r#"{"transaction_id": "P-1", "amount": "12.30", "currency": "EUR", "provider": "acme-pay", "customer_id": "Ü-1"}"#)),
    ("customer_id_too_long", Bytes("a customer_id of 129 characters", || body("P-1", &"x".repeat(129)))),
    ("customer_id_padded", Bytes("a customer_id with a blank before it", || body("P-1", " C-1"))),
    ("amount_malformed", Text(r#"{"transaction_id": "P-1", "amount": 1.23e1, "currency": "EUR", "provider": "acme-pay", "customer_id": "C-1"}"#)),
    ("amount_not_positive", Text(r#"{"transaction_id": "P-1", "amount": "-12.30", "currency": "EUR", "provider": "acme-pay", "customer_id": "C-1"}"#)),
    ("amount_too_many_digits", Text(r#"{"transaction_id": "P-1", "amount": "123456789012345678901234567890123456789", "currency": "EUR", "provider": "acme-pay", "customer_id": "C-1"}"#)),
    ("amount_too_many_decimals", Text(r#"{"transaction_id": "P-1", "amount": "12.345", "currency": "EUR", "provider": "acme-pay", "customer_id": "C-1"}"#)),
    ("currency_unknown", Text(r#"{"transaction_id": "P-1", "amount": "12.30", "currency": "eur", "provider": "acme-pay", "customer_id": "C-1"}"#)),
    ("currency_not_active", Text(r#"{"transaction_id": "P-1", "amount": "12.30", "currency": "HRK", "provider": "acme-pay", "customer_id": "C-1"}"#)),
    ("currency_without_minor_unit", Text(r#"{"transaction_id": "P-1", "amount": "12.30", "currency": "XAU", "provider": "acme-pay", "customer_id": "C-1"}"#)),
    ("provider_malformed", Text(r#"{"transaction_id": "P-1", "amount": "12.30", "currency": "EUR", "provider": "ACME Pay", "customer_id": "C-1"}"#)),
    ("type_malformed", Text(r#"{"transaction_id": "P-1", "amount": "12.30", "currency": "EUR", "provider": "acme-pay", "customer_id": "C-1", "type": "new payment"}"#)),
];

fn body(transaction_id: &str, customer_id: &str) -> Vec<u8> {
    format!(r#"{{"transaction_id": "{transaction_id}", "amount": "12.30", "currency": "EUR", "provider": "acme-pay", "customer_id": "{customer_id}"}}"#).into_bytes()
}

/// The first error of this code in the example of it.
pub(crate) fn error_of(code: PaymentErrorCode, sent: &Sent) -> PaymentError {
    let bytes = match sent {
        Text(text) => text.as_bytes().to_vec(),
        Bytes(_, make) => make(),
    };
    let errors = Payment::read(&bytes).err().unwrap_or_default();
    errors.into_iter().find(|error| error.code == code).unwrap_or_else(|| panic!("the example of {code:?} has it not"))
}

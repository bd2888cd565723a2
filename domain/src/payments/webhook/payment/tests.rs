//! The rules of a body as data: each case is a body and its errors.

use super::*;
use proptest::prelude::*;

const BODY: &str =
    r#"{"transaction_id":"T1","amount":12.50,"currency":"USD","provider":"acme-pay","customer_id":"C 1"}"#;

fn read(body: &str) -> Payment {
    Payment::read(body.as_bytes()).unwrap_or_else(|errors| panic!("{body}: {errors:?}"))
}

/// The body with the value of `field` replaced by other JSON.
fn with(field: &str, json: &str) -> String {
    let members = [
        ("transaction_id", "\"T1\""),
        ("amount", "12.50"),
        ("currency", "\"USD\""),
        ("provider", "\"acme-pay\""),
        ("customer_id", "\"C 1\""),
    ];
    let known = members.iter().any(|(name, _)| *name == field);
    let mut texts: Vec<_> = members
        .iter()
        .map(|&(name, value)| format!("\"{name}\":{}", if name == field { json } else { value }))
        .collect();
    if !known {
        texts.push(format!("\"{field}\":{json}"));
    }
    format!("{{{}}}", texts.join(","))
}

/// Checks that `body` gets exactly these errors, as `code@field:byte`.
fn check(body: impl AsRef<[u8]>, expected: &[&str]) {
    let body = body.as_ref();
    let shown = String::from_utf8_lossy(&body[..body.len().min(200)]);
    let errors = Payment::read(body).err().unwrap_or_default();
    let found: Vec<_> = errors
        .iter()
        .map(|error| {
            let field = error.field.map_or("-", |field| field.as_str());
            let byte = error.byte.map_or("-".to_owned(), |byte| byte.to_string());
            format!("{}@{field}:{byte}", error.code.as_str())
        })
        .collect();
    assert_eq!(found, expected, "{shown}");
    assert!(errors.iter().all(|error| !error.reason.is_empty() && !error.code.fix().is_empty()));
}

#[test]
fn a_payment_is_read_exactly() {
    let payment = read(BODY);
    assert_eq!((payment.transaction_id.as_str(), payment.customer_id.as_str()), ("T1", "C 1"));
    assert_eq!((payment.amount.to_string().as_str(), payment.currency.code()), ("12.5", "USD"));
    assert_eq!((payment.provider.as_str(), payment.event_type.as_str()), ("acme-pay", "transaction.created"));
    assert_eq!((payment.metadata, payment.additional), (None, None));
    let text = r#" {"metadata" : { "n": 0.10000000000000000000001, "é":"\u00e9" },
        "transaction_id":"T\u0031", "amount":"12.50", "fee": 1e400, "currency":"USD", "provider":"acme-pay",
        "customer_id":"C 1", "type":"transaction.created", "Amount": [ 1, 2 ]}"#;
    let payment = read(text);
    assert_eq!(payment.transaction_id, "T1");
    assert_eq!(payment.metadata.as_deref(), Some(r#"{ "n": 0.10000000000000000000001, "é":"\u00e9" }"#));
    assert_eq!(payment.additional.as_deref(), Some(r#"{"fee":1e400,"Amount":[ 1, 2 ]}"#));
    assert!(json::parse(payment.additional.unwrap().as_bytes()).is_ok());
}

#[test]
fn amounts_are_numbers_or_strings_and_exact() {
    for (json, currency, expected) in [
        ("12.50", "USD", "12.5"),
        ("\"12.50\"", "USD", "12.5"),
        ("\"007.10\"", "USD", "7.1"),
        ("0.01", "USD", "0.01"),
        ("100", "JPY", "100"),
        ("100.001", "KWD", "100.001"),
        ("0.1000", "CLF", "0.1"),
        ("99999999999999999999999999999999999999", "USD", "99999999999999999999999999999999999999"),
        ("\"999999999999999999999999999999999999.99\"", "USD", "999999999999999999999999999999999999.99"),
        ("9007199254740993", "USD", "9007199254740993"),
    ] {
        let body = with("amount", json).replace("USD", currency);
        assert_eq!(read(&body).amount.to_string(), expected, "{body}");
    }
    for (json, currency, code) in [
        ("0", "USD", "amount_not_positive"),
        ("0.00", "USD", "amount_not_positive"),
        ("-0", "USD", "amount_not_positive"),
        ("-12.50", "USD", "amount_not_positive"),
        ("\"-1\"", "USD", "amount_not_positive"),
        ("1e2", "USD", "amount_malformed"),
        ("1E+2", "USD", "amount_malformed"),
        ("1e309", "USD", "amount_malformed"),
        ("\"1e2\"", "USD", "amount_malformed"),
        ("\"NaN\"", "USD", "amount_malformed"),
        ("\"inf\"", "USD", "amount_malformed"),
        ("\"+5\"", "USD", "amount_malformed"),
        ("\"1,000.00\"", "USD", "amount_malformed"),
        ("\"12,50\"", "USD", "amount_malformed"),
        ("\"0x1F\"", "USD", "amount_malformed"),
        ("\"١٢\"", "USD", "amount_malformed"),
        ("\".5\"", "USD", "amount_malformed"),
        ("\"5.\"", "USD", "amount_malformed"),
        ("\"$5\"", "USD", "amount_malformed"),
        ("\" 5\"", "USD", "amount_malformed"),
        ("\"\"", "USD", "field_empty"),
        ("null", "USD", "field_wrong_type"),
        ("true", "USD", "field_wrong_type"),
        ("[1]", "USD", "field_wrong_type"),
        ("{\"value\":1}", "USD", "field_wrong_type"),
        ("1.5", "JPY", "amount_too_many_decimals"),
        ("12.505", "USD", "amount_too_many_decimals"),
        ("0.30000000000000004", "USD", "amount_too_many_decimals"),
        ("111111111111111111111111111111111111111", "USD", "amount_too_many_digits"),
    ] {
        let body = with("amount", json).replace("USD", currency);
        check(&body, &[&format!("{code}@amount:32")]);
    }
    for json in ["NaN", "Infinity", "-Infinity", "+5", ".5", "5.", "007", "0x1F", "1_000", "1 000"] {
        let errors = Payment::read(with("amount", json).as_bytes()).unwrap_err();
        assert_eq!(errors[0].code, PaymentErrorCode::JsonMalformed, "{json}");
    }
}

#[test]
fn every_member_is_checked_and_every_error_reported() {
    check(
        "{}",
        &[
            "field_missing@transaction_id:-",
            "field_missing@currency:-",
            "field_missing@amount:-",
            "field_missing@provider:-",
            "field_missing@customer_id:-",
        ],
    );
    check(
        r#"{"transaction_id":1,"amount":-1,"currency":"usd","provider":"Acme","customer_id":"","type":7,"metadata":[]}"#,
        &[
            "field_wrong_type@transaction_id:18",
            "currency_unknown@currency:43",
            "amount_not_positive@amount:29",
            "provider_malformed@provider:60",
            "field_empty@customer_id:81",
            "field_wrong_type@type:91",
            "field_wrong_type@metadata:104",
        ],
    );
    let long = format!("\"{}\"", "x".repeat(129));
    for (field, json, code) in [
        ("transaction_id", "\"\"", "field_empty"),
        ("transaction_id", "\"  \"", "field_empty"),
        ("transaction_id", "null", "field_wrong_type"),
        ("transaction_id", "\"T\\u0000\"", "transaction_id_not_ascii"),
        ("transaction_id", "\"T\\n\"", "transaction_id_not_ascii"),
        ("transaction_id", "\"T\u{202e}1\"", "transaction_id_not_ascii"),
        ("transaction_id", "\"T\u{200b}1\"", "transaction_id_not_ascii"),
        ("transaction_id", &long, "transaction_id_too_long"),
        ("transaction_id", "\" T1\"", "transaction_id_padded"),
        ("transaction_id", "\"T1  \"", "transaction_id_padded"),
        ("customer_id", "\" C 1\"", "customer_id_padded"),
        ("customer_id", "\"C 1\\u0020\"", "customer_id_padded"),
        ("customer_id", "\"Zoë\"", "customer_id_not_ascii"),
        ("customer_id", "17", "field_wrong_type"),
        ("customer_id", &long, "customer_id_too_long"),
        ("currency", "\"ZZZ\"", "currency_unknown"),
        ("currency", "\"HRK\"", "currency_not_active"),
        ("currency", "\"XAU\"", "currency_without_minor_unit"),
        ("currency", "840", "field_wrong_type"),
        ("provider", "\"-acme\"", "provider_malformed"),
        ("provider", "\"a/b\"", "provider_malformed"),
        ("provider", "{}", "field_wrong_type"),
        ("type", "\"a b\"", "type_malformed"),
        ("type", &long, "type_malformed"),
        ("type", "null", "field_wrong_type"),
        ("metadata", "\"{}\"", "field_wrong_type"),
        ("metadata", "null", "field_wrong_type"),
        ("metadata", "[]", "field_wrong_type"),
    ] {
        let body = with(field, json);
        let byte = body.find(&format!("\"{field}\":")).unwrap() + field.len() + 3;
        check(&body, &[&format!("{code}@{field}:{byte}")]);
    }
    let longest = format!("\"{}\"", "x".repeat(128));
    for field in ["transaction_id", "customer_id", "type"] {
        read(&with(field, &longest));
    }
}

#[test]
fn rejects_what_is_not_one_json_object() {
    let nested = |depth: usize| with("metadata", &format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)));
    for (body, expected) in [
        (b"".to_vec(), "body_empty@-:0"),
        (b"  \n".to_vec(), "body_empty@-:3"),
        (b"hello".to_vec(), "json_malformed@-:0"),
        (b"transaction_id=T1&amount=5".to_vec(), "json_malformed@-:0"),
        (b"<xml/>".to_vec(), "json_malformed@-:0"),
        (b"[]".to_vec(), "not_an_object@-:0"),
        (b" \"T1\"".to_vec(), "not_an_object@-:1"),
        (b"12.50".to_vec(), "not_an_object@-:0"),
        (b"null".to_vec(), "not_an_object@-:0"),
        (b"\xff\xfe{\0}\0".to_vec(), "encoding_invalid_utf8@-:0"),
        (b"{\0}\0".to_vec(), "json_malformed@-:1"),
        (b"{\"a\":\"caf\xe9\"}".to_vec(), "encoding_invalid_utf8@-:9"),
        (format!("\u{feff}{BODY}").into_bytes(), "byte_order_mark@-:0"),
        (BODY[..BODY.len() - 1].into(), "json_malformed@-:96"),
        (format!("{BODY}{BODY}").into_bytes(), "json_trailing_data@-:97"),
        (format!("{BODY},").into_bytes(), "json_trailing_data@-:97"),
        (format!("{BODY}\0").into_bytes(), "json_trailing_data@-:97"),
        (with("\\u0061mount", "1").into_bytes(), "json_name_repeated@-:97"),
        (BODY.replace("\"currency\"", "\"amount\":1,\"currency\"").into_bytes(), "json_name_repeated@-:38"),
        (with("metadata", r#"{"a":{"b":1,"b":1}}"#).into_bytes(), "json_name_repeated@-:120"),
        (with("metadata", r#"{"a":"\ud800"}"#).into_bytes(), "json_lone_surrogate@-:114"),
        (nested(31).into_bytes(), "json_too_deep@-:143"),
        (vec![b'['; 200_000], "json_too_deep@-:32"),
        (vec![b' '; 256 * 1024 + 1], "body_too_large@-:262144"),
    ] {
        check(body, &[expected]);
    }
    read(&nested(30));
    let padded = format!("{BODY}{}", " ".repeat(256 * 1024 - BODY.len()));
    assert_eq!(read(&padded), read(BODY));
}

#[test]
fn no_error_repeats_content() {
    let body = r#"{"transaction_id":"4111111111111111é","amount":"4111111111111111x","currency":"4111111111111111",
        "provider":"4111111111111111!","customer_id":4111111111111111,"type":"4111111111111111!","metadata":4111111111111111}"#;
    let errors = Payment::read(body.as_bytes()).unwrap_err();
    assert_eq!(errors.len(), 7);
    assert!(!format!("{errors:?}").contains("4111"), "{errors:?}");
}

#[test]
fn only_known_events_are_routed() {
    for (name, routed) in
        [("transaction.created", true), ("transaction.refunded", false), ("Transaction.Created", false), ("x", false)]
    {
        let payment = read(&with("type", &format!("\"{name}\"")));
        assert_eq!((payment.event_type.as_str(), payment.event_type.is_routed()), (name, routed));
    }
    assert!(read(BODY).event_type.is_routed());
}

#[test]
fn equal_content_has_the_same_digest() {
    let digest = read(&with("metadata", r#"{"a":[1,"é"],"b":{"c":null,"d":1.0}}"#)).digest;
    for same in [
        with("metadata", r#" { "b" : {"d":1.0,"c":null}, "\u0061":[1,"\u00E9"]}"#),
        with("metadata", r#"{"a":[1,"é"],"b":{"c":null,"d":1.0}}"#).replace("12.50", "\"12.5\""),
        with("metadata", r#"{"a":[1,"é"],"b":{"c":null,"d":1.0}}"#)
            .replace("}}}", "}},\"type\":\"transaction.created\"}"),
    ] {
        assert_eq!(read(&same).digest, digest, "{same}");
    }
    let bodies = [
        BODY.to_owned(),
        with("metadata", "{}"),
        with("metadata", r#"{"a":1}"#),
        with("metadata", r#"{"a":1.0}"#),
        with("metadata", r#"{"a":"1"}"#),
        with("metadata", r#"{"a":[1]}"#),
        with("metadata", r#"{"a":[1,2]}"#),
        with("metadata", r#"{"a":[2,1]}"#),
        with("extra", "{}"),
        with("a", "1"),
        with("type", "\"other\""),
        with("transaction_id", "\"T2\""),
        with("amount", "12.51"),
        with("currency", "\"EUR\""),
        with("provider", "\"acme\""),
        with("customer_id", "\"C 2\""),
        with("customer_id", "\"C  1\""),
    ];
    let digests: std::collections::BTreeSet<_> =
        bodies.iter().map(|body| read(body).digest.as_str().to_owned()).collect();
    assert_eq!(digests.len(), bodies.len());
}

fn any_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf =
        prop_oneof![any::<i32>().prop_map(serde_json::Value::from), "\\PC{0,6}".prop_map(serde_json::Value::from)];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            proptest::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The members of a body in any order: the required ones, `metadata`, and an unknown one.
fn any_body() -> impl Strategy<Value = Vec<(String, serde_json::Value)>> {
    let metadata = proptest::collection::btree_map("[a-z]{1,3}", any_value(), 0..4)
        .prop_map(|members| serde_json::Value::Object(members.into_iter().collect()));
    ("[!-~]([ -~]{0,20}[!-~])?", 1_u32..100_000, "[!-~]{1,20}", metadata, any_value()).prop_map(
        |(id, amount, customer, metadata, unknown)| {
            [
                ("transaction_id", id.into()),
                ("amount", amount.into()),
                ("currency", "EUR".into()),
                ("provider", "acme".into()),
                ("customer_id", customer.into()),
                ("metadata", metadata),
                ("x", unknown),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec()
        },
    )
}

fn object(members: &[(String, serde_json::Value)]) -> serde_json::Value {
    serde_json::Value::Object(members.iter().cloned().collect())
}

proptest! {
    #[test]
    fn order_and_white_space_do_not_change_the_digest((members, shuffled) in any_body().prop_flat_map(|members| (Just(members.clone()), Just(members).prop_shuffle()))) {
        let digest = read(&object(&members).to_string()).digest;
        prop_assert_eq!(read(&serde_json::to_string_pretty(&object(&shuffled)).unwrap()).digest, digest);
    }

    #[test]
    fn other_content_has_another_digest(one in any_body(), other in any_body(), at in 0_usize..7) {
        let mut changed = one.clone();
        changed[at] = other[at].clone();
        let (one, changed) = (object(&one), object(&changed));
        prop_assert_eq!(read(&one.to_string()).digest == read(&changed.to_string()).digest, one == changed);
    }

    #[test]
    fn no_bytes_make_it_panic(at in 0..BODY.len(), byte in any::<u8>(), cut in 0..=BODY.len()) {
        let mut body = BODY.as_bytes().to_vec();
        body[at] = byte;
        body.truncate(cut);
        let _ = Payment::read(&body);
    }
}

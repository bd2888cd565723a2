use super::*;
use proptest::prelude::*;

fn error_of(bytes: &[u8]) -> Option<(JsonRule, usize)> {
    parse(bytes).err().map(|error| (error.rule, error.byte))
}

fn canonical(text: &str) -> String {
    let mut out = String::new();
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error:?}")).write_canonical(&mut out);
    out
}

#[test]
fn rejects_malformed_json_at_its_first_wrong_byte() {
    for (text, byte) in [
        ("{", 1),
        ("{\"a\"", 4),
        ("{\"a\":", 5),
        ("{\"a\":1", 6),
        ("{\"a\":1,}", 7),
        ("{a:1}", 1),
        ("{'a':1}", 1),
        ("{\"a\" 1}", 5),
        ("[1,]", 3),
        ("[1 2]", 3),
        ("[,1]", 1),
        ("nul", 0),
        ("True", 0),
        ("NaN", 0),
        ("Infinity", 0),
        ("-Infinity", 1),
        ("+1", 0),
        (".5", 0),
        ("5.", 2),
        ("01", 1),
        ("-", 1),
        ("-01", 2),
        ("1e", 2),
        ("1e+", 3),
        ("1.e1", 2),
        ("\"", 1),
        ("\"a", 2),
        ("\"\t\"", 1),
        ("\"a\u{0}\"", 2),
        ("\"\\x\"", 2),
        ("\"\\u12\"", 5),
        ("\"\\u+123\"", 3),
        ("\"\\", 2),
        ("\"\\ud800\\u12\"", 11),
        ("// comment", 0),
        ("\u{a0}1", 0),
    ] {
        let found = error_of(text.as_bytes());
        assert!(matches!(found, Some((JsonRule::Malformed(_), at)) if at == byte), "{text}: {found:?}");
    }
}

#[test]
fn rejects_ambiguous_json() {
    use JsonRule::*;
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    for (bytes, expected) in [
        (b"".to_vec(), (Empty, 0)),
        (b" \r\n\t".to_vec(), (Empty, 4)),
        (b"\xef\xbb\xbf{}".to_vec(), (ByteOrderMark, 0)),
        (b"{\"a\":\"\xff\"}".to_vec(), (InvalidUtf8, 6)),
        (b"\"\xc0\x80\"".to_vec(), (InvalidUtf8, 1)),
        (b"\"\xed\xa0\x80\"".to_vec(), (InvalidUtf8, 1)),
        (b"{\"a\":1,\"a\":1}".to_vec(), (NameRepeated, 7)),
        (b"{\"a\":1,\"\\u0061\":2}".to_vec(), (NameRepeated, 7)),
        (b"{\"b\":[{\"x\":{\"a\":1,\"c\":2,\"a\":3}}]}".to_vec(), (NameRepeated, 24)),
        (b"\"\\ud800\"".to_vec(), (LoneSurrogate, 1)),
        (b"\"a\\udc00\"".to_vec(), (LoneSurrogate, 2)),
        (b"\"\\ud83d\\u0041\"".to_vec(), (LoneSurrogate, 1)),
        (b"\"\\ud83d\\ud83d\"".to_vec(), (LoneSurrogate, 1)),
        (b"{\"\\udead\":1}".to_vec(), (LoneSurrogate, 2)),
        (b"{} {}".to_vec(), (TrailingData, 3)),
        (b"1,".to_vec(), (TrailingData, 1)),
        (b"{}\0".to_vec(), (TrailingData, 2)),
        (nested(33).into_bytes(), (TooDeep, 32)),
        (objects(33).into_bytes(), (TooDeep, 160)),
        ("[".repeat(100_000).into_bytes(), (TooDeep, 32)),
    ] {
        assert_eq!(error_of(&bytes), Some(expected), "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(60)]));
    }
    assert_eq!(error_of(nested(32).as_bytes()), None);
    assert_eq!(error_of(objects(32).as_bytes()), None);
}

#[test]
fn strings_are_decoded_and_texts_stay_exact() {
    let text = r#" {"a\/b" : "\u00e9\"\\\b\f\n\r\t\ud83d\ude00é😀" , "n": -0.10e+5} "#;
    let value = parse(text.as_bytes()).unwrap();
    let Kind::Object(members) = &value.kind else { panic!("{value:?}") };
    assert_eq!((members[0].name.as_ref(), members[0].start, members[0].name_text), ("a/b", 2, r#""a\/b""#));
    assert_eq!(members[0].value.kind, Kind::String("é\"\\\u{8}\u{c}\n\r\t😀é😀".into()));
    assert_eq!((members[1].value.text, members[1].value.kind_name()), ("-0.10e+5", "a number"));
    assert_eq!(&text[members[1].value.start..][..8], members[1].value.text);
    assert_eq!(value.text, text.trim());
    for (text, expected) in [
        ("[ 1.0, 1 ,1e2 ,true,false , null]", "[1.0,1,1e2,true,false,null]"),
        (r#"{"b":{"d":1,"c":[]},"a":{}}"#, r#"{"a":{},"b":{"c":[],"d":1}}"#),
        (r#""\u0041\u0000\/\u001F\u007f""#, "\"A\\u0000/\\u001f\u{7f}\""),
    ] {
        assert_eq!(canonical(text), expected);
    }
}

/// Any JSON but floats, which `serde_json` would round.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn white_space_and_the_order_of_members_do_not_matter(value in any_json()) {
        let dense = canonical(&value.to_string());
        prop_assert_eq!(&canonical(&serde_json::to_string_pretty(&value).unwrap()), &dense);
        prop_assert_eq!(&canonical(&reversed(&value).to_string()), &dense);
        prop_assert_eq!(&canonical(&dense), &dense);
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&dense).unwrap(), value);
    }

    #[test]
    fn different_values_have_different_texts(one in any_json(), other in any_json()) {
        prop_assert_eq!(canonical(&one.to_string()) == canonical(&other.to_string()), one == other);
    }

    /// `serde_json` is the reference for the grammar. Three more rules apply here.
    #[test]
    fn the_grammar_is_that_of_serde_json(text in "[\\[\\]{}\",:0-9eE.+\\-ntrufalsb\\\\ ]{0,24}|\\[(-?[0-9]{1,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?,?){0,3}\\]|\"(\\\\[\"\\\\/bfnrtux]|\\\\u[0-9a-fD]{3,4}|[a-zé]){0,5}\"") {
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        match parse(text.as_bytes()) {
            Ok(value) => {
                prop_assert!(theirs, "{}", text);
                prop_assert_eq!(value.text, text.trim_matches(' '));
            }
            Err(JsonError { rule: JsonRule::NameRepeated | JsonRule::LoneSurrogate | JsonRule::TooDeep, .. }) => {}
            Err(_) => prop_assert!(!theirs, "{}", text),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = parse(&bytes);
    }
}

/// The same content with the members of every object in the opposite order.
fn reversed(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Array(values) => values.iter().map(reversed).collect(),
        serde_json::Value::Object(members) => {
            let members = members.iter().rev().map(|(name, value)| (name.clone(), reversed(value)));
            serde_json::Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

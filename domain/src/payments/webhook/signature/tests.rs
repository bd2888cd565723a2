use super::*;
use crate::payments::webhook::ProviderSecrets;
use crate::suites::suite;
use proptest::prelude::*;

const NOW_SECONDS: u64 = 1_768_471_200;
/// A clock shows milliseconds.
const NOW_MS: u64 = NOW_SECONDS * 1000 + 999;
const BODY: &[u8] = br#"{"transaction_id":"T1"}"#;

fn secret(byte: u8) -> Secret {
    Secret::parse(&STANDARD.encode([byte; 32])).unwrap()
}

/// Acme is rotating its secret, globex has one secret.
fn keyring() -> Keyring {
    let of = |name: &str, secrets| ProviderSecrets { provider: Provider::named(name).unwrap(), secrets };
    Keyring::new(vec![of("acme", vec![secret(1), secret(2)]), of("globex", vec![secret(3)])]).unwrap()
}

fn signed(byte: u8, timestamp_seconds: u64) -> String {
    sign(&secret(byte), "msg_1", timestamp_seconds, BODY)
}

fn verify_all(id: &[&str], timestamp: &[&str], signature: &[&str], body: &[u8]) -> Result<String, SignatureError> {
    let [id, timestamp, signature] =
        [id, timestamp, signature].map(|values| values.iter().map(|value| value.as_bytes()).collect::<Vec<_>>());
    let headers = SignatureHeaders { id: &id, timestamp: &timestamp, signature: &signature };
    verify(&headers, body, &keyring(), NOW_MS).map(|provider| provider.as_str().to_owned())
}

/// Verifies one header of each.
fn check(id: &str, timestamp: &str, signature: &str) -> Result<String, SignatureError> {
    verify_all(&[id], &[timestamp], &[signature], BODY)
}

/// The published tests of the libraries, with a fixed clock, so that the limits of the time are exact.
#[test]
fn verifies_like_the_standard_webhooks_libraries() {
    let suite = suite("standard-webhooks");
    for vector in suite["signed"].as_array().unwrap() {
        let text = |member: &str| vector[member].as_str().unwrap();
        let (id, payload, sent_at) = (text("id"), text("payload").as_bytes(), vector["timestamp"].as_u64().unwrap());
        assert_eq!(sign(&Secret::parse(text("secret")).unwrap(), id, sent_at, payload), text("signature"));
        let without_prefix = text("secret").trim_start_matches("whsec_");
        assert!(Secret::parse(without_prefix).unwrap().is_same_as(&Secret::parse(text("secret")).unwrap()));
        let secrets = vec![Secret::parse(without_prefix).unwrap()];
        let keyring =
            Keyring::new(vec![ProviderSecrets { provider: Provider::named("acme").unwrap(), secrets }]).unwrap();
        for case in suite["verified"].as_array().unwrap() {
            let now = sent_at.checked_add_signed(-case["seconds"].as_i64().unwrap_or_default()).unwrap();
            let header = |name: &str, right: &str| {
                let changed = case["headers"].get(name).map_or(Some(right), |changed| changed.as_str())?;
                Some(changed.replace("${signature}", text("signature")).replace("${first 8}", &text("signature")[..8]))
            };
            let given =
                [(ID_HEADER, id), (TIMESTAMP_HEADER, &sent_at.to_string()), (SIGNATURE_HEADER, text("signature"))]
                    .map(|(name, right)| header(name, right));
            let [id, timestamp, signature] =
                given.each_ref().map(|value| value.iter().map(|value| value.as_bytes()).collect::<Vec<_>>());
            let headers = SignatureHeaders { id: &id, timestamp: &timestamp, signature: &signature };
            let found = verify(&headers, payload, &keyring, now * 1000);
            assert_eq!(found.is_ok(), case["is_valid"] == true, "{case}: {found:?}");
        }
    }
    for secret in suite["secrets_refused"].as_array().unwrap() {
        assert!(Secret::parse(secret.as_str().unwrap()).is_err());
    }
}

#[test]
fn finds_the_signer_by_each_of_its_secrets() {
    let now = NOW_SECONDS.to_string();
    for (byte, provider) in [(1, "acme"), (2, "acme"), (3, "globex")] {
        let signature = signed(byte, NOW_SECONDS);
        for header in [
            signature.clone(),
            format!("v1,AAAA {signature}"),
            format!("v2,{signature} v1a,xyz {signature} v1,"),
            format!("{} {signature}", signed(9, NOW_SECONDS)),
            format!(" {signature} "),
            format!("{}{signature}", "v1,AAAA ".repeat(15)),
        ] {
            assert_eq!(check("msg_1", &now, &header).as_deref(), Ok(provider), "{header}");
        }
    }
    assert_eq!(check("msg_1", &now, &signed(4, NOW_SECONDS)), Err(SignatureError::SignatureMismatch));
}

#[test]
fn rejects_timestamps_that_are_too_old_or_too_new() {
    use SignatureError::{TimestampTooNew, TimestampTooOld};
    for (offset, expected) in [
        (-301, Err(TimestampTooOld)),
        (-300, Ok("acme")),
        (-299, Ok("acme")),
        (0, Ok("acme")),
        (299, Ok("acme")),
        (300, Ok("acme")),
        (301, Err(TimestampTooNew)),
    ] {
        let sent_at = NOW_SECONDS.checked_add_signed(offset).unwrap();
        let found = check("msg_1", &sent_at.to_string(), &signed(1, sent_at));
        assert_eq!(found.as_deref().map_err(|error| *error), expected, "{offset}");
    }
    for (timestamp, expected) in [("0", TimestampTooOld), ("18446744073709551615", TimestampTooNew)] {
        assert_eq!(check("msg_1", timestamp, &signed(1, timestamp.parse().unwrap())), Err(expected));
    }
}

#[test]
fn rejects_everything_that_is_not_verified() {
    use SignatureError::*;
    let now = NOW_SECONDS.to_string();
    let right = signed(1, NOW_SECONDS);
    let base64 = right.strip_prefix("v1,").unwrap();
    let (plus, blank, zero) = (format!("+{now}"), format!(" {now}"), format!("0{now}"));
    let decoded = STANDARD.decode(base64).unwrap();
    for (id, timestamp, signature, expected) in [
        ("", now.as_str(), right.clone(), IdMissing),
        ("msg.1", &now, right.clone(), IdMalformed),
        ("msg 1", &now, right.clone(), IdMalformed),
        ("msg\u{e9}1", &now, right.clone(), IdMalformed),
        ("msg\n1", &now, right.clone(), IdMalformed),
        ("msg_2", &now, right.clone(), SignatureMismatch),
        ("msg_1", "", right.clone(), TimestampMissing),
        ("msg_1", &plus, right.clone(), TimestampMalformed),
        ("msg_1", &blank, right.clone(), TimestampMalformed),
        ("msg_1", &zero, right.clone(), TimestampMalformed),
        ("msg_1", "-5", right.clone(), TimestampMalformed),
        ("msg_1", "1768471200.0", right.clone(), TimestampMalformed),
        ("msg_1", "1.7684712e9", right.clone(), TimestampMalformed),
        ("msg_1", "2026-01-15T10:00:00Z", right.clone(), TimestampMalformed),
        ("msg_1", "18446744073709551616", right.clone(), TimestampMalformed),
        ("msg_1", "١٧٦٨٤٧١٢٠٠", right.clone(), TimestampMalformed),
        ("msg_1", &now, String::new(), SignatureMissing),
        ("msg_1", &now, "  ".to_owned(), SignatureMissing),
        ("msg_1", &now, "v1,".to_owned(), SignatureMismatch),
        ("msg_1", &now, "v1, v1, v1,".to_owned(), SignatureMismatch),
        ("msg_1", &now, right[..right.len() - 1].to_owned(), SignatureMismatch),
        ("msg_1", &now, right[..right.len() - 4].to_owned(), SignatureMismatch),
        ("msg_1", &now, format!("v1,{}", STANDARD.encode(&decoded[..16])), SignatureMismatch),
        ("msg_1", &now, format!("v1,{}", STANDARD.encode(&decoded[..31])), SignatureMismatch),
        ("msg_1", &now, format!("v1,{}", STANDARD.encode([decoded.clone(), vec![0]].concat())), SignatureMismatch),
        ("msg_1", &now, format!("{right}="), SignatureMismatch),
        ("msg_1", &now, format!("{right},"), SignatureMismatch),
        ("msg_1", &now, right.replace("v1,", "v1,\t"), SignatureMismatch),
        ("msg_1", &now, base64.to_owned(), SignatureVersionUnknown),
        ("msg_1", &now, "v1".to_owned(), SignatureVersionUnknown),
        ("msg_1", &now, format!("v2,{base64} v1a,{base64} V1,{base64}"), SignatureVersionUnknown),
        ("msg_1", &now, format!("{}{right}", "v1,AAAA ".repeat(16)), SignatureTooMany),
        ("msg_1", &now, format!("{}{right}", "v2,AAAA ".repeat(256)), HeaderTooLong),
        (&"m".repeat(2049), &now, right.clone(), HeaderTooLong),
        ("msg_1", &"1".repeat(2049), right.clone(), HeaderTooLong),
    ] {
        assert_eq!(check(id, timestamp, &signature), Err(expected), "{id} {timestamp} {signature}");
    }
}

#[test]
fn rejects_missing_and_repeated_headers() {
    use SignatureError::*;
    let now = NOW_SECONDS.to_string();
    let right = signed(1, NOW_SECONDS);
    let (id, at, signature): (&[&str], &[&str], &[&str]) = (&["msg_1"], &[&now], &[&right]);
    assert_eq!(verify_all(id, at, signature, BODY).as_deref(), Ok("acme"));
    for (id, at, signature, expected) in [
        (&[][..], at, signature, IdMissing),
        (id, &[], signature, TimestampMissing),
        (id, at, &[], SignatureMissing),
        (&["msg_1", "msg_1"], at, signature, IdRepeated),
        (id, &[&now, &now], signature, TimestampRepeated),
        (id, at, &[&right, &right], SignatureRepeated),
        (id, at, &[&right, ""], SignatureRepeated),
    ] {
        assert_eq!(verify_all(id, at, signature, BODY), Err(expected));
    }
}

#[test]
fn accepts_nothing_without_secrets() {
    let now = NOW_SECONDS.to_string();
    let signature = signed(1, NOW_SECONDS);
    let headers =
        SignatureHeaders { id: &[b"msg_1"], timestamp: &[now.as_bytes()], signature: &[signature.as_bytes()] };
    let without = ProviderSecrets { provider: Provider::named("acme").unwrap(), secrets: vec![] };
    for keyring in [Keyring::default(), Keyring::new(vec![without]).unwrap()] {
        assert_eq!(verify(&headers, BODY, &keyring, NOW_MS), Err(SignatureError::NoSecrets));
    }
}

#[test]
fn every_code_is_unique_and_has_a_fix() {
    crate::values::codes::check_codes!(SignatureError);
}

proptest! {
    /// A body with one changed, missing or added byte does not verify.
    #[test]
    fn a_signature_covers_every_byte(body in proptest::collection::vec(any::<u8>(), 1..80), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let now = NOW_SECONDS.to_string();
        let signature = sign(&secret(2), "msg_1", NOW_SECONDS, &body);
        prop_assert_eq!(verify_all(&["msg_1"], &[&now], &[&signature], &body), Ok("acme".to_owned()));
        let at = at.index(body.len());
        let mut flipped = body.clone();
        flipped[at] ^= 1 << bit;
        let longer = [body.as_slice(), b" "].concat();
        for other in [&flipped[..], &body[..at], &longer] {
            prop_assert_eq!(verify_all(&["msg_1"], &[&now], &[&signature], other), Err(SignatureError::SignatureMismatch));
        }
    }

    #[test]
    fn no_headers_make_it_panic(id in "\\PC{0,20}", timestamp in "[0-9+ .-]{0,25}", signature in "(v1,|v2,)?[A-Za-z0-9+/= ,]{0,60}") {
        prop_assert!(check(&id, &timestamp, &signature).is_err());
    }
}

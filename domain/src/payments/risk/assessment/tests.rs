//! The factors of payments, as data.

use super::*;
use proptest::prelude::*;

const NOW_MS: u64 = 1_768_471_200_000;
const MINUTE_MS: u64 = 60_000;

fn money(text: &str) -> Money {
    Money::parse(text.as_bytes(), 4).unwrap()
}

fn currency(code: &str) -> Currency {
    Currency::parse(code.as_bytes()).unwrap()
}

fn payment<'a>(amount: &str, metadata: Option<&'a str>) -> PaymentFacts<'a> {
    let (amount, currency) = (money(amount), currency("EUR"));
    PaymentFacts { transaction_id: "T5", amount, currency, received_at_ms: NOW_MS, metadata }
}

fn other(transaction_id: &str, amount: &str, received_at_ms: u64) -> RecentPayment {
    let transaction_id = transaction_id.to_owned();
    RecentPayment { transaction_id, amount: money(amount), currency: currency("EUR"), received_at_ms }
}

/// A customer known by one payment of a month ago.
fn known(metadata: Option<&str>) -> CustomerProfile {
    let long_ago =
        PaymentFacts { transaction_id: "T0", received_at_ms: NOW_MS - 30 * 1440 * MINUTE_MS, ..payment("1", metadata) };
    CustomerProfile::default().seen(&long_ago)
}

fn names(analysis: &Analysis) -> Vec<&'static str> {
    analysis.factors.iter().map(|finding| finding.factor.as_str()).collect()
}

#[test]
fn amounts_are_compared_exactly() {
    for (amount, expected) in [
        ("1", &[][..]),
        ("1999.99", &[]),
        ("2000", &["round_amount"]),
        ("2000.01", &[]),
        ("2500", &[]),
        ("5000", &["round_amount"]),
        ("5000.01", &["high_amount"]),
        ("6000.00", &["high_amount", "round_amount"]),
        ("99999999999999999999999999999999999999", &["high_amount"]),
    ] {
        assert_eq!(names(&assess(&payment(amount, None), &[], Some(&known(None)))), expected, "{amount}");
    }
}

#[test]
fn bursts_count_earlier_payments_in_the_window() {
    let burst = |distance_ms: u64, ids: &[&str]| -> Vec<RecentPayment> {
        ids.iter().zip(7..).map(|(id, amount)| other(id, &amount.to_string(), NOW_MS - distance_ms)).collect()
    };
    for (recent, expected) in [
        (burst(MINUTE_MS, &["A", "B", "C"]), &[][..]),
        (burst(MINUTE_MS, &["A", "B", "C", "D"]), &["velocity"]),
        (burst(10 * MINUTE_MS, &["A", "B", "C", "D"]), &["velocity"]),
        (burst(10 * MINUTE_MS + 1, &["A", "B", "C", "D"]), &[]),
        (burst(MINUTE_MS, &["A", "B", "C", "C"]), &[]),
        (burst(MINUTE_MS, &["A", "B", "C", "T5"]), &[]),
        // In the same millisecond, the ids decide.
        (burst(0, &["A", "B", "C", "D"]), &["velocity"]),
        (burst(0, &["A", "B", "C", "Z"]), &[]),
    ] {
        assert_eq!(names(&assess(&payment("1", None), &recent, Some(&known(None)))), expected, "{recent:?}");
    }
    let later: Vec<_> = ["A", "B", "C", "D"].iter().map(|id| other(id, "1", NOW_MS + 1)).collect();
    assert_eq!(names(&assess(&payment("1", None), &later, Some(&known(None)))), [""; 0]);
}

#[test]
fn equal_amounts_are_equal_in_their_currency() {
    let equal = |id: &str, amount: &str| other(id, amount, NOW_MS - 60 * MINUTE_MS);
    let yen = RecentPayment { currency: currency("JPY"), ..equal("B", "12") };
    for (recent, expected) in [
        (vec![equal("A", "12.00")], &[][..]),
        (vec![equal("A", "12.00"), equal("B", "12")], &["repeated_amount"]),
        (vec![equal("A", "12"), equal("B", "12.01")], &[]),
        (vec![equal("A", "12"), yen], &[]),
        (vec![equal("A", "12"), equal("A", "12")], &[]),
        (vec![equal("A", "12"), other("B", "12", NOW_MS - 60 * MINUTE_MS - 1)], &[]),
    ] {
        assert_eq!(names(&assess(&payment("12", None), &recent, Some(&known(None)))), expected, "{recent:?}");
    }
}

#[test]
fn earlier_payments_and_profiles_make_a_customer_known() {
    let first = payment("1", Some(r#"{"country":"CH"}"#));
    for (recent, profile, expected) in [
        (vec![], None, &["first_transaction"][..]),
        (vec![other("T5", "1", NOW_MS)], None, &["first_transaction"]),
        (vec![other("A", "1", NOW_MS + 1)], None, &["first_transaction"]),
        (vec![other("A", "1", NOW_MS - 1)], None, &[]),
        (vec![], Some(CustomerProfile::default()), &["first_transaction"]),
        (vec![], Some(CustomerProfile::default().seen(&first)), &["first_transaction"]),
        (vec![], Some(known(None)), &[]),
        (vec![], Some(known(Some(r#"{"country":"CH"}"#))), &[]),
        (vec![], Some(known(Some(r#"{"country":"US"}"#))), &["metadata_mismatch"]),
        (vec![], Some(known(Some(r#"{"device_id":"x"}"#))), &[]),
    ] {
        assert_eq!(names(&assess(&first, &recent, profile.as_ref())), expected, "{recent:?} {profile:?}");
    }
}

#[test]
fn reasons_never_contain_the_content() {
    let recent: Vec<_> =
        (1..=4).map(|minute| other(&format!("R{minute}"), "11000", NOW_MS - minute * MINUTE_MS)).collect();
    let payment = payment("11000", Some(r#"{"country":"secret"}"#));
    let analysis = assess(&payment, &recent, Some(&known(Some(r#"{"country":"CH"}"#))));
    assert_eq!(names(&analysis), ["high_amount", "velocity", "repeated_amount", "round_amount", "metadata_mismatch"]);
    assert_eq!((analysis.score.to_string().as_str(), analysis.level), ("1.000", RiskLevel::HighRisk));
    let text = serde_json::to_string(&analysis).unwrap();
    assert!(!text.contains("secret") && !text.contains("11000"), "{text}");
    let start = r#"{"score":"1.000","level":"high_risk","factors":[{"factor":"high_amount","weight":"0.300","reason":"#;
    assert!(text.starts_with(start), "{text}");
    assert_eq!(serde_json::from_str::<Analysis>(&text).unwrap(), analysis);
}

fn any_recent() -> impl Strategy<Value = Vec<RecentPayment>> {
    let one = (0_u32..12, 1_u32..4, 0_u64..90, any::<bool>()).prop_map(|(id, amount, minutes, later)| {
        let at = if later { NOW_MS + minutes } else { NOW_MS - minutes * MINUTE_MS };
        other(&format!("T{id}"), &(amount * 3000).to_string(), at)
    });
    proptest::collection::vec(one, 0..20)
}

fn any_metadata() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(
        (0_u8..12, 0_u8..3).prop_map(|(country, device)| format!("{{\"country\":{country},\"device_id\":{device}}}")),
    )
}

/// The profile after earlier payments of the customer.
fn any_profile() -> impl Strategy<Value = Option<CustomerProfile>> {
    let history = proptest::collection::vec((0_u64..1000, any_metadata()), 0..20);
    proptest::option::of(history.prop_map(|history| {
        history.iter().fold(CustomerProfile::default(), |profile, (at, metadata)| {
            let long_ago =
                PaymentFacts { transaction_id: "H", received_at_ms: *at, ..payment("1", metadata.as_deref()) };
            profile.seen(&long_ago)
        })
    }))
}

proptest! {
    #[test]
    fn an_assessment_is_deterministic(
        thousands in 1_u32..20,
        metadata in any_metadata(),
        (recent, shuffled) in any_recent().prop_flat_map(|recent| (Just(recent.clone()), Just(recent).prop_shuffle())),
        profile in any_profile(),
    ) {
        let payment = payment(&(thousands * 1000).to_string(), metadata.as_deref());
        let analysis = assess(&payment, &recent, profile.as_ref());
        prop_assert!(analysis.score.thousandths() <= 1000);
        prop_assert_eq!(&assess(&payment, &recent, profile.as_ref()), &analysis);
        prop_assert_eq!(&assess(&payment, &shuffled, profile.as_ref()), &analysis);
        let twice = [recent.as_slice(), &recent].concat();
        prop_assert_eq!(&assess(&payment, &twice, profile.as_ref()), &analysis);
        // Again, after the payment and a later one are known.
        let later = PaymentFacts { transaction_id: "Z", received_at_ms: NOW_MS + 1, ..payment };
        let with_itself = [recent.as_slice(), &[other("T5", "9", NOW_MS), other("Z", "9", NOW_MS + 1)]].concat();
        let profile = profile.unwrap_or_default().seen(&payment);
        prop_assert_eq!(&assess(&payment, &with_itself, Some(&profile)), &analysis);
        prop_assert_eq!(profile.seen(&payment), profile.clone());
        prop_assert_eq!(&assess(&payment, &with_itself, Some(&profile.seen(&later))), &analysis);
    }

    #[test]
    fn an_earlier_payment_removes_no_factor_of_a_burst(recent in any_recent(), profile in any_profile(), minutes in 1_u64..90) {
        let payment = payment("9000", None);
        let before = names(&assess(&payment, &recent, profile.as_ref()));
        let more = [recent.as_slice(), &[other("T99", "9000", NOW_MS - minutes * MINUTE_MS)]].concat();
        let after = names(&assess(&payment, &more, profile.as_ref()));
        for factor in before.iter().filter(|factor| **factor != "first_transaction") {
            prop_assert!(after.contains(factor), "{:?} {:?}", before, after);
        }
    }
}

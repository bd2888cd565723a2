use super::*;
use proptest::prelude::*;

#[test]
fn amounts_are_read_exactly() {
    for (text, decimals, expected) in [
        ("0", 2, "0"),
        ("12", 2, "12"),
        ("12.5", 2, "12.5"),
        ("12.50", 2, "12.5"),
        ("-12.34", 2, "-12.34"),
        ("007.10", 2, "7.1"),
        ("100", 0, "100"),
        ("0.001", 3, "0.001"),
        ("-0.01", 2, "-0.01"),
        ("0.00", 2, "0"),
        ("99999999999999999999999999999999999999", 2, "99999999999999999999999999999999999999"),
        ("999999999999999999999999999999999999.99", 2, "999999999999999999999999999999999999.99"),
        ("0000000000000000000000000000000000000000000001", 2, "1"),
    ] {
        let money = Money::parse(text.as_bytes(), decimals).map(|money| money.to_string());
        assert_eq!(money.as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn rejects_what_is_not_an_exact_amount() {
    use AmountError::{NegativeZero, TooManyDecimals, TooManyDigits};
    for text in [
        "",
        "-",
        "NaN",
        "nan",
        "inf",
        "-Infinity",
        "1e309",
        "1E2",
        "+1",
        "1,000.00",
        "12,50",
        "1'000",
        "0x1F",
        "١٢",
        "１２",
        ".5",
        "5.",
        "(5.00)",
        "$5",
        "5 USD",
        "1 000",
        " 1",
        "1 ",
        "--1",
        "1.2.3",
        "1-",
        "5€",
    ] {
        let error = Money::parse(text.as_bytes(), 2);
        assert!(matches!(error, Err(AmountError::Malformed(_))), "{text}: {error:?}");
    }
    assert_eq!(Money::parse(b"-0", 2), Err(NegativeZero));
    assert_eq!(Money::parse(b"-0.00", 2), Err(NegativeZero));
    assert_eq!(Money::parse(b"1.5", 0), Err(TooManyDecimals(1)));
    assert_eq!(Money::parse(b"1.000", 2), Err(TooManyDecimals(3)));
    assert_eq!(Money::parse(&[b'1'; 39], 2), Err(TooManyDigits));
    assert_eq!(Money::parse(format!("{}.99", "1".repeat(37)).as_bytes(), 2), Err(TooManyDigits));
}

#[test]
fn amounts_are_compared_as_numbers() {
    let read = |text: &str| Money::parse(text.as_bytes(), 40).unwrap();
    let ascending = [
        "-99999999999999999999999999999999999999",
        "-1",
        "-0.5",
        "0",
        "0.00000000000000000000000000000000000001",
        "0.5",
        "0.999",
        "1",
        "1.5",
        "10",
        "99999999999999999999999999999999999999",
    ];
    for (at, lower) in ascending.iter().enumerate() {
        assert_eq!(read(lower).cmp(&read(lower)), Ordering::Equal, "{lower}");
        for higher in &ascending[at + 1..] {
            assert!(read(lower) < read(higher) && read(higher) > read(lower), "{lower} {higher}");
        }
    }
    assert_eq!(Money::whole(10_000), read("10000.00"));
    for (text, expected) in
        [("5000", true), ("5000.00", true), ("5000.5", false), ("5500", false), ("0", true), ("-1000", true)]
    {
        assert_eq!(read(text).is_multiple_of(1000), expected, "{text}");
    }
    assert!(!read("5").is_multiple_of(0) && read("0.01").is_positive() && !read("0").is_positive());
}

#[test]
fn totals_stay_exact_beyond_any_integer_of_the_machine() {
    let usd = Currency::parse(b"USD").unwrap();
    let largest = Money::parse(&[b'9'; 38], 2).unwrap();
    let mut totals = Totals::default();
    for _ in 0..1000 {
        totals.add(usd, largest);
    }
    totals.add(usd, Money::parse(b"0.01", 2).unwrap());
    assert_eq!(totals.to_texts()["USD"], format!("{}000.01", BigInt::from(10).pow(38) - 1));
}

#[test]
fn the_parts_of_a_file_add_up() {
    let part =
        |usd: &str, jpy: &str| BTreeMap::from([("USD".to_owned(), usd.to_owned()), ("JPY".to_owned(), jpy.to_owned())]);
    let sum = add_up([&part("1.10", "5"), &part("-2.20", "7")]).unwrap();
    assert_eq!(sum, part("-1.10", "12"));
    for (usd, expected) in [("2", "3.10"), ("2.005", "3.105"), ("-1.1", "0.00")] {
        assert_eq!(add_up([&part("1.10", "5"), &part(usd, "7")]).unwrap()["USD"], expected, "another list's decimals");
        assert_eq!(add_up([&part(usd, "5"), &part("1.10", "7")]).unwrap()["USD"], expected, "another list's decimals");
    }
    for no_sum in ["x", "", "-", "1.", ".1", "1.2.3", "+1", "1_0", "1e2"] {
        assert_eq!(add_up([&part(no_sum, "5")]), Err("USD".to_owned()), "{no_sum}");
    }
}

#[test]
fn sums_in_a_currency_that_was_retired_are_added_up() {
    let part = |hrk: &str| BTreeMap::from([("HRK".to_owned(), hrk.to_owned()), ("QQQ".to_owned(), hrk.to_owned())]);
    let sum = add_up([&part("1.10"), &part("-2.20")]).unwrap();
    assert_eq!(sum, part("-1.10"));
    let mut totals = Totals::default();
    for amount in ["7", "1.125", "0.5"] {
        let amount = Money::known(amount.as_bytes()).unwrap();
        for code in [b"HRK", b"QQQ"] {
            totals.add(Currency::known(code, amount).unwrap(), amount);
        }
    }
    assert_eq!(totals.to_texts(), part("8.625"));
}

#[test]
fn a_sum_is_the_same_however_many_decimals_it_is_written_with() {
    for (one, other, expected) in [
        ("1.50", "1.5", true),
        ("1", "1.000", true),
        ("-1.5", "1.5", false),
        ("1.50", "1.51", false),
        ("10", "1", false),
        ("x", "x", true),
        ("x", "1", false),
    ] {
        assert_eq!((is_same_sum(one, other), is_same_sum(other, one)), (expected, expected), "{one} {other}");
    }
}

proptest! {
    #[test]
    fn text_and_value_agree(text in "-?[0-9]{1,30}(\\.[0-9]{1,4})?") {
        if let Ok(money) = Money::parse(text.as_bytes(), 4) {
            let canonical = money.to_string();
            prop_assert_eq!(Money::parse(canonical.as_bytes(), 4), Ok(money));
            let zeros_aside = |text: &str| {
                let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
                let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
                (sign.to_owned(), whole.trim_start_matches('0').to_owned(), fraction.trim_end_matches('0').to_owned())
            };
            prop_assert_eq!(zeros_aside(&canonical), zeros_aside(&text));
        } else {
            prop_assert!(text.starts_with('-') && text.chars().all(|c| "-0.".contains(c)));
        }
    }

    #[test]
    fn totals_equal_the_sum_of_big_integers(cents in proptest::collection::vec(any::<i64>(), 0..50)) {
        let usd = Currency::parse(b"USD").unwrap();
        let mut totals = Totals::default();
        for amount in &cents {
            let text = decimal_text(&amount.to_string(), 2);
            if let Ok(money) = Money::parse(text.as_bytes(), 2) { totals.add(usd, money); }
        }
        let sum: BigInt = cents.iter().map(|&amount| BigInt::from(amount)).sum();
        let expected = if cents.is_empty() { None } else { Some(decimal_text(&sum.to_string(), 2)) };
        prop_assert_eq!(totals.to_texts().get("USD").cloned(), expected);
    }

    /// Amounts of 1 to 38 digits, with up to 60 decimals: every case of the comparison, overflow included.
    #[test]
    fn the_order_is_that_of_big_integers(
        one in "-?[1-9][0-9]{0,18}(\\.[0-9]{0,18}[1-9])?|-?0\\.0{0,40}[1-9]{1,19}|0|-?[1-9]{38}",
        other in "-?[1-9][0-9]{0,18}(\\.[0-9]{0,18}[1-9])?|-?0\\.0{0,40}[1-9]{1,19}|0|-?[1-9]{38}",
    ) {
        let read = |text: &str| Money::parse(text.as_bytes(), u8::MAX).unwrap();
        let (one, other) = (read(&one), read(&other));
        prop_assert_eq!(one.cmp(&other), one.in_units(60).cmp(&other.in_units(60)));
        prop_assert_eq!(one.cmp(&other).is_eq(), one == other);
        prop_assert_eq!(one.cmp(&other), other.cmp(&one).reverse());
    }

    #[test]
    fn no_text_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..60), decimals in 0_u8..5) {
        let _ = Money::parse(&text, decimals);
    }
}

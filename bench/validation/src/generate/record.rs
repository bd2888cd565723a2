//! One record as a bank would write it.

use super::Set;
use crate::prng::Prng;
use domain::csv::Column;

/// The fields of a record as in a plain file, in the order of [`Column::ALL`]. Quotes are added when it is written.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(super) fields: Vec<Vec<u8>>,
}

/// The currencies of a report: weight, code, decimals.
const CURRENCIES: [(u64, &str, usize); 7] =
    [(40, "EUR", 2), (25, "USD", 2), (15, "GBP", 2), (8, "JPY", 0), (6, "CHF", 2), (3, "KWD", 3), (3, "SEK", 2)];

const MERCHANTS: [&str; 12] = [
    "Alder Books",
    "Blue Heron Cafe",
    "Cobalt Hardware",
    "Delta Fuel",
    "Elm Street Pharmacy",
    "Ferris Grocers",
    "Granite Insurance",
    "Harbour Hotel",
    "Ivory Dental",
    "Juniper Rail",
    "Kestrel Mobile",
    "Linden Bakery",
];

const QUOTED_MERCHANTS: [&str; 4] =
    ["Ash, Birch & Co", "The \"Corner\" Shop", "Maple Ltd, London", "Oak \"24/7\", Leeds"];

const WORDS: [&str; 16] = [
    "Zahlung",
    "Überweisung",
    "Café",
    "référence",
    "order",
    "subscription",
    "Straße",
    "東京",
    "напрямую",
    "invoice",
    "branch",
    "terminal",
    "señal",
    "kwota",
    "Łódź",
    "customer",
];

/// The low 48 bits, from which an unordered ID is made.
const ID_BITS: u64 = (1 << 48) - 1;

impl Record {
    /// The header.
    pub(super) fn header() -> Self {
        Self { fields: Column::ALL.iter().map(|column| column.name().as_bytes().to_vec()).collect() }
    }

    /// The record with this number, from 1.
    pub(super) fn draw(set: Set, seed: u64, number: u32) -> Self {
        let prng = &mut Prng::of(seed, u64::from(number));
        let (code, decimals) = currency(prng);
        let fields = [
            transaction_id(set, seed, number),
            amount(prng, decimals),
            code.to_owned(),
            timestamp(prng),
            merchant(set, prng),
            status(prng).to_owned(),
        ];
        Self { fields: fields.map(String::into_bytes).to_vec() }
    }

    pub(super) fn set(&mut self, column: Column, value: impl Into<Vec<u8>>) {
        self.fields[position(column)] = value.into();
    }

    pub(super) fn get(&self, column: Column) -> &[u8] {
        &self.fields[position(column)]
    }

    /// Appends the record's line to `line`.
    pub(super) fn write(&self, set: Set, line: &mut Vec<u8>) {
        for (index, field) in self.fields.iter().enumerate() {
            if index > 0 {
                line.push(b',');
            }
            if set == Set::Quoted || (set == Set::Long && index == position(Column::Merchant)) {
                quote(field, line);
            } else {
                line.extend_from_slice(field);
            }
        }
        line.extend_from_slice(set.line_end());
    }
}

fn position(column: Column) -> usize {
    // The variants are in the order of `Column::ALL`.
    column as usize
}

fn quote(field: &[u8], line: &mut Vec<u8>) {
    line.push(b'"');
    for &byte in field {
        if byte == b'"' {
            line.push(b'"');
        }
        line.push(byte);
    }
    line.push(b'"');
}

/// An ID of 16 characters. An unordered one is a bijection of the number, so that all are unique without being stored.
fn transaction_id(set: Set, seed: u64, number: u32) -> String {
    if matches!(set, Set::Bad | Set::Quoted) {
        return format!("TX-{number:013}");
    }
    let spread = u64::from(number).wrapping_add(seed).wrapping_mul(0x5851_f42d_4c95_7f2d) & ID_BITS;
    format!("TX-{:012X}Z", spread ^ (spread >> 24))
}

fn currency(prng: &mut Prng) -> (&'static str, usize) {
    let mut left = prng.below(CURRENCIES.iter().map(|(weight, ..)| weight).sum());
    for (weight, code, decimals) in CURRENCIES {
        if left < weight {
            return (code, decimals);
        }
        left -= weight;
    }
    // Not reached: the random number is below the sum of the weights.
    ("EUR", 2)
}

/// From a few units to a few thousand; one in twenty is a refund.
fn amount(prng: &mut Prng, decimals: usize) -> String {
    let bound = prng.pick(&[100, 1_000, 10_000]);
    let sign = if prng.chance(5) { "-" } else { "" };
    let whole = 1 + prng.below(bound);
    if decimals == 0 {
        return format!("{sign}{whole}");
    }
    let fraction = prng.below(10_u64.pow(decimals as u32));
    format!("{sign}{whole}.{fraction:0decimals$}")
}

fn timestamp(prng: &mut Prng) -> String {
    let (day, hour, minute, second) = (1 + prng.below(31), prng.below(24), prng.below(60), prng.below(60));
    let fraction = if prng.chance(10) { format!(".{:03}", prng.below(1000)) } else { String::new() };
    let offset = if prng.chance(70) { "Z" } else { prng.pick(&["+01:00", "-05:00", "+05:30"]) };
    format!("2026-01-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}")
}

fn merchant(set: Set, prng: &mut Prng) -> String {
    match set {
        Set::Quoted if prng.chance(20) => prng.pick(&QUOTED_MERCHANTS).to_owned(),
        Set::Long => long_merchant(prng),
        _ => format!("{} {:03}", prng.pick(&MERCHANTS), prng.below(1000)),
    }
}

/// A merchant with additional text, as banks write it, of about 50 to 250 bytes.
fn long_merchant(prng: &mut Prng) -> String {
    let bytes = 50 + prng.below(190) as usize;
    let mut text = format!("{}, {}", prng.pick(&MERCHANTS), prng.pick(&WORDS));
    while text.len() < bytes {
        text.push_str(if prng.chance(25) { ", " } else { " " });
        text.push_str(prng.pick(&WORDS));
    }
    text
}

fn status(prng: &mut Prng) -> &'static str {
    match prng.below(100) {
        0..90 => "completed",
        90..97 => "pending",
        _ => "failed",
    }
}

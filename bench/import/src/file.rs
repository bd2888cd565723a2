//! A generated file, and the rows that must be in the table after its import.

use domain::{DayShards, Timestamp};
use serde_json::{Map, Value, json};

const HEADER: &str = "transaction_id,amount,currency,timestamp,merchant,status\n";
const PARTNER: &str = "acme";

/// A file. Its content follows from the numbers of its rows.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Its ID.
    pub(crate) id: &'static str,
    /// When it arrived.
    pub(crate) received_at_ms: u64,
    /// The number of its data records.
    pub(crate) rows: u32,
    /// The length of its merchants.
    pub(crate) merchant_bytes: usize,
}

/// The values of one record, as in the file.
struct Record {
    id: String,
    /// In minor units.
    amount: u64,
    currency: &'static str,
    decimals: usize,
    second: u32,
    merchant: String,
    status: &'static str,
}

impl File {
    /// Its bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = HEADER.as_bytes().to_vec();
        for number in 1..=self.rows {
            let record = self.record(number);
            let line = format!(
                "{},{},{},{},\"{}\",{}\n",
                record.id,
                record.amount_text(),
                record.currency,
                record.timestamp_text("Z"),
                record.merchant,
                record.status
            );
            bytes.extend_from_slice(line.as_bytes());
        }
        bytes
    }

    /// The task of the workflow that imports it.
    pub(crate) fn task(&self, bytes: u64) -> Value {
        let columns = ["transaction_id", "amount", "currency", "timestamp", "merchant", "status"];
        let file = json!({
            "file_id": self.id, "attempt": 1, "partner": PARTNER, "key": format!("validated/{}.csv", self.id),
            "version_id": "1", "received_at_ms": self.received_at_ms, "columns": columns, "rows": self.rows, "totals": {},
        });
        let range = json!({
            "index": 0, "start": HEADER.len(), "end": bytes, "first_record": 1, "first_line": 2,
        });
        json!({ "file": file, "range": range })
    }

    /// The ID of a row.
    pub(crate) fn transaction_id(&self, number: u32) -> String {
        self.record(number).id
    }

    /// The expected item of a row, made without the measured code, except for the choice of the shard.
    pub(crate) fn item(&self, number: u32, replaces: Option<&str>) -> Value {
        let record = self.record(number);
        let day_shard = Timestamp::parse(record.timestamp_text("Z").as_bytes())
            .map(|at| DayShards::TRANSACTIONS.of(at, &record.id))
            .unwrap_or_default();
        let mut item = Map::new();
        let mut set = |name: &str, kind: &str, value: String| item.insert(name.to_owned(), json!({ kind: value }));
        set("transaction_id", "S", record.id.clone());
        set("partner", "S", PARTNER.to_owned());
        set("amount", "N", without_trailing_zeros(&record.amount_text()).to_owned());
        set("currency", "S", record.currency.to_owned());
        set("timestamp", "S", record.timestamp_text(".000000000Z"));
        set("merchant", "S", record.merchant.clone());
        set("status", "S", record.status.to_owned());
        set("day", "S", "2026-01-15".to_owned());
        set("day_shard", "S", day_shard);
        set("file_id", "S", self.id.to_owned());
        set("received_at", "N", self.received_at_ms.to_string());
        set("record", "N", number.to_string());
        if let Some(replaces) = replaces {
            set("replaces", "S", replaces.to_owned());
        }
        Value::Object(item)
    }

    fn record(&self, number: u32) -> Record {
        let currencies = [("EUR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3)];
        let (currency, decimals) = currencies[number as usize % currencies.len()];
        let merchant = format!("Merchant {} & Co, Café", number % 977);
        let filling = self.merchant_bytes.saturating_sub(merchant.len());
        Record {
            id: format!("PAY-2026-{:08}", number.wrapping_mul(2_654_435_761)),
            amount: u64::from(number) * 37 + 1,
            currency,
            decimals,
            second: number % 86_400,
            merchant: merchant + &"m".repeat(filling),
            status: ["completed", "pending", "failed"][number as usize % 3],
        }
    }
}

impl Record {
    fn amount_text(&self) -> String {
        let digits = format!("{:0width$}", self.amount, width = self.decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.decimals);
        if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
    }

    fn timestamp_text(&self, end: &str) -> String {
        let (hour, minute, second) = (self.second / 3600, self.second / 60 % 60, self.second % 60);
        format!("2026-01-15T{hour:02}:{minute:02}:{second:02}{end}")
    }
}

fn without_trailing_zeros(amount: &str) -> &str {
    if amount.contains('.') { amount.trim_end_matches('0').trim_end_matches('.') } else { amount }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_amounts_are_those_of_the_table() {
        let file = File { id: "f", received_at_ms: 1, rows: 50_000, merchant_bytes: 0 };
        let ids: std::collections::BTreeSet<String> =
            (1..=file.rows).map(|number| file.transaction_id(number)).collect();
        assert_eq!(ids.len(), 50_000);
        for (text, expected) in [("12.50", "12.5"), ("3.00", "3"), ("100", "100"), ("0.120", "0.12")] {
            assert_eq!(without_trailing_zeros(text), expected);
        }
        // Row 27 is of KWD: 27 * 37 + 1 = 1000 thousandths.
        assert_eq!(file.item(27, None)["amount"], json!({ "N": "1" }));
    }
}

//! Uploads as API Gateway sends them to the function: each a new valid file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::error::Error;
use std::fmt::Write;
use std::fs;
use stubs::in_repository;

const BOUNDARY: &str = "------------------------d74496d66958873e";
const HEADER: &str = "transaction_id,amount,currency,timestamp,merchant,status\n";
/// The beginning of the first record. The number of the file replaces the zeros.
const FIRST_ID: &str = "FILE-00000000-";
const MERCHANTS: [&str; 5] =
    ["Harbour Books", "Café Lindner", "\"Miller, Sons & Co.\"", "Northern Rail", "Souq Al Salam"];
const CURRENCIES: [&str; 4] = ["EUR", "USD", "GBP", "CHF"];
const STATUSES: [&str; 3] = ["completed", "pending", "failed"];
/// The placeholder for the body in the text of an event.
const BODY: &str = "THE-BODY";

/// Any number of different files of one size.
#[derive(Debug)]
pub(crate) struct Upload {
    file: Vec<u8>,
    before: String,
    after: String,
}

impl Upload {
    /// Valid files of slightly less than `bytes` bytes.
    ///
    /// # Errors
    /// `events/upload.json` cannot be read.
    pub(crate) fn of(bytes: usize) -> Result<Self, Box<dyn Error>> {
        let mut event: Value = serde_json::from_str(&fs::read_to_string(in_repository("events/upload.json"))?)?;
        event["body"] = json!(BODY);
        let text = event.to_string();
        let (before, after) = text.split_once(BODY).ok_or("the event has no body")?;
        Ok(Self { file: file(bytes).into_bytes(), before: before.to_owned(), after: after.to_owned() })
    }

    /// The number of data records in each file.
    pub(crate) fn rows(&self) -> usize {
        self.file.iter().filter(|byte| **byte == b'\n').count() - 1
    }

    /// The bytes of the last file.
    pub(crate) fn file(&self) -> &[u8] {
        &self.file
    }

    /// The event with the file of this number.
    pub(crate) fn event(&mut self, number: u32) -> Vec<u8> {
        let first = HEADER.len() + FIRST_ID.len() - "00000000-".len();
        self.file[first..first + 8].copy_from_slice(format!("{number:08}").as_bytes());
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"transactions.csv\"\r\n\
             Content-Type: text/csv\r\n\r\n"
        );
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        let body = STANDARD.encode([head.as_bytes(), &self.file, tail.as_bytes()].concat());
        [self.before.as_bytes(), body.as_bytes(), self.after.as_bytes()].concat()
    }
}

fn file(bytes: usize) -> String {
    let mut text = HEADER.to_owned();
    let mut chance = fastrand::Rng::with_seed(1);
    for number in 0.. {
        let mut record = if number == 0 { FIRST_ID.to_owned() } else { "ACME-2026-".to_owned() };
        // Writing to a String cannot fail.
        let _ = writeln!(
            record,
            "{number:07},{}.{:02},{},2026-01-15T{:02}:{:02}:{:02}Z,{},{}",
            chance.u32(..100_000),
            chance.u32(..97),
            pick(&CURRENCIES, &mut chance),
            number / 3600 % 24,
            number / 60 % 60,
            number % 60,
            pick(&MERCHANTS, &mut chance),
            pick(&STATUSES, &mut chance),
        );
        if text.len() + record.len() > bytes {
            break;
        }
        text.push_str(&record);
    }
    text
}

fn pick<'a>(among: &[&'a str], chance: &mut fastrand::Rng) -> &'a str {
    chance.choice(among).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_different_file() {
        let mut upload = Upload::of(10_000).unwrap();
        let bodies = [7, 8].map(|number| {
            let event: Value = serde_json::from_slice(&upload.event(number)).unwrap();
            let body = STANDARD.decode(event["body"].as_str().unwrap()).unwrap();
            let file = String::from_utf8(upload.file().to_vec()).unwrap();
            assert!(String::from_utf8(body).unwrap().contains(&file));
            assert!(file.len() > 9_900 && file.len() <= 10_000, "{}", file.len());
            file
        });
        assert_ne!(bodies[0], bodies[1]);
        assert_eq!(bodies[0].replace("FILE-00000007-", "FILE-00000008-"), bodies[1]);
        assert_eq!(bodies[0].lines().count(), upload.rows() + 1);
    }
}

//! Builders of files and of request bodies, valid and invalid ones.

use domain::ContentHasher;
use domain::{ContentDigest, FileId, Money, Partner};

pub(crate) const HEADER: &str = "transaction_id,amount,currency,timestamp,merchant,status";

/// A valid record with this id.
pub(crate) fn record(id: &str) -> String {
    record_of(id, "12.34")
}

/// A valid record with this id and amount in USD.
pub(crate) fn record_of(id: &str, amount: &str) -> String {
    format!("{id},{amount},USD,2026-01-15T10:00:00Z,Corner Café,completed")
}

/// A file of these records below the header.
pub(crate) fn file(records: &[impl AsRef<str>]) -> Vec<u8> {
    let mut text = format!("{HEADER}\n");
    for record in records {
        text.push_str(record.as_ref());
        text.push('\n');
    }
    text.into_bytes()
}

/// A valid file of exactly so many bytes.
pub(crate) fn file_of_bytes(bytes: usize) -> Vec<u8> {
    const RECORD_BYTES: usize = 3_000;
    let records = bytes / RECORD_BYTES;
    let budget = bytes - HEADER.len() - 1;
    let records = (0..records).map(|number| {
        let frame = format!("T{number:06},12.34,USD,2026-01-15T10:00:00Z,,completed");
        // The remainder makes the first records one byte longer. Each has a line end as well.
        let length = budget / records + usize::from(number < budget % records) - 1;
        frame.replace(",,", &format!(",{},", "m".repeat(length - frame.len())))
    });
    let file = file(&records.collect::<Vec<_>>());
    assert_eq!(file.len(), bytes);
    file
}

/// The SHA-256 of a file.
pub(crate) fn digest(file: &[u8]) -> ContentDigest {
    let mut hasher = ContentHasher::default();
    hasher.push(file);
    hasher.finish()
}

/// The id of a file of this partner, which is the same from every source.
pub(crate) fn file_id(partner: &str, file: &[u8]) -> String {
    FileId::derive(&Partner::named(partner).unwrap(), &digest(file)).to_string()
}

/// A decimal in the one form by which texts can be compared: `12.50`, `12.5` and `0012.5` are the same.
pub(crate) fn decimal(text: &str) -> String {
    Money::parse(text.as_bytes(), u8::MAX).unwrap_or_else(|fault| panic!("{text} is no decimal: {fault:?}")).to_string()
}

/// One part of a multipart body: its header lines and its content.
pub(crate) fn part(headers: &[&str], content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for header in headers {
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(content);
    bytes
}

/// The part that holds the file.
pub(crate) fn file_part(content: &[u8]) -> Vec<u8> {
    part(&["Content-Disposition: form-data; name=\"file\"; filename=\"day.csv\"", "Content-Type: text/csv"], content)
}

/// A multipart body of these parts, complete with its closing boundary.
pub(crate) fn body(boundary: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    bytes
}

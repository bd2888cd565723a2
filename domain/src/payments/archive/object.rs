//! One object of the archive: compressed lines of payments.

use super::{ArchiveLineError, ArchivedPayment};
use crate::limits::{ARCHIVE_OBJECT_BYTES_MAX, ARCHIVE_OBJECT_ROWS_MAX};
use crate::{ContentDigest, ContentHasher};
use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::io::{self, BufRead, BufReader, Write};

/// Why bytes are not an object of the archive.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ObjectError {
    /// They are not a complete gzip stream.
    #[error("the object cannot be compressed or decompressed: {0}")]
    Compression(String),
    /// A line is not a payment.
    #[error("line {number}: {error}")]
    Line {
        /// The number of the line, from 1.
        number: u32,
        /// The error.
        error: ArchiveLineError,
    },
}

/// Fills an object line by line. It holds the compressed bytes in memory.
pub struct ObjectWriter {
    encoder: GzEncoder<Vec<u8>>,
    hasher: ContentHasher,
    rows: u32,
    bytes: usize,
}

/// An object, ready to be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilledObject {
    /// Its bytes, compressed.
    pub bytes: Vec<u8>,
    /// The number of payments.
    pub rows: u32,
    /// The SHA-256 of its lines.
    pub content: ContentDigest,
}

impl Default for ObjectWriter {
    fn default() -> Self {
        let encoder = GzEncoder::new(Vec::new(), Compression::default());
        Self { encoder, hasher: ContentHasher::default(), rows: 0, bytes: 0 }
    }
}

impl ObjectWriter {
    /// Whether it has no lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether `line` may be added. An empty object has room for any line, so that every line can be archived.
    #[must_use]
    pub fn has_room_for(&self, line: &str) -> bool {
        self.is_empty() || (self.rows < ARCHIVE_OBJECT_ROWS_MAX && self.bytes + line.len() <= ARCHIVE_OBJECT_BYTES_MAX)
    }

    /// Adds a [line](ArchivedPayment::to_line).
    ///
    /// # Errors
    /// The compression failed.
    pub fn push(&mut self, line: &str) -> Result<(), ObjectError> {
        self.encoder.write_all(line.as_bytes()).map_err(compression)?;
        self.hasher.push(line.as_bytes());
        self.rows += 1;
        self.bytes += line.len();
        Ok(())
    }

    /// The object, which may have no lines.
    ///
    /// # Errors
    /// The compression failed.
    pub fn finish(self) -> Result<FilledObject, ObjectError> {
        let bytes = self.encoder.finish().map_err(compression)?;
        Ok(FilledObject { bytes, rows: self.rows, content: self.hasher.finish() })
    }
}

/// Reads the payments of an object's bytes, one after another. It ends after an error.
pub struct ObjectLines<'a> {
    reader: BufReader<MultiGzDecoder<&'a [u8]>>,
    hasher: ContentHasher,
    text: String,
    number: u32,
    ended: bool,
}

impl<'a> ObjectLines<'a> {
    /// The lines of these bytes.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        let reader = BufReader::new(MultiGzDecoder::new(bytes));
        Self { reader, hasher: ContentHasher::default(), text: String::new(), number: 0, ended: false }
    }

    /// Reads an object to its end and returns the number of its payments and the SHA-256 of their lines.
    ///
    /// # Errors
    /// The first [`ObjectError`].
    pub fn check(bytes: &'a [u8]) -> Result<(u32, ContentDigest), ObjectError> {
        let mut lines = Self::of(bytes);
        for line in &mut lines {
            line?;
        }
        Ok((lines.number, lines.hasher.finish()))
    }

    fn read(&mut self) -> Result<Option<ArchivedPayment>, ObjectError> {
        self.text.clear();
        if self.reader.read_line(&mut self.text).map_err(compression)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.hasher.push(self.text.as_bytes());
        let payment = ArchivedPayment::parse(&self.text);
        payment.map(Some).map_err(|error| ObjectError::Line { number: self.number, error })
    }
}

impl Iterator for ObjectLines<'_> {
    type Item = Result<ArchivedPayment, ObjectError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read().transpose();
        self.ended = !matches!(read, Some(Ok(_)));
        read
    }
}

fn compression(error: io::Error) -> ObjectError {
    ObjectError::Compression(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payments::archive::line::tests::archived;
    use proptest::prelude::*;

    fn object(payments: &[ArchivedPayment]) -> FilledObject {
        let mut writer = ObjectWriter::default();
        for payment in payments {
            writer.push(&payment.to_line()).unwrap();
        }
        writer.finish().unwrap()
    }

    fn payments(count: u64) -> Vec<ArchivedPayment> {
        (0..count)
            .map(|received_at_ms| ArchivedPayment { received_at_ms, ..archived("12.50", None, None, false) })
            .collect()
    }

    #[test]
    fn an_object_may_be_empty() {
        let object = object(&[]);
        assert_eq!(ObjectLines::check(&object.bytes), Ok((0, ContentDigest::of(b""))));
        assert_eq!((object.rows, object.content), (0, ContentDigest::of(b"")));
    }

    #[test]
    fn an_object_is_full_by_rows_or_by_bytes() {
        let line = archived("12.50", None, None, false).to_line();
        let mut writer = ObjectWriter::default();
        assert!(writer.has_room_for(&"x".repeat(ARCHIVE_OBJECT_BYTES_MAX + 1)), "it would never be archived");
        writer.push(&line).unwrap();
        assert!(writer.has_room_for(&"x".repeat(ARCHIVE_OBJECT_BYTES_MAX - line.len())));
        assert!(!writer.has_room_for(&"x".repeat(ARCHIVE_OBJECT_BYTES_MAX - line.len() + 1)));
        while writer.rows < ARCHIVE_OBJECT_ROWS_MAX {
            assert!(writer.has_room_for(""));
            writer.push("\n").unwrap();
        }
        assert!(!writer.has_room_for(""));
    }

    #[test]
    fn finds_truncated_appended_and_changed_bytes() {
        let object = object(&payments(50));
        assert_eq!(ObjectLines::check(&object.bytes), Ok((50, object.content)));
        for end in 0..object.bytes.len() {
            let read = ObjectLines::check(&object.bytes[..end]);
            // No bytes are a valid gzip stream of no members.
            assert!(read.is_err() || (end == 0 && read == Ok((0, ContentDigest::of(b"")))), "{end}");
        }
        let appended = [object.bytes.as_slice(), b"more"].concat();
        assert!(ObjectLines::check(&appended).is_err());
        let mut changed = object.bytes.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        assert!(ObjectLines::check(&changed).is_err());
    }

    #[test]
    fn an_error_has_the_number_of_its_line() {
        let mut writer = ObjectWriter::default();
        writer.push(&archived("12.50", None, None, false).to_line()).unwrap();
        writer.push("{}\n").unwrap();
        let bytes = writer.finish().unwrap().bytes;
        assert!(matches!(ObjectLines::check(&bytes), Err(ObjectError::Line { number: 2, .. })));
        assert_eq!(ObjectLines::of(&bytes).count(), 2, "it ends after an error");
    }

    proptest! {
        #[test]
        fn an_object_is_read_back_as_it_was_written(metadata in prop::collection::vec(any::<Option<String>>(), 0..20)) {
            let payments: Vec<_> =
                metadata.into_iter().map(|metadata| archived("0.01", metadata, None, false)).collect();
            let object = object(&payments);
            prop_assert_eq!(ObjectLines::check(&object.bytes).unwrap(), (object.rows, object.content));
            let read: Result<Vec<_>, _> = ObjectLines::of(&object.bytes).collect();
            prop_assert_eq!(read.unwrap(), payments);
        }
    }
}

//! Every bound on what comes from outside, in one place. The README lists them; a test holds that list against this
//! file.

/// Largest file that fits through the upload API, in bytes. A Lambda request is 6 MB at most and carries the file in
/// base64, which leaves about 4.7 MB; the rest is room for the envelope.
pub const API_FILE_BYTES_MAX: u64 = 4_500_000;

/// Largest file accepted from the bucket, in bytes.
pub const BUCKET_FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Most data records in a file. A new on-demand table takes about 4,000 writes a second, and the workflow gives a range
/// 65 seconds before it is tried again.
pub const FILE_ROWS_MAX: u32 = 150_000;

/// Most columns in a record.
pub const RECORD_COLUMNS_MAX: usize = 64;

/// Longest field, in bytes of its value (quotes removed).
pub const FIELD_BYTES_MAX: usize = 4 * 1024;

/// Longest transaction id, in characters (they are ASCII, so bytes as well).
pub const TRANSACTION_ID_CHARS_MAX: usize = 128;

/// Most significant digits in an amount: what a DynamoDB number holds.
pub const AMOUNT_DIGITS_MAX: usize = 38;

/// How far after its file's arrival a transaction may be dated, in seconds (24 hours).
pub const TIMESTAMP_FUTURE_SECONDS_MAX: i64 = 24 * 60 * 60;

/// Most errors listed in an HTTP answer. The stored report has all of them, and the true total is always given.
pub const ERRORS_IN_ANSWER_MAX: usize = 100;

/// Most errors listed in a stored report, which is then about 200 MB. The true totals are given all the same.
pub const ERRORS_IN_REPORT_MAX: u64 = 1_000_000;

/// Most byte ranges that one file is split into, each written by a function of its own.
pub const FILE_RANGES_MAX: usize = 16;

/// Fewest records worth a range of their own.
pub const RANGE_ROWS_MIN: u32 = 1_000;

/// Number of partitions that one day of transactions is spread over in `timestamp-index`. A partition takes 1,000
/// writes a second, so a day's bulk load may reach 16,000.
pub const TIMESTAMP_SHARDS: u64 = 16;

/// Longest boundary of a multipart body, in characters (RFC 2046, section 5.1.1).
pub const BOUNDARY_CHARS_MAX: usize = 70;

/// Most bytes in the headers of one part.
pub const PART_HEADER_BYTES_MAX: usize = 8 * 1024;

/// Longest partner name, in characters.
pub const PARTNER_CHARS_MAX: usize = 63;

/// How often one file may be tried. Its history lives in one item of at most 400 KB.
pub const ATTEMPTS_MAX: u32 = 100;

/// How long an attempt may stay without a final status before it counts as lost, in milliseconds. An Express
/// workflow is ended by AWS after five minutes, and no state of ours runs when that happens.
pub const ATTEMPT_MILLISECONDS_MAX: u64 = 6 * 60 * 1000;

/// Most ids of later files that one file's `superseded_by` lists.
pub const SUPERSEDED_BY_MAX: usize = 20;

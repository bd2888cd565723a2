//! Every bound on what comes from outside, in one place. The pages of limits in `docs/` are made from it
//! (`tests/docs/limits.rs`).

/// Largest file that fits through the upload API, in bytes. A Lambda request is 6 MB at most and carries the file in
/// base64, which leaves about 4.7 MB; the rest is room for the envelope.
pub const API_FILE_BYTES_MAX: u64 = 4_500_000;

/// Largest file accepted from the bucket, in bytes (1 GiB). A function of 512 MB has 0.29 of a core, with which it must
/// read and check such a file within its 60 seconds.
pub const BUCKET_FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Largest file whose steps the workflow may try twice, in bytes (32 MiB). A larger one gets twice the time and one
/// try, because two would not fit into the five minutes of an Express execution.
pub const RETRIED_FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Most data records in a file. Each of its ranges then has 125,000 of them and 130 seconds.
pub const FILE_ROWS_MAX: u32 = 5_000_000;

/// How long the URL of a presigned upload is valid, in seconds (15 minutes). S3 checks this when the upload begins; the
/// transfer may take longer.
pub const UPLOAD_URL_SECONDS: u64 = 15 * 60;

/// Largest body of a request that creates an upload, in bytes (16 KiB): its expected totals and a little more.
pub const UPLOAD_REQUEST_BYTES_MAX: usize = 16 * 1024;

/// Largest JSON object of expected totals, in bytes (15 KiB). One of every currency, each with the most digits, has 11
/// KB.
pub const EXPECTED_TOTALS_BYTES_MAX: usize = 15 * 1024;

/// Most significant digits in an expected total: five million amounts of 38 digits add up to no more.
pub const EXPECTED_TOTAL_DIGITS_MAX: usize = 45;

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

/// Most errors listed in an HTTP response. The stored report has all of them, and the total is always given.
pub const ERRORS_IN_RESPONSE_MAX: usize = 100;

/// Most errors listed in the response to a dry run, which stores no report. The response then has at most 5 MB of the 6
/// MB that Lambda allows.
pub const ERRORS_IN_DRY_RUN_MAX: usize = 10_000;

/// Most errors listed in a stored report, which is then about 200 MB. The totals are given all the same.
pub const ERRORS_IN_REPORT_MAX: u64 = 1_000_000;

/// Largest file for which the API writes a correctable file, in bytes (32 MiB): it is read twice while its sender
/// waits.
pub const CORRECTABLE_FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Most errors of a file for which the API writes a correctable file. It then has about 50 MB at most; without this
/// limit, a file full of short invalid records would become gigabytes with their reasons.
pub const CORRECTABLE_ERRORS_MAX: u64 = 200_000;

/// Most bytes of one malformed record that a correctable file repeats (256 KiB): an unclosed quote extends its record
/// to the end of the file.
pub const CORRECTABLE_RECORD_BYTES_MAX: usize = 256 * 1024;

/// Most byte ranges that one file is split into, each written by its own invocation.
pub const FILE_RANGES_MAX: usize = 40;

/// Fewest records in a range, unless the file has fewer.
pub const RANGE_ROWS_MIN: u32 = 1_000;

/// Number of partition keys that one day of transactions is spread over in `timestamp-index`. A partition of the index
/// takes 1,000 writes a second, and keys are distributed by chance: the more there are, the less the fullest partition
/// slows down a bulk load of one day. A reader of one day makes as many queries.
pub const TIMESTAMP_SHARDS: u64 = 1_024;

/// Number of partition keys that one day of payments is spread over in `day-index`. Payments arrive one by one.
pub const PAYMENT_SHARDS: u64 = 16;

/// Longest boundary of a multipart body, in characters (RFC 2046, section 5.1.1).
pub const BOUNDARY_CHARS_MAX: usize = 70;

/// Most bytes in the headers of one part.
pub const PART_HEADER_BYTES_MAX: usize = 8 * 1024;

/// Longest partner name, in characters.
pub const PARTNER_CHARS_MAX: usize = 63;

/// Most attempts of one file. Its history is in one item of at most 400 KB.
pub const ATTEMPTS_MAX: u32 = 100;

/// How long an attempt may be without a final status before it counts as lost, in milliseconds. Express ends a workflow
/// after five minutes without running any further state.
pub const ATTEMPT_MILLISECONDS_MAX: u64 = 6 * 60 * 1000;

/// Most ids of later files that the `superseded_by` of one file lists.
pub const SUPERSEDED_BY_MAX: usize = 20;

/// Most earlier files that the status of a file lists as replaced. All replaced rows are counted.
pub const REPLACED_FILES_MAX: usize = 20;

/// Deepest nesting of objects and arrays in JSON, in containers: the outermost is the first.
pub const JSON_DEPTH_MAX: usize = 32;

/// Largest body of a webhook, in bytes (256 KiB). With its metadata it must fit into one item of 400 KB.
pub const WEBHOOK_BODY_BYTES_MAX: usize = 256 * 1024;

/// How far a webhook's timestamp may be from our clock in either direction, in seconds (5 minutes, the tolerance of
/// Standard Webhooks).
pub const WEBHOOK_TIMESTAMP_SECONDS_MAX: u64 = 5 * 60;

/// Longest of the three headers of a signature, in bytes.
pub const WEBHOOK_HEADER_BYTES_MAX: usize = 2 * 1024;

/// Most signatures in one header.
pub const WEBHOOK_SIGNATURES_MAX: usize = 16;

/// Most secrets of one provider that are valid at the same time: the old one and the new one of a rotation.
pub const PROVIDER_SECRETS_MAX: usize = 2;

/// Most providers. Each one costs a pass over a body whose signer is not known yet.
pub const PROVIDERS_MAX: usize = 100;

/// Shortest secret, in bytes once decoded (Standard Webhooks: 24 to 64).
pub const SECRET_BYTES_MIN: usize = 24;

/// Longest secret, in bytes once decoded.
pub const SECRET_BYTES_MAX: usize = 64;

/// Longest customer id, in characters (they are ASCII, so bytes as well).
pub const CUSTOMER_ID_CHARS_MAX: usize = 128;

/// Longest event type, in characters.
pub const EVENT_TYPE_CHARS_MAX: usize = 128;

/// Most recent payments of a customer that an assessment considers.
pub const RECENT_PAYMENTS_MAX: usize = 100;

/// Most values that a customer's profile keeps of one field.
pub const PROFILE_VALUES_MAX: usize = 8;

/// How long a payment stays in its table before it is archived, in milliseconds (24 hours).
pub const ARCHIVE_AGE_MILLISECONDS_MIN: u64 = 24 * 60 * 60 * 1000;

/// Fewest days before the newest one that an archival checks. It goes further back for unfinished days.
pub const ARCHIVE_DAYS_BACK_MIN: u64 = 30;

/// Most payments in one object of the archive.
pub const ARCHIVE_OBJECT_ROWS_MAX: u32 = 50_000;

/// Most bytes in one object of the archive before it is compressed (32 MiB). A function of 512 MB holds one compressed
/// object and the payments to add, and archives an object in part of its time.
pub const ARCHIVE_OBJECT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How long a payment is recognized after it was archived, in milliseconds (30 days). Senders retry for days; the
/// requirement is 7 days at least.
pub const TOMBSTONE_MILLISECONDS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Most files per day in one part of a partner's schedule.
pub const SCHEDULED_FILES_MAX: u32 = 24;

/// Most files that the response for a day lists. All are counted.
pub const DAY_FILES_MAX: usize = 1_000;

/// Most bytes of files that the response for a day lists. A Lambda response has 6 MB at most, and a file may have a
/// total in every currency.
pub const DAY_FILES_BYTES_MAX: usize = 4_000_000;

/// How long an accepted file or payment may be unfinished before it is reported, in milliseconds (1 hour). Successful
/// processing takes minutes, retries included.
pub const UNFINISHED_AFTER_MILLISECONDS: u64 = 60 * 60 * 1000;

/// How long after its URL expired the bytes of a presigned upload are looked for, in milliseconds (4 hours). A transfer
/// that began in time may still run: 1 GiB takes 2.4 hours at 1 Mbit/s.
pub const UPLOAD_CHECKED_MILLISECONDS: u64 = 4 * 60 * 60 * 1000;

/// Most unfinished files, and most unfinished payments, that one check lists. All are counted.
pub const UNFINISHED_REPORTED_MAX: usize = 1_000;

/// Number of partition keys in each `unfinished-index`. Every file and payment is added to it and removed from it, and
/// a partition takes 1,000 writes a second.
pub const UNFINISHED_SHARDS: u64 = 16;

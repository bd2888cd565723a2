//! The schemas of bodies. Lists and bounds are those of the rules.

use crate::document::{or_null, reference, texts};
use api::Code;
use domain::FileStatus;
use domain::csv::{Column, ErrorCode};
use domain::limits::{
    BUCKET_FILE_BYTES_MAX, CUSTOMER_ID_CHARS_MAX, DAY_FILES_MAX, ERRORS_IN_DRY_RUN_MAX, SUPERSEDED_BY_MAX,
    TRANSACTION_ID_CHARS_MAX,
};
use domain::payments::webhook::{Field, PaymentErrorCode};
use serde_json::{Value, json};

/// Every schema that the operations refer to, by its name.
pub(crate) fn all() -> Value {
    json!({
        "Problem": problem(),
        "RowError": row_error(),
        "InvalidCsv": invalid_csv(),
        "PaymentError": payment_error(),
        "InvalidPayment": invalid_payment(),
        "Totals": totals(),
        "FileStatus": file_status(),
        "AcceptedFile": accepted_file(),
        "UploadRequest": upload_request(),
        "PresignedUpload": presigned_upload(),
        "DuplicateFile": duplicate_file(),
        "File": file(),
        "CorrectableFile": correctable_file(),
        "PartnerDay": partner_day(),
        "DayFile": day_file(),
        "Day": day(),
        "Payment": payment(),
        "AcceptedPayment": accepted_payment(),
    })
}

fn file_id() -> Value {
    json!({"type": "string", "pattern": "^[0-9a-f]{32}$"})
}

fn status_path(kind: Value) -> Value {
    json!({
        "type": kind,
        "pattern": "^/files/[0-9a-f]{32}\\?token=[0-9a-f]{32}$",
        "description": "Follows the API's base. Its token opens it; no key is needed.",
    })
}

fn attempt() -> Value {
    json!({
        "type": "integer", "minimum": 1, "maximum": 100,
        "description": "The file's latest attempt. Give it as reprocess_attempt to have the file processed again.",
    })
}

fn superseded_by() -> Value {
    json!({"type": "array", "maxItems": SUPERSEDED_BY_MAX, "items": file_id()})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn time_or_null() -> Value {
    json!({"type": ["string", "null"], "format": "date-time"})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn count_or_null() -> Value {
    json!({"type": ["integer", "null"], "minimum": 0})
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "Why a request was rejected, in the form of RFC 9457 with members of its own.",
        "required": ["error", "message", "type", "title", "status", "detail", "request_id"],
        "properties": {
            "error": {
                "type": "string",
                "enum": texts(Code::ALL.iter().map(|code| code.as_str())),
                "description": "The stable code. A program decides by it and by the HTTP status.",
            },
            "message": {"type": "string", "description": "What is wrong and what to do, for people."},
            "type": {
                "type": "string",
                "format": "uri-reference",
                "description": "Leads to the code on the page of errors (RFC 9457).",
            },
            "title": {
                "type": "string",
                "description": "The code in words, the same for each of its responses.",
            },
            "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status."},
            "detail": {"type": "string", "description": "The same as message."},
            "instance": {
                "type": "string",
                "format": "uri",
                "description": "The request_id as a URN. Absent where the gateway gave no id.",
            },
            "request_id": {"type": "string", "description": "What an operator needs to investigate it."},
            "file_id": {
                "type": ["string", "null"],
                "description": "The file, where one is known. Of the upload API.",
            },
            "transaction_id": {"type": ["string", "null"], "description": "Of the webhooks' API."},
        },
    })
}

fn row_error() -> Value {
    json!({
        "type": "object",
        "description": "One error of a file. It repeats nothing of the file's content.",
        "required": ["record", "line", "column", "column_number", "byte", "code", "reason", "fix"],
        "properties": {
            "record": {
                "type": "integer",
                "minimum": 0,
                "description": "Data records from 1; 0 is the header or the file as a whole.",
            },
            "line": {"type": "integer", "minimum": 1},
            "column": {
                "type": ["string", "null"],
                "enum": or_null(Column::ALL.iter().map(|column| column.name())),
            },
            "column_number": {"type": ["integer", "null"], "minimum": 1},
            "byte": {"type": "integer", "minimum": 0, "description": "Offset in the file from 0."},
            "code": {"type": "string", "enum": texts(ErrorCode::ALL.iter().map(|code| code.as_str()))},
            "reason": {"type": "string"},
            "fix": {"type": "string"},
        },
        "additionalProperties": false,
    })
}

fn invalid_csv() -> Value {
    json!({
        "description": "The file has errors and was rejected as a whole.",
        "allOf": [reference("Problem")],
        "type": "object",
        "required": [
            "file_id",
            "dry_run",
            "status_path",
            "row_count",
            "error_count",
            "errors_by_code",
            "truncated",
            "errors",
        ],
        "properties": {
            "error": {"const": "invalid_csv"},
            "file_id": file_id(),
            "dry_run": {"type": "boolean"},
            "status_path": status_path(json!(["string", "null"])),
            "row_count": count(),
            "error_count": {"type": "integer", "minimum": 1},
            "errors_by_code": {
                "type": "object",
                "description": "The true counts.",
                "propertyNames": {"enum": texts(ErrorCode::ALL.iter().map(|code| code.as_str()))},
                "additionalProperties": {"type": "integer", "minimum": 1},
            },
            "truncated": {"type": "boolean", "description": "Whether there are more errors than the list has."},
            "errors": {
                "type": "array",
                "minItems": 1,
                "maxItems": ERRORS_IN_DRY_RUN_MAX,
                "description": "The first 100 errors; of a dry run the first 10,000.",
                "items": reference("RowError"),
            },
        },
    })
}

fn payment_error() -> Value {
    json!({
        "type": "object",
        "description": "One error of a webhook's body.",
        "required": ["field", "byte", "code", "reason", "fix"],
        "properties": {
            "field": {
                "type": ["string", "null"],
                "enum": or_null(Field::ALL.iter().map(|field| field.as_str())),
            },
            "byte": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Offset in the body from 0; null for what is missing.",
            },
            "code": {
                "type": "string",
                "enum": texts(PaymentErrorCode::ALL.iter().map(|code| code.as_str())),
            },
            "reason": {"type": "string"},
            "fix": {"type": "string"},
        },
        "additionalProperties": false,
    })
}

fn invalid_payment() -> Value {
    json!({
        "description": "The payment has errors. Nothing of it is stored.",
        "allOf": [reference("Problem")],
        "type": "object",
        "required": ["transaction_id", "errors"],
        "properties": {
            "error": {"const": "invalid_payment"},
            "transaction_id": {"type": "null"},
            "errors": {"type": "array", "minItems": 1, "items": reference("PaymentError")},
        },
    })
}

fn totals() -> Value {
    json!({
        "type": "object",
        "description": "Amounts by currency, exact and as text, because many readers make floats of numbers.",
        "propertyNames": {"pattern": "^[A-Z]{3}$"},
        "additionalProperties": {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$"},
        "examples": [{"EUR": "9.30"}],
    })
}

fn file_status() -> Value {
    json!({
        "type": "string",
        "enum": texts(FileStatus::ALL.iter().map(|status| status.as_str())),
        "description": "awaiting_upload: its bytes were not received yet, and the upload's URL is valid. upload_expired: they were not received, and the URL has expired.",
    })
}

fn accepted_file() -> Value {
    json!({
        "type": "object",
        "description": "A valid file.",
        "required": [
            "message",
            "file_id",
            "s3_key",
            "row_count",
            "status",
            "attempt",
            "status_path",
            "totals",
            "superseded_by",
            "duplicate",
            "dry_run",
        ],
        "properties": {
            "message": {"type": "string"},
            "file_id": file_id(),
            "s3_key": {"type": ["string", "null"]},
            "row_count": count(),
            "status": {
                "type": "string",
                "enum": texts(FileStatus::ALL.iter().map(|status| status.as_str()).chain(["valid"])),
                "description": "valid is the verdict of a dry run.",
            },
            "attempt": {
                "type": ["integer", "null"],
                "minimum": 1,
                "maximum": 100,
                "description": "The file's latest attempt. Give it as reprocess_attempt to have the file processed again. null in a dry run.",
            },
            "status_path": status_path(json!(["string", "null"])),
            "totals": reference("Totals"),
            "superseded_by": {
                "type": "array",
                "maxItems": SUPERSEDED_BY_MAX,
                "items": file_id(),
                "description": "Later files that have replaced rows of this one.",
            },
            "duplicate": {
                "type": "boolean",
                "description": "Whether the same file was received before, so that nothing was done again.",
            },
            "dry_run": {"type": "boolean"},
        },
    })
}

fn upload_request() -> Value {
    json!({
        "type": "object",
        "description": "A request for a presigned upload.",
        "required": ["size", "sha256"],
        "properties": {
            "size": {
                "type": "integer",
                "minimum": 1,
                "maximum": BUCKET_FILE_BYTES_MAX,
                "description": "The file's bytes, in digits alone.",
            },
            "sha256": {
                "type": "string",
                "pattern": "^[0-9A-Fa-f]{64}$",
                "description": "The SHA-256 of its bytes.",
            },
            "expected_rows": {
                "type": "integer",
                "minimum": 0,
                "description": "Control total: the number of data records.",
            },
            "expected_totals": {
                "type": "object",
                "minProperties": 1,
                "description": "Control total: amounts by currency. It names every currency of the file.",
                "propertyNames": {"pattern": "^[A-Z]{3}$"},
                "additionalProperties": {"type": "string", "pattern": "^-?[0-9]+([.][0-9]+)?$"},
            },
        },
        "additionalProperties": false,
    })
}

fn presigned_upload() -> Value {
    json!({
        "type": "object",
        "description": "A URL for the file. The status of a known file does not change before its bytes are received.",
        "required": [
            "message",
            "file_id",
            "s3_key",
            "status",
            "attempt",
            "status_path",
            "upload",
            "superseded_by",
            "duplicate",
        ],
        "properties": {
            "message": {"type": "string"},
            "file_id": file_id(),
            "s3_key": {"type": "string"},
            "status": reference("FileStatus"),
            "attempt": attempt(),
            "status_path": status_path(json!("string")),
            "upload": {
                "type": "object",
                "description": "How to put the file into the bucket.",
                "required": ["method", "url", "headers", "expires_at", "expires_in_seconds"],
                "properties": {
                    "method": {"const": "PUT"},
                    "url": {"type": "string", "format": "uri"},
                    "headers": {
                        "type": "object",
                        "additionalProperties": {"type": "string"},
                        "description": "Send them exactly as they are.",
                    },
                    "expires_at": time(),
                    "expires_in_seconds": {"type": "integer", "minimum": 1},
                },
            },
            "superseded_by": superseded_by(),
            "duplicate": {"const": false},
        },
    })
}

fn duplicate_file() -> Value {
    json!({
        "type": "object",
        "description": "A file that needs no upload.",
        "required": [
            "message",
            "file_id",
            "s3_key",
            "row_count",
            "status",
            "attempt",
            "status_path",
            "totals",
            "upload",
            "superseded_by",
            "duplicate",
        ],
        "properties": {
            "message": {"type": "string"},
            "file_id": file_id(),
            "s3_key": {"type": ["string", "null"]},
            "row_count": count_or_null(),
            "status": reference("FileStatus"),
            "attempt": attempt(),
            "status_path": status_path(json!("string")),
            "totals": reference("Totals"),
            "upload": {"type": "null"},
            "superseded_by": superseded_by(),
            "duplicate": {"const": true},
        },
    })
}

fn file() -> Value {
    json!({
        "type": "object",
        "description": "The status of a file.",
        "required": [
            "file_id",
            "status",
            "attempt",
            "row_count",
            "totals",
            "rows_stored",
            "rows_unchanged",
            "rows_superseded",
            "rows_replaced",
            "replaced_files",
            "rows_replaced_since",
            "superseded_by",
            "upload",
            "received_at",
            "updated_at",
            "error_count",
            "report_url",
            "history",
        ],
        "properties": {
            "file_id": file_id(),
            "status": reference("FileStatus"),
            "attempt": {"type": "integer", "minimum": 1, "maximum": 100},
            "row_count": count_or_null(),
            "totals": reference("Totals"),
            "rows_stored": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Rows that this attempt wrote.",
            },
            "rows_unchanged": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Rows that were already there, from an earlier attempt of the same file.",
            },
            "rows_superseded": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Rows that were not written, because a later file had written them before.",
            },
            "rows_replaced": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Rows of other files that this file replaced.",
            },
            "replaced_files": {
                "type": "array",
                "maxItems": SUPERSEDED_BY_MAX,
                "items": {
                    "type": "object",
                    "required": ["file_id", "rows"],
                    "properties": {"file_id": file_id(), "rows": {"type": "integer", "minimum": 1}},
                },
                "description": "Those rows by file, of the first 20 files.",
            },
            "rows_replaced_since": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Rows of this file that later files have replaced since. null unless the status is completed.",
            },
            "superseded_by": superseded_by(),
            "upload": {
                "type": ["object", "null"],
                "required": ["expires_at", "bytes", "reprocess_attempt"],
                "properties": {
                    "expires_at": {
                        "type": "string",
                        "format": "date-time",
                        "description": "When its URL expires.",
                    },
                    "bytes": {"type": "integer", "minimum": 1},
                    "reprocess_attempt": {
                        "type": ["integer", "null"],
                        "minimum": 1,
                        "description": "The attempt after which the file is to be processed again, if the upload is for that.",
                    },
                },
                "description": "A presigned upload that was not used yet, whatever the status is. After putting the file, go on following it while this is not null, even if the status is final.",
            },
            "received_at": time_or_null(),
            "updated_at": time(),
            "error_count": count(),
            "report_url": {
                "type": ["string", "null"],
                "format": "uri",
                "description": "A report of every error as CSV. It works for 15 minutes; ask again for a new one.",
            },
            "history": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["status", "at", "attempt", "message"],
                    "properties": {
                        "status": reference("FileStatus"),
                        "at": time(),
                        "attempt": {"type": "integer", "minimum": 1},
                        "message": {"type": "string"},
                    },
                },
            },
        },
    })
}

fn correctable_file() -> Value {
    json!({
        "type": "object",
        "description": "Where the rejected rows are, ready to be corrected.",
        "required": ["file_id", "rows", "rejected_rows", "truncated", "url", "expires_in_seconds"],
        "properties": {
            "file_id": file_id(),
            "rows": {"type": "string", "enum": ["rejected", "all"]},
            "rejected_rows": {"type": "integer", "minimum": 1},
            "truncated": {"type": "boolean"},
            "url": {
                "type": "string",
                "format": "uri",
                "description": "A CSV file with the original columns and error_record, error_column and error_reason.",
            },
            "expires_in_seconds": {"type": "integer", "minimum": 1},
        },
    })
}

fn partner_day() -> Value {
    json!({
        "type": "object",
        "description": "One partner's day.",
        "required": [
            "partner",
            "received",
            "completed",
            "rejected",
            "failed",
            "in_progress",
            "awaiting_upload",
            "upload_expired",
            "rows",
            "rows_superseded",
            "totals",
            "last_received_at",
            "expected",
            "missing",
        ],
        "properties": {
            "partner": {"type": "string"},
            "received": count(),
            "completed": count(),
            "rejected": count(),
            "failed": count(),
            "in_progress": count(),
            "awaiting_upload": {
                "type": "integer",
                "minimum": 0,
                "description": "Files whose bytes were not received yet, and whose URL is valid.",
            },
            "upload_expired": {
                "type": "integer",
                "minimum": 0,
                "description": "Files whose bytes were not received, and whose URL has expired.",
            },
            "rows": {"type": "integer", "minimum": 0, "description": "Of completed files."},
            "rows_superseded": {
                "type": "integer",
                "minimum": 0,
                "description": "The rows among them that are not in effect, because a later file has them.",
            },
            "totals": reference("Totals"),
            "last_received_at": time_or_null(),
            "expected": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Files that the partner's schedule expects; null where there is none.",
            },
            "missing": count(),
        },
    })
}

fn day_file() -> Value {
    json!({
        "type": "object",
        "description": "One file of a day.",
        "required": [
            "file_id",
            "partner",
            "received_at",
            "status",
            "attempt",
            "row_count",
            "error_count",
            "totals",
            "rows_superseded",
            "rows_replaced",
            "status_path",
        ],
        "properties": {
            "file_id": file_id(),
            "partner": {"type": "string"},
            "received_at": time_or_null(),
            "status": reference("FileStatus"),
            "attempt": {"type": "integer", "minimum": 1},
            "row_count": count_or_null(),
            "error_count": count_or_null(),
            "totals": reference("Totals"),
            "rows_superseded": {
                "type": "integer",
                "minimum": 0,
                "description": "Its rows that are not in effect, because a later file has them.",
            },
            "rows_replaced": {
                "type": "integer",
                "minimum": 0,
                "description": "Rows of other files that it replaced.",
            },
            "status_path": status_path(json!(["string", "null"])),
        },
    })
}

fn day() -> Value {
    json!({
        "type": "object",
        "description": "A day in UTC, by partner.",
        "required": ["day", "partners", "files", "files_truncated"],
        "properties": {
            "day": {"type": "string", "format": "date"},
            "partners": {"type": "array", "items": reference("PartnerDay")},
            "files": {
                "type": ["array", "null"],
                "maxItems": DAY_FILES_MAX,
                "items": reference("DayFile"),
                "description": "In arrival order, if the day is that of one partner.",
            },
            "files_truncated": {"type": "boolean"},
            "schedule_errors": {
                "type": "array",
                "items": {"type": "string"},
                "description": "For operators: parts of the schedule of partners that cannot be read.",
            },
        },
    })
}

fn payment() -> Value {
    json!({
        "type": "object",
        "description": "A payment. Members that are not named here are kept as they are.",
        "required": ["transaction_id", "amount", "currency", "provider", "customer_id"],
        "properties": {
            "transaction_id": {
                "type": "string",
                "minLength": 1,
                "maxLength": TRANSACTION_ID_CHARS_MAX,
                "pattern": "^[!-~]([ -~]*[!-~])?$",
                "description": "Printable ASCII, without a blank at either end.",
            },
            "amount": {
                "description": "Above zero and exact, with no more decimals than the currency has. A text keeps a program from rewriting it.",
                "oneOf": [
                    {"type": "number", "exclusiveMinimum": 0},
                    {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?$"},
                ],
            },
            "currency": {
                "type": "string",
                "pattern": "^[A-Z]{3}$",
                "description": "An active code of ISO 4217.",
            },
            "provider": {
                "type": "string",
                "pattern": "^[a-z0-9][a-z0-9-]{0,62}$",
                "description": "The one whose secret signed the webhook.",
            },
            "customer_id": {
                "type": "string",
                "minLength": 1,
                "maxLength": CUSTOMER_ID_CHARS_MAX,
                "pattern": "^[!-~]([ -~]*[!-~])?$",
            },
            "type": {
                "type": "string",
                "pattern": "^[A-Za-z0-9._-]{1,128}$",
                "description": "Events of other types than transaction.created are always accepted and stored, and are not published. They never conflict with the payment.",
            },
            "metadata": {"type": "object"},
        },
    })
}

fn accepted_payment() -> Value {
    json!({
        "type": "object",
        "description": "The payment is stored, and published if its type is.",
        "required": ["message", "transaction_id", "timestamp", "duplicate"],
        "properties": {
            "message": {"type": "string"},
            "transaction_id": {"type": "string"},
            "timestamp": time(),
            "duplicate": {"type": "boolean"},
        },
    })
}

/// The form of `POST /upload`.
pub(crate) fn form() -> Value {
    json!({
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {
                "type": "string",
                "contentMediaType": "text/csv",
                "description": "The six columns transaction_id, amount, currency, timestamp, merchant, status under a header, in any order.",
            },
            "expected_rows": {
                "type": "string",
                "pattern": "^[0-9]+$",
                "description": "Control total: the number of data records, in digits.",
            },
            "expected_totals": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": reference("Totals"),
                "description": "Control total: a JSON object of currencies and amounts as texts. It names every currency of the file.",
            },
        },
        "additionalProperties": false,
    })
}

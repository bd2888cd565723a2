//! Examples of bodies, by the id of their operation.

use api::Code;
use serde_json::{Value, json};

/// The bodies of requests.
pub(crate) fn of_requests(operation_id: &str) -> Value {
    match operation_id {
        "upload" => json!({
            "valid": {
                "summary": "A valid file",
                "value": {
                    "file": "transaction_id,amount,currency,timestamp,merchant,status\nACME-2025-000001,12.30,EUR,2025-01-15T09:12:44Z,Harbour Books,completed\nACME-2025-000002,-3.00,EUR,2025-01-15T10:13:02+01:00,Harbour Books,completed\n",
                },
            },
            "with_totals": {
                "summary": "A valid file with its control totals",
                "value": {
                    "file": "transaction_id,amount,currency,timestamp,merchant,status\nACME-2025-000001,12.30,EUR,2025-01-15T09:12:44Z,Harbour Books,completed\nACME-2025-000002,-3.00,EUR,2025-01-15T10:13:02+01:00,Harbour Books,completed\n",
                    "expected_rows": "2",
                    "expected_totals": "{\"EUR\": \"9.30\"}",
                },
            },
            "invalid": {
                "summary": "A file with an error",
                "value": {
                    "file": "transaction_id,amount,currency,timestamp,merchant,status\nACME-2025-000001,12.345,EUR,2025-01-15T09:12:44Z,Harbour Books,completed\nACME-2025-000002,-3.00,EUR,2025-01-15T10:13:02+01:00,Harbour Books,completed\n",
                },
            },
        }),
        "createUpload" => json!({
            "large": {
                "summary": "A file of 100 MiB",
                "value": {
                    "size": 104857600,
                    "sha256": "e0d065cc5a0b14bbc6125d8c16a674270d1c932199c55a8d9836d5d1b06a3f31",
                },
            },
            "with_totals": {
                "summary": "With control totals",
                "value": {
                    "size": 104857600,
                    "sha256": "e0d065cc5a0b14bbc6125d8c16a674270d1c932199c55a8d9836d5d1b06a3f31",
                    "expected_rows": 2,
                    "expected_totals": {"EUR": "9.30"},
                },
            },
        }),
        "webhook" => json!({
            "payment": {
                "summary": "A payment",
                "value": {
                    "transaction_id": "P-2026-000001",
                    "amount": "129.90",
                    "currency": "EUR",
                    "provider": "acme-pay",
                    "customer_id": "C-7",
                    "type": "transaction.created",
                    "metadata": {"country": "DE"},
                },
            },
        }),
        _ => Value::Null,
    }
}

/// The bodies of successful responses.
pub(crate) fn of_responses(operation_id: &str) -> Value {
    match operation_id {
        "upload" => json!({
            "accepted": {
                "summary": "A new file",
                "value": {
                    "message": "The file is valid and is being processed; follow it at status_path.",
                    "file_id": "a6815dd816c576b5ac85ee4e2e8f5fc5",
                    "s3_key": "validated/a6815dd816c576b5ac85ee4e2e8f5fc5.csv",
                    "row_count": 2,
                    "status": "validated",
                    "attempt": 1,
                    "status_path": "/files/a6815dd816c576b5ac85ee4e2e8f5fc5?token=4be1c4d185d519d296e27df4d5b6cb3c",
                    "totals": {"EUR": "9.30"},
                    "superseded_by": [],
                    "duplicate": false,
                    "dry_run": false,
                },
            },
            "duplicate": {
                "summary": "The same file again",
                "value": {
                    "message": "This file was processed before; nothing was done again. To process it again, send it to /upload?reprocess_attempt=, with the number that is the member attempt of this response.",
                    "file_id": "a6815dd816c576b5ac85ee4e2e8f5fc5",
                    "s3_key": "validated/a6815dd816c576b5ac85ee4e2e8f5fc5.csv",
                    "row_count": 2,
                    "status": "completed",
                    "attempt": 1,
                    "status_path": "/files/a6815dd816c576b5ac85ee4e2e8f5fc5?token=4be1c4d185d519d296e27df4d5b6cb3c",
                    "totals": {"EUR": "9.30"},
                    "superseded_by": [],
                    "duplicate": true,
                    "dry_run": false,
                },
            },
            "dry_run": {
                "summary": "A dry run",
                "value": {
                    "message": "The file is valid. This was a dry run: nothing was stored. To have the file processed, send it without dry_run.",
                    "file_id": "a6815dd816c576b5ac85ee4e2e8f5fc5",
                    "s3_key": null,
                    "row_count": 2,
                    "status": "valid",
                    "attempt": null,
                    "status_path": null,
                    "totals": {"EUR": "9.30"},
                    "superseded_by": [],
                    "duplicate": false,
                    "dry_run": true,
                },
            },
        }),
        "createUpload" => json!({
            "created": {
                "summary": "A URL",
                "value": {
                    "message": "Send the file with PUT to upload.url, with upload.headers exactly as they are, before upload.expires_at; then follow it at status_path.",
                    "file_id": "a6815dd816c576b5ac85ee4e2e8f5fc5",
                    "s3_key": "incoming/acme/a6815dd816c576b5ac85ee4e2e8f5fc5.csv",
                    "status": "awaiting_upload",
                    "attempt": 1,
                    "status_path": "/files/a6815dd816c576b5ac85ee4e2e8f5fc5?token=4be1c4d185d519d296e27df4d5b6cb3c",
                    "upload": {
                        "method": "PUT",
                        "url": "https://transaction-csv-files-dev-123456789012.s3.us-east-1.amazonaws.com/incoming/acme/a6815dd816c576b5ac85ee4e2e8f5fc5.csv?X-Amz-Signature=4be1c4d1",
                        "headers": {
                            "content-length": "104857600",
                            "x-amz-checksum-sha256": "4NBlzFoLFLvGEl2MFqZ0Jw0ckyGZxVqNmDbV0bBqPzE=",
                        },
                        "expires_at": "2026-11-21T04:15:00.000Z",
                        "expires_in_seconds": 900,
                    },
                    "superseded_by": [],
                    "duplicate": false,
                },
            },
            "duplicate": {
                "summary": "The file is here",
                "value": {
                    "message": "This file was processed before; nothing needs to be sent. To process it again, send the request to /uploads?reprocess_attempt=, with the number that is the member attempt of this response.",
                    "file_id": "a6815dd816c576b5ac85ee4e2e8f5fc5",
                    "s3_key": "validated/a6815dd816c576b5ac85ee4e2e8f5fc5.csv",
                    "row_count": 2,
                    "status": "completed",
                    "attempt": 1,
                    "status_path": "/files/a6815dd816c576b5ac85ee4e2e8f5fc5?token=4be1c4d185d519d296e27df4d5b6cb3c",
                    "totals": {"EUR": "9.30"},
                    "upload": null,
                    "superseded_by": [],
                    "duplicate": true,
                },
            },
        }),
        "follow" => json!({
            "completed": {
                "summary": "A completed file",
                "value": {
                    "file_id": "a6815dd816c576b5ac85ee4e2e8f5fc5",
                    "status": "completed",
                    "attempt": 1,
                    "row_count": 2,
                    "totals": {"EUR": "9.30"},
                    "rows_stored": 2,
                    "rows_unchanged": 0,
                    "rows_superseded": 0,
                    "rows_replaced": 0,
                    "replaced_files": [],
                    "rows_replaced_since": 0,
                    "superseded_by": [],
                    "upload": null,
                    "received_at": "2026-11-20T22:05:26.891Z",
                    "updated_at": "2026-11-20T22:05:27.424Z",
                    "error_count": 0,
                    "report_url": null,
                    "history": [
                        {
                            "status": "validating",
                            "at": "2026-11-20T22:05:26.953Z",
                            "attempt": 1,
                            "message": "received by the API",
                        },
                        {
                            "status": "completed",
                            "at": "2026-11-20T22:05:27.424Z",
                            "attempt": 1,
                            "message": "published",
                        },
                    ],
                },
            },
        }),
        "correctable" => json!({
            "rejected": {
                "summary": "One rejected row",
                "value": {
                    "file_id": "a6815dd816c576b5ac85ee4e2e8f5fc5",
                    "rows": "rejected",
                    "rejected_rows": 1,
                    "truncated": false,
                    "url": "https://transaction-csv-files-dev-123456789012.s3.us-east-1.amazonaws.com/corrections/a6815dd816c576b5ac85ee4e2e8f5fc5.csv?X-Amz-Signature=4be1c4d1",
                    "expires_in_seconds": 900,
                },
            },
        }),
        "day" => json!({
            "day": {
                "summary": "A day of one partner",
                "value": {
                    "day": "2026-01-15",
                    "partners": [
                        {
                            "partner": "acme",
                            "received": 1,
                            "completed": 1,
                            "rejected": 0,
                            "failed": 0,
                            "in_progress": 0,
                            "awaiting_upload": 0,
                            "upload_expired": 0,
                            "rows": 2,
                            "rows_superseded": 0,
                            "totals": {"EUR": "9.30"},
                            "last_received_at": "2026-01-15T22:05:26.891Z",
                            "expected": 1,
                            "missing": 0,
                        },
                    ],
                    "files": [
                        {
                            "file_id": "a6815dd816c576b5ac85ee4e2e8f5fc5",
                            "partner": "acme",
                            "received_at": "2026-01-15T22:05:26.891Z",
                            "status": "completed",
                            "attempt": 1,
                            "row_count": 2,
                            "error_count": 0,
                            "totals": {"EUR": "9.30"},
                            "rows_superseded": 0,
                            "rows_replaced": 0,
                            "status_path": "/files/a6815dd816c576b5ac85ee4e2e8f5fc5?token=4be1c4d185d519d296e27df4d5b6cb3c",
                        },
                    ],
                    "files_truncated": false,
                },
            },
        }),
        "webhook" => json!({
            "stored": {
                "summary": "A new payment",
                "value": {
                    "message": "The payment is stored and published.",
                    "transaction_id": "P-2026-000001",
                    "timestamp": "2026-01-15T10:00:00.000Z",
                    "duplicate": false,
                },
            },
            "repeated": {
                "summary": "The same payment again",
                "value": {
                    "message": "This payment is known already; nothing was done again.",
                    "transaction_id": "P-2026-000001",
                    "timestamp": "2026-01-15T10:00:00.000Z",
                    "duplicate": true,
                },
            },
        }),
        _ => Value::Null,
    }
}

/// The members that the rejection of this code has beside those of every rejection.
pub(crate) fn of_rejection(code: Code) -> Value {
    match code {
        Code::InvalidCsv => json!({
            "file_id": "48cf03ed62699d6ed450f5c38abc30a6",
            "dry_run": false,
            "status_path": "/files/48cf03ed62699d6ed450f5c38abc30a6?token=93516f219ea8577cee161cf95c8e7a41",
            "row_count": 1,
            "error_count": 1,
            "errors_by_code": {"timestamp_offset_missing": 1},
            "truncated": false,
            "errors": [
                {
                    "record": 1,
                    "line": 2,
                    "column": "timestamp",
                    "column_number": 4,
                    "byte": 70,
                    "code": "timestamp_offset_missing",
                    "reason": "the timestamp has no offset, so its instant is unknown",
                    "fix": "add Z for UTC, or an offset such as +02:00",
                },
            ],
        }),
        Code::InvalidPayment => json!({
            "transaction_id": null,
            "errors": [
                {
                    "field": "amount",
                    "byte": 35,
                    "code": "amount_not_positive",
                    "reason": "the amount is not above zero",
                    "fix": "send payments only",
                },
            ],
        }),
        _ => json!({}),
    }
}

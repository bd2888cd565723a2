//! The codes, by the HTTP status that they are answered with.

use super::{Operation, Problem};
use Operation::{Announce, Correctable, Day, Follow, Upload, Webhook};

const EVERYWHERE: &[Operation] = Operation::ALL;
const ON_BOTH_ROADS: &[Operation] = &[Upload, Announce];
const WITH_A_KEY: &[Operation] = &[Upload, Announce, Correctable, Day];
const BELOW_A_NAME: &[Operation] = &[Follow, Correctable, Day];

const fn problem(
    status: u16,
    code: &'static str,
    operations: &'static [Operation],
    [title, meaning, remedy]: [&'static str; 3],
) -> Problem {
    Problem { code, status, title, meaning, remedy, operations }
}

/// Every problem.
#[rustfmt::skip]
pub const ALL: &[Problem] = &[
    // What a file or a payment has wrong.
    problem(400, "invalid_csv", ON_BOTH_ROADS, [
        "The file has errors",
        "The file breaks rules of the format, or is not what was stated of it. It is refused as a whole: no row of it is stored.",
        "Correct each error of the list, whose codes are explained below, and send the whole file again.",
    ]),
    problem(400, "invalid_payment", &[Webhook], [
        "The payment has errors",
        "The body of the webhook breaks rules of the format. Nothing of it is stored.",
        "Correct each error of the list, whose codes are explained below, and send the webhook again, signed anew.",
    ]),

    // How a request is written.
    problem(400, "request_malformed", EVERYWHERE, [
        "The request cannot be read",
        "A header or another part of the request is not text that can be read.",
        "Look for bytes in the headers that are not ASCII, and let your HTTP client write them.",
    ]),
    problem(400, "request_refused", EVERYWHERE, [
        "The request was refused at the gateway",
        "The request was refused before it reached the service, for a reason that has no code of its own.",
        "Check method, path and headers against the description of the API.",
    ]),
    problem(400, "header_missing", ON_BOTH_ROADS, [
        "The Content-Type header is missing",
        "The request does not say what its body is.",
        "Send a file to /upload as multipart/form-data with a boundary, and an announcement to /uploads as application/json. Every HTTP client sets the header by itself when it is told so.",
    ]),
    problem(400, "query_malformed", &[Upload, Announce, Correctable, Day], [
        "A query parameter is malformed",
        "A parameter behind the question mark has a value that it cannot have. Nothing was done, because whoever asks for a dry run must never get a real one.",
        "Write dry_run as true or false, reprocess_attempt as the number of an attempt, rows as rejected or all, and partner as a partner's name, each once and in exactly these letters.",
    ]),
    problem(400, "dry_run_unsupported", &[Announce], [
        "An announcement cannot be a dry run",
        "A file that is announced is checked only when it is in the bucket, so that a dry run of the announcement would say nothing.",
        "Send a file of up to 4,500,000 bytes to /upload?dry_run=true, and check a larger one with txn validate.",
    ]),
    problem(400, "day_malformed", &[Day], [
        "The day is malformed",
        "The day is not a date of the calendar in the form YYYY-MM-DD.",
        "Write the day in UTC as 2026-01-15.",
    ]),
    problem(400, "body_missing", ON_BOTH_ROADS, [
        "The body is missing",
        "The request has no body.",
        "Send the file in a part named file, or the announcement as a JSON object.",
    ]),
    problem(400, "body_not_base64", &[Upload, Announce, Webhook], [
        "The body did not arrive as it was sent",
        "On its way from the gateway the body was damaged.",
        "Send the same request again. If that does not help, tell the operator the request_id.",
    ]),

    // The multipart body of an upload.
    problem(400, "boundary_missing", &[Upload], [
        "The boundary is missing",
        "The Content-Type has no boundary that can be read.",
        "Do not write the Content-Type yourself: an HTTP client that sends a form sets it with its boundary.",
    ]),
    problem(400, "boundary_too_long", &[Upload], [
        "The boundary is too long",
        "The boundary has more than 70 characters, the most that RFC 2046 allows.",
        "Use a shorter boundary.",
    ]),
    problem(400, "boundary_repeated", &[Upload], [
        "There is more than one boundary",
        "The Content-Type names more than one boundary.",
        "Send one boundary, and the Content-Type once.",
    ]),
    problem(400, "multipart_malformed", &[Upload], [
        "The form is malformed",
        "The body is not well-formed multipart/form-data. Often a line break is missing, or the boundary of the header is not that of the body.",
        "Let your HTTP client write the form.",
    ]),
    problem(400, "multipart_incomplete", &[Upload], [
        "The form was cut short",
        "The body ends before its closing boundary.",
        "Send the same file again.",
    ]),
    problem(400, "file_part_missing", &[Upload], [
        "There is no part named file",
        "The form has no part named file.",
        "Send the file in a part of this very name.",
    ]),
    problem(400, "file_part_repeated", &[Upload], [
        "There is more than one part named file",
        "The form has more than one part named file.",
        "Send one file a request.",
    ]),
    problem(400, "part_repeated", &[Upload], [
        "A control total is stated twice",
        "The form has more than one part named expected_rows, or more than one named expected_totals.",
        "State each control total once.",
    ]),
    problem(400, "part_unexpected", &[Upload], [
        "The form has a part that means nothing here",
        "The form has a part beside file, expected_rows and expected_totals. Its sender believes that it does something.",
        "Leave the part out, or correct its name.",
    ]),
    problem(400, "part_header_repeated", &[Upload], [
        "A part has a header twice",
        "Two programs could read the part in two ways.",
        "Send each header of a part once.",
    ]),
    problem(400, "part_headers_too_large", &[Upload], [
        "The headers of a part are too large",
        "The headers of a part have more than 8,192 bytes. A very long file name is the usual cause.",
        "Shorten them.",
    ]),
    problem(400, "expected_rows_malformed", ON_BOTH_ROADS, [
        "The expected number of rows is malformed",
        "The control total expected_rows is not a whole number in digits.",
        "Write the number of data records in digits only, such as 1250.",
    ]),
    problem(400, "expected_totals_malformed", ON_BOTH_ROADS, [
        "The expected totals are malformed",
        "The control total expected_totals is not a JSON object of currencies with amounts as texts.",
        "Write it as {\"EUR\": \"9.30\"}, with the amounts in quotes, and name every currency of the file.",
    ]),

    // The JSON body of an announcement.
    problem(400, "body_invalid", &[Announce], [
        "The body does not have the form of an announcement",
        "The gateway found at first sight that the body is not what /uploads takes.",
        "Send a JSON object with size, the file's bytes as a number, and sha256, its digest in 64 hexadecimal digits.",
    ]),
    problem(400, "json_malformed", &[Announce], [
        "The body is not JSON",
        "The body is not JSON, or JSON that two readers could understand differently, such as an object with the same member twice.",
        "Let a program write the JSON.",
    ]),
    problem(400, "object_missing", &[Announce], [
        "The body is not a JSON object",
        "The body is JSON, but no object.",
        "Send an object with the members size and sha256.",
    ]),
    problem(400, "member_unexpected", &[Announce], [
        "The body has a member that means nothing here",
        "The announcement has a member beside size, sha256, expected_rows and expected_totals. Its sender believes that it does something.",
        "Leave the member out, or correct its name.",
    ]),
    problem(400, "size_missing", &[Announce], [
        "The size is missing",
        "The announcement does not say how large the file is.",
        "Add the member size: the file's bytes as a number.",
    ]),
    problem(400, "size_malformed", &[Announce], [
        "The size is malformed",
        "The size is not a whole number of bytes above zero, in digits only.",
        "Write it without quotes, sign, decimal point and exponent, such as 104857600.",
    ]),
    problem(400, "sha256_missing", &[Announce], [
        "The digest is missing",
        "The announcement does not say the SHA-256 of the file.",
        "Add the member sha256: the digest of the file's bytes in 64 hexadecimal digits.",
    ]),
    problem(400, "sha256_malformed", &[Announce], [
        "The digest is malformed",
        "The digest is not a text of 64 hexadecimal digits.",
        "Write the SHA-256 in hexadecimal digits, as sha256sum prints it, and not in base64.",
    ]),

    // Who asks.
    problem(401, "signature_invalid", &[Webhook], [
        "The signature is not valid",
        "The webhook is not signed by a secret that is known here, its timestamp is more than five minutes away from our clock, or its provider is not the one that signed it. More is not told, since anybody may ask.",
        "Sign webhook-id, webhook-timestamp and the very bytes of the body by Standard Webhooks with your present secret, anew for each attempt, with a clock that is right.",
    ]),
    problem(403, "api_key_invalid", WITH_A_KEY, [
        "The API key is missing or not valid",
        "The request has no API key in the header x-api-key, or one that does not open this API.",
        "Send the key that you were given in x-api-key. If it was sent, ask the operator for a new one.",
    ]),
    problem(403, "operator_cannot_upload", &[Upload, Announce, Correctable], [
        "An operator's key cannot send or get files",
        "A file belongs to the partner whose key sends it, its content too, and an operator is no partner.",
        "Use the key of the partner whose file it is.",
    ]),

    // What is asked for.
    problem(404, "route_not_found", BELOW_A_NAME, [
        "There is no such route",
        "No method of the API has this path and this verb. A slash inside a file_id or a day makes another path of it.",
        "Compare method and path with the description of the API, openapi.json.",
    ]),
    problem(404, "file_not_found", &[Follow, Correctable], [
        "The file was not found",
        "No file has this id and this token, or it is another partner's. Both look alike, so that nobody learns which files exist.",
        "Use the status_path of the answer to the upload as it is, with its token; for the correctable file send the key that sent the file.",
    ]),

    // What stands against it.
    problem(409, "attempts_exhausted", ON_BOTH_ROADS, [
        "The file was tried too often",
        "The file was tried 100 times without success.",
        "Ask the operator to look into it; to send it once more changes nothing.",
    ]),
    problem(409, "attempt_unknown", ON_BOTH_ROADS, [
        "The file has no such attempt",
        "The parameter reprocess_attempt names an attempt that the file has not had, or the file was never sent. Nothing was done.",
        "Give the member attempt of the file's status. Send a file that was never sent without the parameter.",
    ]),
    problem(409, "nothing_to_correct", &[Correctable], [
        "There is nothing to correct by rows",
        "The file was not refused, or it was refused only for errors of the file as a whole, such as its header or its control totals.",
        "Follow the file at its status_path; its report names what concerns the file as a whole.",
    ]),
    problem(409, "transaction_conflict", &[Webhook], [
        "The transaction is known with another content",
        "A payment of this provider with the same transaction_id came before with other values. Nothing was changed.",
        "Use another transaction_id for another payment, and send a repeat exactly as it was.",
    ]),

    // What is too large.
    problem(413, "file_too_large", &[Upload, Announce, Correctable], [
        "The file is too large",
        "The file has more bytes than this road takes: 4,500,000 through /upload, 1,073,741,824 through /uploads, and 33,554,432 for a correctable file.",
        "Announce a larger file to /uploads, split one that is too large for that, and make the correctable file of a large one with txn validate --correctable.",
    ]),
    problem(413, "request_too_large", ON_BOTH_ROADS, [
        "The request is too large",
        "The whole request is larger than the gateway takes, or an announcement larger than any honest one.",
        "Announce the file to /uploads with its size and SHA-256 alone, and put it to the URL of the answer.",
    ]),
    problem(413, "body_too_large", &[Webhook], [
        "The webhook is too large",
        "The body has more than 262,144 bytes.",
        "Send less metadata.",
    ]),

    // What it is made of.
    problem(415, "content_type_unsupported", &[Upload, Announce, Webhook], [
        "The content type is not supported",
        "The body is not said to be what this route takes.",
        "Send a file to /upload as multipart/form-data, and an announcement or a webhook as application/json.",
    ]),
    problem(415, "content_encoding_unsupported", &[Upload], [
        "The content encoding is not supported",
        "The body or a part of it is said to be encoded. Nothing is ever decoded here, so that a small request cannot become a large file.",
        "Send the plain CSV without a Content-Encoding.",
    ]),
    problem(415, "file_compressed", &[Upload], [
        "The file is compressed",
        "The file is a gzip or ZIP archive. A spreadsheet's own format is a ZIP archive too.",
        "Send the plain CSV; from a spreadsheet, save the sheet as CSV UTF-8.",
    ]),

    // How often.
    problem(429, "quota_exceeded", WITH_A_KEY, [
        "The daily quota is used up",
        "The API key has made as many requests today as it may. Following a file spends no quota.",
        "Send the request again tomorrow (UTC), or ask the operator for a larger quota.",
    ]),
    problem(429, "rate_exceeded", EVERYWHERE, [
        "Too many requests at once",
        "More requests came within a second than are taken.",
        "Wait for the seconds of Retry-After and send the request again.",
    ]),

    // What we could not do.
    problem(503, "service_unavailable", EVERYWHERE, [
        "The service cannot answer now",
        "Something failed on our side, or took too long. The operators are alarmed.",
        "Send the same request again in a moment. The same file is never processed twice, and the same payment never stored twice.",
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_refused_to_nobody() {
        for document in [Operation::Page, Operation::Errors, Operation::Description, Operation::WebhookErrors] {
            let of_document = ALL.iter().filter(|problem| problem.operations.contains(&document));
            assert!(of_document.clone().all(|problem| problem.operations == EVERYWHERE), "{document:?}");
            assert_eq!(of_document.count(), 4, "{document:?}");
        }
    }
}

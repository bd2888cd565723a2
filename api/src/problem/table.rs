//! The problem table: one entry for each code, by the HTTP status of its responses.

use crate::routes::FileOperation::{CorrectFile, CreateUpload, ShowDay, ShowFile, Upload};
use crate::routes::Operation::{self, Files, Webhooks};
use crate::routes::WebhookOperation::Receive;
use crate::routes::{Access, Location, Route};
use lambda_http::http::StatusCode;

const UPLOADS: &[Operation] = &[Files(Upload), Files(CreateUpload)];

/// The operations that may respond with a code.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope {
    /// Every operation.
    Everywhere,
    /// Those that need an API key.
    WithKey,
    /// Those whose path has a part that varies.
    WithPathParameter,
    /// Those that take a body.
    WithBody,
    /// These.
    Only(&'static [Operation]),
}

impl Scope {
    pub(super) fn includes(self, operation: Operation, route: &Route) -> bool {
        match self {
            Self::Everywhere => true,
            Self::WithKey => route.access == Access::ApiKey,
            Self::WithPathParameter => route.parameters.iter().any(|parameter| parameter.location == Location::Path),
            Self::WithBody => route.request.is_some(),
            Self::Only(operations) => operations.contains(&operation),
        }
    }
}

/// Makes the enum of codes from the table. The texts of codes are an interface: they are never renamed.
macro_rules! problems {
    ($($code:ident $text:literal $status:ident, $scope:expr => $title:literal; $explanation:literal; $remedy:literal;)+) => {
        /// Why a request is rejected. The entry of a code has all that is the same for each of its responses.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {
            $(#[doc = $title] $code,)+
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$code,)+];

            /// The stable text of the code.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$code => $text,)+ }
            }

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$code => StatusCode::$status,)+ }
            }

            /// The code in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$code => $title,)+ }
            }

            /// What is wrong.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$code => $explanation,)+ }
            }

            /// What the sender can do.
            #[must_use]
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$code => $remedy,)+ }
            }

            pub(super) fn scope(self) -> Scope {
                match self { $(Self::$code => $scope,)+ }
            }
        }
    };
}

problems! {
    // What a file or a payment has wrong.
    InvalidCsv "invalid_csv" BAD_REQUEST, Scope::Only(UPLOADS) =>
        "The file has errors";
        "The file breaks rules of the format, or differs from its control totals. It is rejected as a whole: no row of it is stored.";
        "Correct each error of the list, whose codes are explained below, and send the whole file again.";
    InvalidPayment "invalid_payment" BAD_REQUEST, Scope::Only(&[Webhooks(Receive)]) =>
        "The payment has errors";
        "The body of the webhook breaks rules of the format. Nothing of it is stored.";
        "Correct each error of the list, whose codes are explained below, and send the webhook again, signed anew.";

    // How a request is written.
    RequestMalformed "request_malformed" BAD_REQUEST, Scope::Everywhere =>
        "The request cannot be read";
        "A header or another part of the request is not text that can be read.";
        "Look for bytes in the headers that are not ASCII, and let your HTTP client write them.";
    RequestRefused "request_refused" BAD_REQUEST, Scope::Everywhere =>
        "The gateway rejected the request";
        "The gateway rejected the request before it reached the service, for a reason that has no code of its own.";
        "Check method, path and headers against openapi.json, the description of the API.";
    HeaderMissing "header_missing" BAD_REQUEST, Scope::Only(UPLOADS) =>
        "The Content-Type header is missing";
        "The request does not say what its body is.";
        "Send a file to /upload as multipart/form-data with a boundary, and a request for an upload to /uploads as application/json. Every HTTP client can set the header by itself.";
    QueryMalformed "query_malformed" BAD_REQUEST, Scope::Only(&[Files(Upload), Files(CreateUpload), Files(CorrectFile), Files(ShowDay)]) =>
        "A query parameter is malformed";
        "A parameter of the query string has a value that it cannot have. Nothing was done, because whoever asks for a dry run must never get a real one.";
        "Write dry_run as true or false, reprocess_attempt as the number of an attempt, rows as rejected or all, and partner as a partner's name, each once and exactly as written here.";
    DryRunUnsupported "dry_run_unsupported" BAD_REQUEST, Scope::Only(&[Files(CreateUpload)]) =>
        "Creating an upload cannot be a dry run";
        "The file of a presigned upload is checked only when it is in the bucket, so that a dry run would have nothing to check.";
        "Send a file of up to 4,500,000 bytes to /upload?dry_run=true, and check a larger one with txn validate.";
    DayMalformed "day_malformed" BAD_REQUEST, Scope::Only(&[Files(ShowDay)]) =>
        "The day is malformed";
        "The day is not a date of the calendar in the form YYYY-MM-DD.";
        "Write the day in UTC as 2026-01-15.";
    BodyMissing "body_missing" BAD_REQUEST, Scope::Only(UPLOADS) =>
        "The body is missing";
        "The request has no body.";
        "Send the file in a part named file, or the request for an upload as a JSON object.";
    BodyNotBase64 "body_not_base64" BAD_REQUEST, Scope::WithBody =>
        "The body did not arrive as it was sent";
        "The body was damaged between the gateway and the service.";
        "Send the same request again. If that does not help, send the request_id to the operator.";

    // The multipart body of an upload.
    BoundaryMissing "boundary_missing" BAD_REQUEST, Scope::Only(&[Files(Upload)]) =>
        "The boundary is missing";
        "The Content-Type has no boundary that can be read.";
        "Do not write the Content-Type yourself: an HTTP client that sends a form sets it with its boundary.";
    BoundaryTooLong "boundary_too_long" BAD_REQUEST, Scope::Only(&[Files(Upload)]) =>
        "The boundary is too long";
        "The boundary has more than 70 characters, the most that RFC 2046 allows.";
        "Use a shorter boundary.";
    BoundaryRepeated "boundary_repeated" BAD_REQUEST, Scope::Only(&[Files(Upload)]) =>
        "There is more than one boundary";
        "The Content-Type names more than one boundary.";
        "Send one boundary, and the Content-Type once.";
    MultipartMalformed "multipart_malformed" BAD_REQUEST, Scope::Only(&[Files(Upload)]) =>
        "The form is malformed";
        "The body is not well-formed multipart/form-data. Often a line break is missing, or the boundary of the header is not that of the body.";
        "Let your HTTP client write the form.";
    MultipartIncomplete "multipart_incomplete" BAD_REQUEST, Scope::Only(&[Files(Upload)]) =>
        "The form was cut short";
        "The body ends before its closing boundary.";
        "Send the same file again.";
    FilePartMissing "file_part_missing" BAD_REQUEST, Scope::Only(&[Files(Upload)]) =>
        "There is no part named file";
        "The form has no part named file.";
        "Send the file in a part of this very name.";
    FilePartRepeated "file_part_repeated" BAD_REQUEST, Scope::Only(&[Files(Upload)]) =>
        "There is more than one part named file";
        "The form has more than one part named file.";
        "Send one file a request.";
    PartRepeated "part_repeated" BAD_REQUEST, Scope::Only(&[Files(Upload)]) =>
        "A control total is repeated";
        "The form has more than one part named expected_rows, or more than one named expected_totals.";
        "Send each control total once.";
    PartUnexpected "part_unexpected" BAD_REQUEST, Scope::Only(&[Files(Upload)]) =>
        "The form has an unexpected part";
        "The form has a part beside file, expected_rows and expected_totals. Its sender believes that it does something.";
        "Leave the part out, or correct its name.";
    PartHeaderRepeated "part_header_repeated" BAD_REQUEST, Scope::Only(&[Files(Upload)]) =>
        "A part has a header twice";
        "A part has the same header more than once, so that two programs could read it in two ways.";
        "Send each header of a part once.";
    PartHeadersTooLarge "part_headers_too_large" BAD_REQUEST, Scope::Only(&[Files(Upload)]) =>
        "The headers of a part are too large";
        "The headers of a part have more than 8,192 bytes. A very long file name is the usual cause.";
        "Shorten them.";
    ExpectedRowsMalformed "expected_rows_malformed" BAD_REQUEST, Scope::Only(UPLOADS) =>
        "The expected number of rows is malformed";
        "The control total expected_rows is not a whole number in digits.";
        "Write the number of data records in digits alone, such as 1250.";
    ExpectedTotalsMalformed "expected_totals_malformed" BAD_REQUEST, Scope::Only(UPLOADS) =>
        "The expected totals are malformed";
        "The control total expected_totals is not a JSON object of currencies with amounts as texts.";
        "Write it as {\"EUR\": \"9.30\"}, with the amounts in quotes, and name every currency of the file.";

    // The JSON body of a request for an upload.
    BodyInvalid "body_invalid" BAD_REQUEST, Scope::Only(&[Files(CreateUpload)]) =>
        "The body is not a request for an upload";
        "The body does not match the schema of what /uploads takes.";
        "Send a JSON object with size, the file's bytes as a number, and sha256, its digest in 64 hexadecimal digits.";
    JsonMalformed "json_malformed" BAD_REQUEST, Scope::Only(&[Files(CreateUpload)]) =>
        "The body is not JSON";
        "The body is not JSON, or JSON that two readers could understand differently, such as an object with the same member twice.";
        "Let a program write the JSON.";
    ObjectMissing "object_missing" BAD_REQUEST, Scope::Only(&[Files(CreateUpload)]) =>
        "The body is not a JSON object";
        "The body is JSON, but no object.";
        "Send an object with the members size and sha256.";
    MemberUnexpected "member_unexpected" BAD_REQUEST, Scope::Only(&[Files(CreateUpload)]) =>
        "The body has an unexpected member";
        "The body has a member beside size, sha256, expected_rows and expected_totals. Its sender believes that it does something.";
        "Leave the member out, or correct its name.";
    SizeMissing "size_missing" BAD_REQUEST, Scope::Only(&[Files(CreateUpload)]) =>
        "The size is missing";
        "The body does not say how large the file is.";
        "Add the member size: the file's bytes as a number.";
    SizeMalformed "size_malformed" BAD_REQUEST, Scope::Only(&[Files(CreateUpload)]) =>
        "The size is malformed";
        "The size is not a whole number of bytes above zero, in digits alone.";
        "Write it without quotes, sign, decimal point and exponent, such as 104857600.";
    Sha256Missing "sha256_missing" BAD_REQUEST, Scope::Only(&[Files(CreateUpload)]) =>
        "The digest is missing";
        "The body does not say the SHA-256 of the file.";
        "Add the member sha256: the digest of the file's bytes in 64 hexadecimal digits.";
    Sha256Malformed "sha256_malformed" BAD_REQUEST, Scope::Only(&[Files(CreateUpload)]) =>
        "The digest is malformed";
        "The digest is not a text of 64 hexadecimal digits.";
        "Write the SHA-256 in hexadecimal digits, as sha256sum prints it, and not in base64.";

    // Who sends the request.
    SignatureInvalid "signature_invalid" UNAUTHORIZED, Scope::Only(&[Webhooks(Receive)]) =>
        "The signature is not valid";
        "The webhook is not signed by a secret that is known here, its timestamp is more than five minutes away from our clock, or its provider is not the one that signed it. The response says no more, since anybody may send a request.";
        "Sign webhook-id, webhook-timestamp and the very bytes of the body by Standard Webhooks with your current secret, anew for each attempt, with a clock that is right.";
    ApiKeyInvalid "api_key_invalid" FORBIDDEN, Scope::WithKey =>
        "The API key is missing or not valid";
        "The request has no API key in the header x-api-key, or one that does not open this API.";
        "Send the key that you were given in x-api-key. If it was sent, ask the operator for a new one.";
    OperatorCannotUpload "operator_cannot_upload" FORBIDDEN, Scope::Only(&[Files(Upload), Files(CreateUpload), Files(CorrectFile)]) =>
        "An operator's key cannot send or get files";
        "A file belongs to the partner whose key sends it, its content too, and an operator is no partner.";
        "Use the key of the partner whose file it is.";

    // What the request is for.
    RouteNotFound "route_not_found" NOT_FOUND, Scope::WithPathParameter =>
        "There is no such route";
        "No method of the API has this path and this verb. A slash inside a file_id or a day makes another path of it.";
        "Compare method and path with openapi.json, the description of the API.";
    FileNotFound "file_not_found" NOT_FOUND, Scope::Only(&[Files(ShowFile), Files(CorrectFile)]) =>
        "The file was not found";
        "No file has this id and this token, or it is another partner's. Both look alike, so that nobody learns which files exist.";
        "Use the status_path of the upload's response as it is, with its token; for the correctable file send the key that sent the file.";

    // What conflicts with it.
    AttemptsExhausted "attempts_exhausted" CONFLICT, Scope::Only(UPLOADS) =>
        "The file has no attempts left";
        "The file had 100 attempts, all without success.";
        "Ask the operator to investigate; sending it again changes nothing.";
    AttemptUnknown "attempt_unknown" CONFLICT, Scope::Only(UPLOADS) =>
        "The file has no such attempt";
        "The parameter reprocess_attempt names an attempt that the file has not had, or the file was never sent. Nothing was done.";
        "Give the member attempt of the file's status. Send a file that was never sent without the parameter.";
    NothingToCorrect "nothing_to_correct" CONFLICT, Scope::Only(&[Files(CorrectFile)]) =>
        "There are no rows to correct";
        "The file was not rejected, or it was rejected only for errors of the file as a whole, such as its header or its control totals.";
        "Follow the file at its status_path; its report lists the errors of the file as a whole.";
    TransactionConflict "transaction_conflict" CONFLICT, Scope::Only(&[Webhooks(Receive)]) =>
        "The transaction_id belongs to another payment";
        "A payment of this provider with the same transaction_id and other values was received before. Nothing was changed.";
        "Use another transaction_id for another payment, and repeat a payment exactly as it was.";

    // What is too large.
    FileTooLarge "file_too_large" PAYLOAD_TOO_LARGE, Scope::Only(&[Files(Upload), Files(CreateUpload), Files(CorrectFile)]) =>
        "The file is too large";
        "The file has more bytes than are accepted this way: 4,500,000 through /upload, 1,073,741,824 through /uploads, and 33,554,432 for a correctable file.";
        "Create an upload for a larger file with /uploads, split one that is too large for that, and make the correctable file of a large one with txn validate --correctable.";
    RequestTooLarge "request_too_large" PAYLOAD_TOO_LARGE, Scope::Only(UPLOADS) =>
        "The request is too large";
        "The whole request is larger than the gateway takes, or the request for an upload is larger than it can be.";
        "Create an upload with /uploads, with the file's size and SHA-256 alone, and put the file to the URL of the response.";
    BodyTooLarge "body_too_large" PAYLOAD_TOO_LARGE, Scope::Only(&[Webhooks(Receive)]) =>
        "The webhook is too large";
        "The body has more than 262,144 bytes.";
        "Send less metadata.";

    // What its body is.
    ContentTypeUnsupported "content_type_unsupported" UNSUPPORTED_MEDIA_TYPE, Scope::WithBody =>
        "The content type is not supported";
        "The Content-Type is not one that this route takes.";
        "Send a file to /upload as multipart/form-data, and a request for an upload or a webhook as application/json.";
    ContentEncodingUnsupported "content_encoding_unsupported" UNSUPPORTED_MEDIA_TYPE, Scope::Only(&[Files(Upload)]) =>
        "The content encoding is not supported";
        "The body or a part of it has a content encoding. Nothing is ever decoded here, so that a small request cannot become a large file.";
        "Send the plain CSV without a Content-Encoding.";
    FileCompressed "file_compressed" UNSUPPORTED_MEDIA_TYPE, Scope::Only(&[Files(Upload)]) =>
        "The file is compressed";
        "The file is a gzip or ZIP archive. A spreadsheet's own format is a ZIP archive too.";
        "Send the plain CSV; from a spreadsheet, save the sheet as CSV UTF-8.";

    // How often.
    QuotaExceeded "quota_exceeded" TOO_MANY_REQUESTS, Scope::WithKey =>
        "The daily quota is used up";
        "The API key has made as many requests today as its quota allows. Following a file spends no quota.";
        "Send the request again tomorrow (UTC), or ask the operator for a larger quota.";
    RateExceeded "rate_exceeded" TOO_MANY_REQUESTS, Scope::Everywhere =>
        "Too many requests at once";
        "More requests were sent within a second than the rate limit allows.";
        "Wait for the seconds of Retry-After and send the request again.";

    // What the service could not do.
    ServiceUnavailable "service_unavailable" SERVICE_UNAVAILABLE, Scope::Everywhere =>
        "The service is unavailable";
        "Something failed in the service, or took too long. The operators are alerted.";
        "Send the same request again in a moment. The same file is never processed twice, and the same payment never stored twice.";
}

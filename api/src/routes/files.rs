//! The API of transaction files.

use super::{Access, Api, Content, Parameter, Route, Values};
use lambda_http::http::Method;

/// An operation of this API.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FileOperation {
    /// Send a file.
    Upload,
    /// Create an upload for a large file.
    CreateUpload,
    /// Show the status of a file.
    ShowFile,
    /// Get the rejected rows of a file.
    CorrectFile,
    /// Show a partner's day.
    ShowDay,
    /// Open the upload page.
    ShowPage,
    /// Open the page of errors.
    ShowErrors,
    /// Read the OpenAPI document.
    ShowOpenApi,
}

/// The API.
pub const API: Api<FileOperation> = Api {
    routes: ROUTES,
    subject: "file_id",
    unavailable: "The service could not finish the request. Send it again in a moment: the same file is never processed twice.",
};

const FILE_ID: Parameter =
    Parameter::path("file_id", "", Values::Pattern("^[0-9a-f]{32}$")).example("a6815dd816c576b5ac85ee4e2e8f5fc5");
const REPROCESS_ATTEMPT: Parameter = Parameter::query(
    "reprocess_attempt",
    "Processes the file again after this attempt, which you have seen: the member attempt of the file's status. Its rows \
     then replace later ones. A repeat with the same number is a duplicate. A number that the file's attempts have not \
     reached is rejected with attempt_unknown.",
    Values::Pattern("^[0-9]{1,9}$"),
)
.example("1");
/// The page of errors, which both APIs serve.
pub(super) const ERRORS: Route = Route {
    id: "errors",
    method: Method::GET,
    path: "/errors",
    access: Access::Anybody,
    tag: "documents",
    summary: "Read about the errors",
    description: "Explains every code with an example. Each code is an anchor. Both APIs serve it.",
    parameters: &[],
    request: None,
    response: Content::Html,
    response_description: "The page.",
};

const ROUTES: &[(FileOperation, Route)] = &[
    (
        FileOperation::Upload,
        Route {
            id: "upload",
            method: Method::POST,
            path: "/upload",
            access: Access::ApiKey,
            tag: "files",
            summary: "Send a file",
            description: "Validates a CSV file of up to 4,500,000 bytes while its sender waits, stores it and has it \
                          processed. The same file again is a duplicate: nothing is done twice.",
            parameters: &[
                REPROCESS_ATTEMPT,
                Parameter::query(
                    "dry_run",
                    "true checks the file, responds as the upload would, and changes nothing.",
                    Values::OneOf(&["true", "false"], Some("false")),
                ),
            ],
            request: Some(Content::Form),
            response: Content::Json(&["AcceptedFile"]),
            response_description: "The file is valid. It is being processed, or was before.",
        },
    ),
    (
        FileOperation::CreateUpload,
        Route {
            id: "createUpload",
            method: Method::POST,
            path: "/uploads",
            access: Access::ApiKey,
            tag: "files",
            summary: "Create an upload for a large file",
            description: "Gives a URL to which a file of up to 1,073,741,824 bytes is put. It takes this very file alone.",
            parameters: &[
                REPROCESS_ATTEMPT,
                Parameter::query(
                    "dry_run",
                    "Without the file there is nothing to check: true is rejected with dry_run_unsupported.",
                    Values::OneOf(&["false"], None),
                ),
            ],
            request: Some(Content::Json(&["UploadRequest"])),
            response: Content::Json(&["PresignedUpload", "DuplicateFile"]),
            response_description: "A URL, or the status of the file if it was received before.",
        },
    ),
    (
        FileOperation::ShowFile,
        Route {
            id: "follow",
            method: Method::GET,
            path: "/files/{file_id}",
            access: Access::Token,
            tag: "files",
            summary: "Follow a file",
            description: "Shows the status of a file. It needs no key and spends no quota; the token of the status_path \
                          opens it.",
            parameters: &[
                FILE_ID,
                Parameter::query(
                    "token",
                    "It is part of the status_path in the response to the upload.",
                    Values::Pattern("^[0-9a-f]{32}$"),
                )
                .example("4be1c4d185d519d296e27df4d5b6cb3c"),
            ],
            request: None,
            response: Content::Json(&["File"]),
            response_description: "The status of the file.",
        },
    ),
    (
        FileOperation::CorrectFile,
        Route {
            id: "correctable",
            method: Method::GET,
            path: "/files/{file_id}/correctable",
            access: Access::ApiKey,
            tag: "files",
            summary: "Get the rejected rows",
            description: "Gives a URL of a CSV file with the rejected rows in their original columns, and why each was \
                          rejected, ready to be corrected and sent again as it is. Cells that a spreadsheet would take for \
                          a formula have an apostrophe before them, which the upload takes away again.",
            parameters: &[
                FILE_ID,
                Parameter::query(
                    "rows",
                    "rejected, or all rows with the bad ones marked, since a file is rejected as a whole.",
                    Values::OneOf(&["rejected", "all"], Some("rejected")),
                ),
            ],
            request: None,
            response: Content::Json(&["CorrectableFile"]),
            response_description: "Where the rows are.",
        },
    ),
    (
        FileOperation::ShowDay,
        Route {
            id: "day",
            method: Method::GET,
            path: "/days/{day}",
            access: Access::ApiKey,
            tag: "days",
            summary: "See a day",
            description: "The files received on a day, by partner: files, rows, totals, failures, and the files that were \
                          expected and are missing. A partner sees itself alone; an operator's key sees all.",
            parameters: &[
                Parameter::path("day", "In UTC.", Values::Date).example("2026-01-15"),
                Parameter::query(
                    "partner",
                    "One partner, for an operator.",
                    Values::Pattern("^[a-z0-9][a-z0-9-]{0,62}$"),
                )
                .example("acme"),
            ],
            request: None,
            response: Content::Json(&["Day"]),
            response_description: "The day.",
        },
    ),
    (
        FileOperation::ShowPage,
        Route {
            id: "page",
            method: Method::GET,
            path: "/",
            access: Access::Anybody,
            tag: "documents",
            summary: "Open the upload page",
            description: "A page for people who send files with a browser.",
            parameters: &[],
            request: None,
            response: Content::Html,
            response_description: "The page.",
        },
    ),
    (FileOperation::ShowErrors, ERRORS),
    (
        FileOperation::ShowOpenApi,
        Route {
            id: "description",
            method: Method::GET,
            path: "/openapi.json",
            access: Access::Anybody,
            tag: "documents",
            summary: "Read this document",
            description: "This document.",
            parameters: &[],
            request: None,
            response: Content::OpenApi,
            response_description: "OpenAPI 3.1.",
        },
    ),
];

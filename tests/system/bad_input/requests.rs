//! Raw request bodies of `POST /upload`: what a client may send, what is rejected, and with which code.

use super::recipe::Bytes;
use super::{CARD, all, broken, cases, expected_response, files};
use crate::support::cloud::Cloud;
use crate::support::files::{HEADER, file_id};
use crate::support::upload::{ApiResponse, Uploader};
use serde_json::{Value, json};

const TYPE: &str = "multipart/form-data; boundary=b";
const DISPOSITION: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"day.csv\"";

/// The valid file that requests have.
fn valid_file() -> String {
    format!("{HEADER}\nT1,12.34,USD,2026-01-15T10:00:00Z,Corner Café {CARD},completed\n")
}

/// The names that requests may use: the usual content type, the lines that begin and end a part, and the file.
fn names(name: &str) -> Option<Bytes> {
    let text = match name {
        "type" => TYPE.to_owned(),
        "disposition" => DISPOSITION.to_owned(),
        "open" => format!("--b\r\n{DISPOSITION}\r\nContent-Type: text/csv\r\n\r\n"),
        "close" => "\r\n--b--\r\n".to_owned(),
        "file" => valid_file(),
        _ => return None,
    };
    Some(text.as_str().into())
}

async fn post(bank: &Uploader<'_>, case: &Value) -> ApiResponse {
    let body = if case["body"].is_null() { None } else { Some(Bytes::of(&case["body"], &names)) };
    if case["as_gateway"] == true {
        return call_as_gateway(bank, body.map(|body| body.text()), case["base64"] == true).await;
    }
    let given = case["headers"].as_object().into_iter().flatten();
    let mut headers: Vec<(&str, String)> =
        given.map(|(name, value)| (name.as_str(), Bytes::of(value, &names).text())).collect();
    if headers.is_empty() {
        headers.push(("content-type", TYPE.to_owned()));
    }
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    bank.post(&headers, body.unwrap().bytes).await
}

/// The gateway never passes on such a body, so the function is called as the gateway would.
async fn call_as_gateway(bank: &Uploader<'_>, body: Option<String>, is_base64: bool) -> ApiResponse {
    let cloud = bank.cloud;
    let event = json!({
        "resource": "/upload", "path": "/upload", "httpMethod": "POST",
        "headers": {"Content-Type": TYPE, "x-api-key": bank.key},
        "multiValueHeaders": {"Content-Type": [TYPE], "x-api-key": [bank.key]},
        "queryStringParameters": null, "multiValueQueryStringParameters": null,
        "pathParameters": null, "stageVariables": null,
        "requestContext": {
            "accountId": "000000000000", "apiId": cloud.stack.api_id, "stage": "prod", "requestId": "request-1",
            "resourcePath": "/upload", "httpMethod": "POST", "path": "/prod/upload", "protocol": "HTTP/1.1",
            "requestTimeEpoch": 1_768_471_200_000_u64, "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": body, "isBase64Encoded": is_base64,
    });
    ApiResponse::of_function(&cloud.invoke("csv-validator", &event).await.unwrap())
}

/// Sends a request as a partner of its own. A rejection must have our members; an accepted file must be stored under
/// the key that follows from its content alone.
async fn deviations(cloud: &Cloud, case: &Value) -> Vec<String> {
    let bank = cloud.partner().await;
    let (status, code) = expected_response(case);
    let response = post(&bank, case).await;
    let whole = format!("{} {:?}", response.body, response.headers);
    let mut deviations = broken([
        (
            response.status == status && response.error() == code,
            format!("returned {} {}", response.status, response.body),
        ),
        (!whole.contains(CARD) && !whole.contains(&bank.key), format!("what was sent is repeated: {whole}")),
    ]);
    if !deviations.is_empty() {
        return deviations;
    }
    let id = file_id(&bank.partner, valid_file().as_bytes());
    if status == 200 {
        let ended = cloud.ended(&id, 1).await;
        deviations.extend(broken([
            (
                response.text("s3_key") == format!("validated/{id}.csv"),
                format!("the key depends on more: {}", response.body),
            ),
            (ended["status"] == "completed", format!("ended as {ended}")),
            (bank.transaction("T1").await.is_some(), "it was not stored".to_owned()),
        ]));
    } else {
        response.assert_rejected(status, code);
        let message = case["message"].as_str().unwrap_or_default();
        deviations.extend(broken([
            (response.text("message").contains(message), format!("the message lacks {message}: {}", response.body)),
            (cloud.status_row(&id).await.is_none(), "the status table has it".to_owned()),
            (bank.transaction("T1").await.is_none(), "a row of it was stored".to_owned()),
        ]));
    }
    deviations.extend(files::affects_next(&bank).await);
    deviations
}

#[tokio::test]
async fn multipart_clauses_hold() {
    let cloud = Cloud::open().await;
    all(cases("multipart"), async |case: Value| deviations(&cloud, &case).await).await;
}

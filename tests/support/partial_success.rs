//! Responses of services that have done a part of a request: a success whose body names the rest.

use crate::simulators::relay::Response;
use serde_json::{Value, json};

/// EventBridge's response that it has not accepted an event.
pub(crate) fn events_not_taken() -> Response {
    let body = json!({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "busy"}]});
    Response::new(200, "application/x-amz-json-1.1", &body.to_string())
}

/// The response of a BatchGetItem, with the second half of each table's keys as unprocessed.
pub(crate) fn leave_half_out(requested: &[u8], mut response: Response) -> Response {
    let requested: Value = serde_json::from_slice(requested).unwrap();
    let mut body: Value = serde_json::from_slice(&response.body).unwrap();
    if response.status != 200 {
        return response;
    }
    for (table, request) in requested["RequestItems"].as_object().unwrap() {
        let keys = request["Keys"].as_array().unwrap();
        let left_out = &keys[keys.len() / 2..];
        let is_left_out = |item: &Value| left_out.iter().any(|key| has_key(item, key));
        if let Some(items) = body["Responses"][table].as_array_mut() {
            items.retain(|item| !is_left_out(item));
        }
        body["UnprocessedKeys"][table] = request.clone();
        body["UnprocessedKeys"][table]["Keys"] = json!(left_out);
    }
    response.body = body.to_string().into_bytes();
    // The checksum would be that of the whole response.
    response.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("x-amz-crc32"));
    response
}

fn has_key(item: &Value, key: &Value) -> bool {
    key.as_object().unwrap().iter().all(|(name, value)| item[name] == *value)
}

#[test]
fn leaves_half_of_a_batch_unprocessed() {
    let key = |id: &str| json!({"id": {"S": id}});
    let requested = json!({"RequestItems": {"rows": {"Keys": [key("a"), key("b"), key("c")], "ConsistentRead": true}}});
    let items = json!([{"id": {"S": "a"}, "n": {"N": "1"}}, {"id": {"S": "c"}, "n": {"N": "3"}}]);
    let response = Response::new(200, "application/x-amz-json-1.0", &json!({"Responses": {"rows": items}}).to_string());
    let response = leave_half_out(requested.to_string().as_bytes(), response);
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["Responses"]["rows"], json!([{"id": {"S": "a"}, "n": {"N": "1"}}]));
    assert_eq!(body["UnprocessedKeys"]["rows"], json!({"Keys": [key("b"), key("c")], "ConsistentRead": true}));
}

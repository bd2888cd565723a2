//! What services answer that have done a part: with success, so that only who reads on sees it.

use crate::simulators::relay::Response;
use serde_json::{Value, json};

/// EventBridge's answer that it has not taken an event.
pub(crate) fn events_not_taken() -> Response {
    let body = json!({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "busy"}]});
    Response::new(200, "application/x-amz-json-1.1", &body.to_string())
}

/// The answer of a BatchGetItem, of which the second half of each table's keys is left out as unprocessed.
pub(crate) fn leave_half_out(asked: &[u8], mut answer: Response) -> Response {
    let asked: Value = serde_json::from_slice(asked).unwrap();
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    if answer.status != 200 {
        return answer;
    }
    for (table, request) in asked["RequestItems"].as_object().unwrap() {
        let keys = request["Keys"].as_array().unwrap();
        let left_out = &keys[keys.len() / 2..];
        let is_left_out = |item: &Value| left_out.iter().any(|key| has_key(item, key));
        if let Some(items) = body["Responses"][table].as_array_mut() {
            items.retain(|item| !is_left_out(item));
        }
        body["UnprocessedKeys"][table] = request.clone();
        body["UnprocessedKeys"][table]["Keys"] = json!(left_out);
    }
    answer.body = body.to_string().into_bytes();
    // The checksum would be that of the whole answer.
    answer.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("x-amz-crc32"));
    answer
}

fn has_key(item: &Value, key: &Value) -> bool {
    key.as_object().unwrap().iter().all(|(name, value)| item[name] == *value)
}

#[test]
fn a_batch_is_answered_in_part() {
    let key = |id: &str| json!({"id": {"S": id}});
    let asked = json!({"RequestItems": {"rows": {"Keys": [key("a"), key("b"), key("c")], "ConsistentRead": true}}});
    let items = json!([{"id": {"S": "a"}, "n": {"N": "1"}}, {"id": {"S": "c"}, "n": {"N": "3"}}]);
    let answer = Response::new(200, "application/x-amz-json-1.0", &json!({"Responses": {"rows": items}}).to_string());
    let answer = leave_half_out(asked.to_string().as_bytes(), answer);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["Responses"]["rows"], json!([{"id": {"S": "a"}, "n": {"N": "1"}}]));
    assert_eq!(body["UnprocessedKeys"]["rows"], json!({"Keys": [key("b"), key("c")], "ConsistentRead": true}));
}

//! The published suites under `tests/data/suites/`, for the tests of these rules.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The suite with this name.
pub(crate) fn suite(name: &str) -> Value {
    let path = format!("{}/../tests/data/suites/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The bytes of a file of a suite: a string, concatenated parts, base64, or a repeated part.
pub(crate) fn bytes_of(file: &Value) -> Vec<u8> {
    match file {
        Value::String(text) => text.clone().into_bytes(),
        Value::Array(parts) => parts.iter().flat_map(bytes_of).collect(),
        other => match (other["base64"].as_str(), other["times"].as_u64()) {
            (Some(base64), _) => STANDARD.decode(base64).unwrap(),
            (_, Some(times)) => (0..times).flat_map(|_| bytes_of(&other["repeat"])).collect(),
            _ => panic!("{other} is no file of a suite"),
        },
    }
}

//! Attribute values of DynamoDB.

use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

/// An item: its attributes by name.
pub type Item = HashMap<String, AttributeValue>;

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The number of milliseconds in the attribute `name`, if there is one.
pub(crate) fn milliseconds(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

//! The subject of a handler's request: the service, the operation, and the item that it reads or writes.

use crate::simulators::relay::Request;
use reqwest::Url;
use serde_json::Value;
use std::collections::BTreeSet;

/// A service that handlers call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Service {
    DynamoDb,
    S3,
    Sns,
    EventBridge,
    SecretsManager,
}

/// The environment variable of each service's endpoint, for the SDKs of AWS.
pub(super) const ENDPOINT_VARIABLES: [&str; 5] = [
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_ENDPOINT_URL_EVENTBRIDGE",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
];

/// The names under which a call names its subject. All of them are the same in each run of a seed.
const NAMES_OF_SUBJECTS: [&str; 9] = [
    "file_id",
    "transaction_id",
    "event_key",
    "partner",
    "provider",
    "customer",
    "notification_id",
    "alert_id",
    "SecretId",
];

/// The same for the values of its expressions.
const NAMES_OF_VALUES: [&str; 5] = [":status", ":day", ":day_shard", ":customer", ":partner"];

/// The prefix of the archive. Its objects have random names, so that calls differ by their day alone.
pub(super) const ARCHIVE_PREFIX: &str = "/transaction-audit-logs-";

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) service: Service,
    pub(super) operation: String,
    /// Its subject, the same whenever the same is done in a run of the same seed.
    pub(super) subject: String,
    /// Where a row's tombstone says that its payment is, or the path of an object in the archive that is stored.
    pub(super) archived_to: Option<String>,
}

impl Call {
    /// What a request is about.
    pub(super) fn of(request: &Request) -> Self {
        match request.header("x-amz-target").split_once('.') {
            Some((target, operation)) => {
                let service = match target {
                    _ if target.starts_with("DynamoDB") => Service::DynamoDb,
                    "AWSEvents" => Service::EventBridge,
                    _ => Service::SecretsManager,
                };
                Self::of_json(service, operation, &request.body)
            }
            None if request.header("content-type").contains("form-urlencoded") => Self::of_form(&request.body),
            None => Self::of_object(request),
        }
    }

    fn of_json(service: Service, operation: &str, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut words = BTreeSet::new();
        collect(&body, &mut words);
        let table = body["TableName"].as_str().unwrap_or_default();
        let subject = [table.to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ");
        let archived_to = body["Item"]["archived_to"]["S"].as_str().map(str::to_owned);
        Self { service, operation: operation.to_owned(), subject, archived_to }
    }

    fn of_form(body: &[u8]) -> Self {
        let url = format!("http://sns/?{}", String::from_utf8_lossy(body));
        let url = Url::parse(&url).unwrap();
        let field =
            |name: &str| url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned());
        let mut words = BTreeSet::new();
        collect(&serde_json::from_str(&field("Message").unwrap_or_default()).unwrap_or_default(), &mut words);
        let subject = words.into_iter().collect::<Vec<_>>().join(" ");
        Self { service: Service::Sns, operation: field("Action").unwrap_or_default(), subject, archived_to: None }
    }

    fn of_object(request: &Request) -> Self {
        let path = request.target.split('?').next().unwrap_or_default();
        let in_archive = path.starts_with(ARCHIVE_PREFIX);
        let subject = if in_archive { path.rsplit_once('/').map_or(path, |(day, _)| day) } else { path };
        let is_stored = in_archive && request.method == reqwest::Method::PUT && !request.body.is_empty();
        Self {
            service: Service::S3,
            operation: request.method.to_string(),
            subject: subject.to_owned(),
            archived_to: is_stored.then(|| path.to_owned()),
        }
    }

    /// Whether it changes something.
    pub(super) fn is_write(&self) -> bool {
        match self.service {
            Service::DynamoDb => ["PutItem", "UpdateItem", "DeleteItem"].contains(&self.operation.as_str()),
            Service::S3 => self.operation == "PUT",
            Service::Sns | Service::EventBridge => true,
            Service::SecretsManager => false,
        }
    }
}

/// Collects the values under the names of subjects, in JSON and in JSON within its texts.
fn collect(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let value = value.get("S").unwrap_or(value);
                match value {
                    Value::String(text) if NAMES_OF_SUBJECTS.contains(&name.as_str()) => {
                        words.insert(text.clone());
                    }
                    // EventBridge receives an event's detail as text.
                    Value::String(text) if name == "Detail" => {
                        collect(&serde_json::from_str(text).unwrap_or_default(), words);
                    }
                    // The key of a query, and the new status of a file; but not the times.
                    Value::Object(values) if name == "ExpressionAttributeValues" => {
                        let named = values.iter().filter(|(name, _)| NAMES_OF_VALUES.contains(&name.as_str()));
                        words.extend(named.filter_map(|(_, value)| value["S"].as_str()).map(str::to_owned));
                    }
                    value => collect(value, words),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        _ => {}
    }
}

#[test]
fn a_call_is_identified_by_its_subject() {
    let request = |target: &str, headers: &[(&str, &str)], body: &str| Request {
        method: if headers.is_empty() { reqwest::Method::PUT } else { reqwest::Method::POST },
        target: target.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.as_bytes().to_vec(),
    };
    let put =
        r#"{"TableName":"rows","Item":{"transaction_id":{"S":"T1"},"partner":{"S":"acme"},"received_at":{"N":"1"}}}"#;
    let event = r#"{"Entries":[{"Detail":"{\"transaction_id\":\"P1\",\"amount\":\"1\"}"}]}"#;
    let message = "Action=Publish&Message=%7B%22notification_id%22%3A%22n-1%22%7D";
    let path = "/transaction-audit-logs-x/transactions/2026/01/15/a.gz";
    for (request, operation, subject) in [
        (request("/", &[("x-amz-target", "DynamoDB_20120810.PutItem")], put), "PutItem", "rows T1 acme"),
        (request("/", &[("x-amz-target", "AWSEvents.PutEvents")], event), "PutEvents", " P1"),
        (request("/", &[("content-type", "application/x-www-form-urlencoded")], message), "Publish", "n-1"),
        (request("/bucket/validated/f.csv?x-id=PutObject", &[], "a"), "PUT", "/bucket/validated/f.csv"),
        (request(path, &[], "a"), "PUT", "/transaction-audit-logs-x/transactions/2026/01/15"),
    ] {
        let call = Call::of(&request);
        assert_eq!((call.operation.as_str(), call.subject.as_str()), (operation, subject));
        assert!(call.is_write());
    }
    assert_eq!(Call::of(&request(path, &[], "a")).archived_to.as_deref(), Some(path));
}

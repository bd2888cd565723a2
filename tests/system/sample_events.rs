//! The sample events in `events/`: each has the outcome that its name says. They are about one file, so they are used
//! in its order, with the version and the bucket that it has here.

use crate::support::cloud::{Cloud, unique};
use crate::support::files;
use crate::support::template::{definition, states, template};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::FileStatus;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

const USED: [&str; 16] = [
    "upload.json",
    "upload-invalid.json",
    "correctable.json",
    "file-status.json",
    "create-upload.json",
    "s3-object-created.json",
    "validate.json",
    "transform.json",
    "notify.json",
    "record-failure.json",
    "report-missing.json",
    "reconcile-files.json",
    // Those of a payment are in `sample_payments`.
    "webhook.json",
    "assess.json",
    "archive.json",
    "reconcile-payments.json",
];

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events")
}

fn event(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(directory().join(name)).unwrap()).unwrap()
}

/// The event with the sample's version of the object, and its bucket, replaced by existing ones.
fn with_existing_object(cloud: &Cloud, name: &str, version_id: &str) -> Value {
    let text = event(name).to_string();
    let sample = event("s3-object-created.json");
    let sample_version = sample["detail"]["object"]["version-id"].as_str().unwrap();
    let sample_bucket = sample["detail"]["bucket"]["name"].as_str().unwrap();
    serde_json::from_str(&text.replace(sample_version, version_id).replace(sample_bucket, &cloud.stack.bucket)).unwrap()
}

fn body(response: &Value) -> Value {
    serde_json::from_str(response["body"].as_str().unwrap()).unwrap()
}

#[test]
fn every_sample_event_is_used() {
    let there: BTreeSet<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, BTreeSet::from(USED.map(str::to_owned)));
}

/// Whether EventBridge would match the event. A name of the template matches any value.
fn passes(pattern: &Value, found: &Value) -> bool {
    match pattern {
        Value::Object(members) => members.iter().all(|(name, pattern)| passes(pattern, &found[name])),
        Value::Array(options) => options.iter().any(|option| match option["prefix"].as_str() {
            Some(prefix) => found.as_str().is_some_and(|text| text.starts_with(prefix)),
            None => option == found || (option["Ref"].is_string() && found.is_string()),
        }),
        other => panic!("no part of a pattern: {other}"),
    }
}

#[test]
fn the_s3_sample_event_matches_the_rule() {
    let pattern = &template()["Resources"]["FileArrivalRule"]["Properties"]["EventPattern"];
    let event = event("s3-object-created.json");
    assert!(passes(pattern, &event), "{event}");
}

#[test]
fn each_sample_task_is_what_the_state_machine_passes() {
    let states = states(&definition());
    for (name, state) in [
        ("validate.json", "Validation"),
        ("transform.json", "ProcessRange"),
        ("notify.json", "Notification"),
        ("record-failure.json", "RecordFailure"),
    ] {
        let event = event(name);
        let payload = states[state]["Parameters"]["Payload"].as_object().unwrap();
        let members: BTreeSet<&str> = payload.keys().map(|key| key.trim_end_matches(".$")).collect();
        assert_eq!(event.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>(), members, "{name}");
        for (key, value) in payload.iter().filter(|(key, _)| !key.ends_with(".$")) {
            assert_eq!(&event[key], value, "{name}");
        }
    }
}

/// A copy of a file's status under another id, with this status.
async fn put_in_status(cloud: &Cloud, file_id: &str, status: FileStatus) -> String {
    let id = files::file_id(&unique(), b"a copy");
    let table = &cloud.stack.status_table;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let get = cloud.dynamodb().get_item().table_name(table).key("file_id", text(file_id));
    let mut item = get.send().await.unwrap().item.unwrap();
    item.insert("file_id".to_owned(), text(&id));
    item.insert("status".to_owned(), text(status.as_str()));
    item.insert("rank".to_owned(), AttributeValue::N(status.rank().to_string()));
    item.insert("history".to_owned(), AttributeValue::L(Vec::new()));
    cloud.dynamodb().put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
    id
}

/// The two outcomes of a file that has none yet.
async fn outcomes_are_recorded(cloud: &Cloud, file_id: &str, version: &str) {
    for (name, before, after, message) in [
        ("notify.json", FileStatus::Processed, "completed", "outcome published"),
        ("record-failure.json", FileStatus::Processing, "processing_failed", "the workflow gave up: StoreUnavailable"),
    ] {
        let id = put_in_status(cloud, file_id, before).await;
        let outcome = with_existing_object(cloud, name, version).to_string().replace(file_id, &id);
        let reported = cloud.invoke("notification-sender", &serde_json::from_str(&outcome).unwrap()).await.unwrap();
        assert_eq!((&reported["status"], &reported["published"]), (&json!(after), &json!(true)), "{name}: {reported}");
        let row = cloud.status_row(&id).await.unwrap();
        assert_eq!(row["history"].as_array().unwrap().last().unwrap()["message"], message, "{name}: {row}");
    }
}

#[tokio::test]
async fn each_sample_event_gets_the_outcome_in_its_name() {
    let cloud = Cloud::open().await;
    let upload = cloud.invoke("csv-validator", &event("upload.json")).await.unwrap();
    assert_eq!(upload["statusCode"], 200, "{upload}");
    let accepted = body(&upload);
    let file_id = accepted["file_id"].as_str().unwrap();
    assert_eq!(event("file-status.json")["pathParameters"]["file_id"], file_id, "all samples are about one file");
    let completed = cloud.ended(file_id, 1).await;
    assert_eq!(completed["status"], "completed", "{completed}");
    let rows = accepted["row_count"].as_u64().unwrap();

    let invalid = cloud.invoke("csv-validator", &event("upload-invalid.json")).await.unwrap();
    assert_eq!((&invalid["statusCode"], &body(&invalid)["error"]), (&json!(400), &json!("invalid_csv")));
    assert!(body(&invalid)["error_count"].as_u64().unwrap() > 1, "a sample of more than one error");

    assert_eq!(
        event("correctable.json")["pathParameters"]["file_id"],
        body(&invalid)["file_id"],
        "of the rejected file"
    );
    let correctable = cloud.invoke("csv-validator", &event("correctable.json")).await.unwrap();
    assert_eq!(
        (&correctable["statusCode"], &body(&correctable)["rows"]),
        (&json!(200), &json!("all")),
        "{correctable}"
    );

    let created = cloud.invoke("csv-validator", &event("create-upload.json")).await.unwrap();
    assert_eq!((&created["statusCode"], &body(&created)["status"]), (&json!(200), &json!("awaiting_upload")));
    assert!(body(&created)["upload"]["url"].is_string(), "{created}");

    // The token of the sample is invalid; the one of the upload is valid.
    let mut status = event("file-status.json");
    let response = cloud.invoke("csv-validator", &status).await.unwrap();
    assert_eq!((&response["statusCode"], &body(&response)["error"]), (&json!(404), &json!("file_not_found")));
    let token = accepted["status_path"].as_str().unwrap().split_once("?token=").unwrap().1;
    status["queryStringParameters"]["token"] = json!(token);
    status["multiValueQueryStringParameters"]["token"] = json!([token]);
    let response = cloud.invoke("csv-validator", &status).await.unwrap();
    assert_eq!((&response["statusCode"], &body(&response)["status"]), (&json!(200), &json!("completed")));

    let version = cloud.object(accepted["s3_key"].as_str().unwrap()).await.version_id;
    cloud.run_workflow(&with_existing_object(&cloud, "s3-object-created.json", &version)).await;
    let validated =
        cloud.invoke("csv-validator", &with_existing_object(&cloud, "validate.json", &version)).await.unwrap();
    assert_eq!(validated["outcome"], "done", "the file is completed: {validated}");
    let written =
        cloud.invoke("data-transformer", &with_existing_object(&cloud, "transform.json", &version)).await.unwrap();
    assert_eq!((&written["rows"], &written["stored"]), (&json!(rows), &json!(rows)), "{written}");
    let reported =
        cloud.invoke("notification-sender", &with_existing_object(&cloud, "notify.json", &version)).await.unwrap();
    assert_eq!((&reported["status"], &reported["published"]), (&json!("completed"), &json!(false)), "{reported}");
    let failure = with_existing_object(&cloud, "record-failure.json", &version);
    let recorded = cloud.invoke("notification-sender", &failure).await.unwrap();
    assert_eq!((&recorded["status"], &recorded["published"]), (&json!("completed"), &json!(false)), "{recorded}");
    assert_eq!(cloud.status_row(file_id).await.unwrap(), completed, "the repeats have changed nothing");
    let reported = cloud.invoke("notification-sender", &event("report-missing.json")).await.unwrap();
    assert_eq!(reported["day"], "2001-01-01", "{reported}");
    let reconciled = cloud.invoke("notification-sender", &event("reconcile-files.json")).await.unwrap();
    assert!(reconciled["unfinished"].is_u64(), "{reconciled}");

    outcomes_are_recorded(&cloud, file_id, &version).await;

    // As they are, they name a file and a version that do not exist. Without permission to list the bucket, access to a
    // missing object is denied.
    for (function, name, expected) in
        [("csv-validator", "validate.json", "InvalidInput"), ("data-transformer", "transform.json", "ObjectMissing")]
    {
        let mut missing = with_existing_object(&cloud, name, "no-such-version").to_string();
        missing = missing.replace(file_id, "00000000000000000000000000000000");
        let error = cloud.invoke(function, &serde_json::from_str(&missing).unwrap()).await.unwrap_err();
        assert_eq!(error["errorType"], expected, "{name}: {error}");
    }
}

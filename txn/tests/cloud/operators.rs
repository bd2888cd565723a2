//! The commands of operators, which ask the tables and queues themselves.

use crate::process::Person;
use crate::{csv, person, stack};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The services as the administrator sees them.
struct Cloud {
    stack: Value,
    sdk: SdkConfig,
    runtime: tokio::runtime::Runtime,
}

impl Cloud {
    fn open() -> Self {
        let stack = stack();
        let text = |name: &str| stack[name].as_str().unwrap().to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(text("region")))
            .endpoint_url(text("endpoint"))
            .credentials_provider(Credentials::new(
                text("access_key_id"),
                text("secret_access_key"),
                None,
                None,
                "test",
            ))
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        let sdk = runtime.block_on(loader.load());
        Self { stack, sdk, runtime }
    }

    fn text(&self, name: &str) -> &str {
        self.stack[name].as_str().unwrap()
    }

    fn put_into_queue(&self, body: &str) {
        let send = aws_sdk_sqs::Client::new(&self.sdk).send_message();
        self.runtime.block_on(send.queue_url(self.text("dlq_url")).message_body(body).send()).unwrap();
    }

    fn status_item(&self, file_id: &str) -> std::collections::HashMap<String, AttributeValue> {
        let get = aws_sdk_dynamodb::Client::new(&self.sdk).get_item().table_name(self.text("status_table"));
        let get = get.key("file_id", AttributeValue::S(file_id.to_owned())).consistent_read(true);
        self.runtime.block_on(get.send()).unwrap().item.unwrap()
    }

    /// Makes a completed file look as if its processing had failed.
    fn fail(&self, file_id: &str) {
        let update = aws_sdk_dynamodb::Client::new(&self.sdk).update_item().table_name(self.text("status_table"));
        let update = update
            .key("file_id", AttributeValue::S(file_id.to_owned()))
            .update_expression("SET #status = :failed")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":failed", AttributeValue::S("processing_failed".to_owned()));
        self.runtime.block_on(update.send()).unwrap();
    }

    /// The event of a file's object.
    fn event(&self, file_id: &str) -> Value {
        let item = self.status_item(file_id);
        let text = |name: &str| item[name].as_s().unwrap().clone();
        json!({
            "version": "0", "detail-type": "Object Created", "source": "aws.s3",
            "detail": {"bucket": {"name": self.text("bucket")},
                "object": {"key": text("key"), "version-id": text("version_id"), "size": 100}},
        })
    }
}

/// Sends a file and waits until it is completed.
fn complete(person: &Person, name: &str) -> String {
    let path = person.file(name, csv("2011-04-01", 3, name));
    let ran = person.run(&["--json", "upload", path.to_str().unwrap(), "--wait"]).ended(0).json();
    ran["files"][0]["answer"]["file_id"].as_str().unwrap().to_owned()
}

/// What was done, by the key or the message.
fn actions(person: &Person, arguments: &[&str], code: i32) -> BTreeMap<String, String> {
    let ran = person.run(&[&["--json", "redrive"][..], arguments].concat()).ended(code).json();
    let works = ran["works"].as_array().unwrap().iter();
    works
        .map(|work| {
            let name = work["file_id"].as_str().or(work["key"].as_str()).unwrap_or("message");
            (
                name.to_owned(),
                format!("{} x{}", work["action"].as_str().unwrap(), work["messages"].as_array().unwrap().len()),
            )
        })
        .collect()
}

#[test]
fn a_queue_is_worked_off_and_what_cannot_be_helped_stays() {
    let cloud = Cloud::open();
    let person = person(&cloud.stack);
    let (failed, fine) = (complete(&person, "failed.csv"), complete(&person, "fine.csv"));
    cloud.fail(&failed);
    let message =
        |event: &Value, error: &str| json!({"input": event, "error": {"Error": error, "Cause": "c"}}).to_string();
    // The workflow failed on it twice; a rule could not deliver the event of the other one.
    cloud.put_into_queue(&message(&cloud.event(&failed), "StoreUnavailable"));
    cloud.put_into_queue(&message(&cloud.event(&failed), "StoreUnavailable"));
    cloud.put_into_queue(&cloud.event(&fine).to_string());
    let refused =
        json!({"detail": {"bucket": {"name": "b"}, "object": {"key": "incoming/acme/bad.csv", "version-id": "v"}}});
    cloud.put_into_queue(&message(&refused, "InvalidCsv"));
    cloud.put_into_queue("no message of ours");

    let expected = |of_failed: &str, of_fine: &str| {
        let stays = [("incoming/acme/bad.csv", "stays x1"), ("message", "stays x1")];
        let all = stays.into_iter().chain([(failed.as_str(), of_failed), (fine.as_str(), of_fine)]);
        all.map(|(name, action)| (name.to_owned(), action.to_owned())).collect::<BTreeMap<_, _>>()
    };
    for _ in 0..2 {
        assert_eq!(actions(&person, &["--dry-run"], 0), expected("would_start x2", "completed_before x1"));
    }
    let told = person.run(&["redrive", "--dry-run"]).ended(0).stdout;
    for part in
        [format!("would start (2 messages)  validated/{failed}.csv"), "failed with StoreUnavailable: c;".to_owned()]
    {
        assert!(told.contains(&part), "{told}");
    }
    assert!(told.contains("would delete  "), "{told}");
    assert_eq!(actions(&person, &[], 1), expected("processed x2", "completed_before x1"));
    let item = cloud.status_item(&failed);
    assert_eq!((item["status"].as_s().unwrap().as_str(), item["attempt"].as_n().unwrap().as_str()), ("completed", "2"));
    let left = actions(&person, &[], 1);
    assert_eq!(left.len(), 2, "{left:?}");
    let ran = person.run(&["redrive", "--delete-refused"]).ended(1);
    assert!(ran.stdout.contains("deleted  incoming/acme/bad.csv"), "{}", ran.stdout);
    assert_eq!(actions(&person, &[], 1).len(), 1);
}

#[test]
fn an_environment_that_is_not_there_ends_with_2() {
    let person = person(&stack());
    for command in [&["redrive"][..], &["transactions", "--from", "2011-04-02"]] {
        let ran = person.run(&[command, &["--env", "nowhere"]].concat()).ended(2);
        assert!(ran.stderr.contains("--env"), "{}", ran.stderr);
    }
}

/// Without the profile's own credentials those of the shell count, and its endpoint.
#[test]
fn the_shell_names_the_cloud() {
    let stack = stack();
    let of = |name: &str| stack[name].as_str().unwrap().to_owned();
    let shell = || Person::new().with("AWS_ENDPOINT_URL", &of("endpoint")).with("AWS_REGION", &of("region"));
    let list = ["transactions", "--env", &of("suffix"), "--from", "2011-04-03"];
    let person =
        shell().with("AWS_ACCESS_KEY_ID", &of("access_key_id")).with("AWS_SECRET_ACCESS_KEY", &of("secret_access_key"));
    person.run(&list).ended(0);
    let wrong = shell().with("AWS_ACCESS_KEY_ID", "AKIAWRONG").with("AWS_SECRET_ACCESS_KEY", "wrong");
    wrong.run(&list).ended(4);
}

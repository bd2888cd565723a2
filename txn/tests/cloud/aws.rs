//! The services of a stack, with administrator access, and changes that make it fail.

use crate::process::User;
use crate::{csv, stack_named, user};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::types::{Environment, LastUpdateStatus};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::future::Future;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The services of one stack.
pub(crate) struct Cloud {
    pub(crate) stack: Value,
    pub(crate) sdk: SdkConfig,
    runtime: tokio::runtime::Runtime,
}

impl Cloud {
    pub(crate) fn of_stack(name: &str) -> Self {
        let stack = stack_named(name);
        let text = |name: &str| stack[name].as_str().unwrap().to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let credentials = Credentials::new(text("access_key_id"), text("secret_access_key"), None, None, "test");
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(text("region")))
            .endpoint_url(text("endpoint"))
            .credentials_provider(credentials)
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        let sdk = runtime.block_on(loader.load());
        Self { stack, sdk, runtime }
    }

    pub(crate) fn user(&self) -> User {
        user(&self.stack)
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.stack[name].as_str().unwrap()
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Puts a message into a queue, which is `dlq_url` or `webhook_dlq_url`.
    pub(crate) fn put_into(&self, queue: &str, body: &Value) {
        let send = aws_sdk_sqs::Client::new(&self.sdk).send_message().queue_url(self.text(queue));
        self.wait(send.message_body(body.as_str().map_or_else(|| body.to_string(), str::to_owned)).send()).unwrap();
    }

    /// The visible messages of a queue. They stay there.
    pub(crate) fn messages(&self, queue: &str) -> Vec<Value> {
        let receive = aws_sdk_sqs::Client::new(&self.sdk).receive_message().queue_url(self.text(queue));
        let receive = receive.max_number_of_messages(10).visibility_timeout(0).wait_time_seconds(0);
        let messages = self.wait(receive.send()).unwrap().messages.unwrap_or_default();
        messages
            .into_iter()
            .map(|message| {
                let body = message.body.unwrap();
                serde_json::from_str(&body).unwrap_or(Value::String(body))
            })
            .collect()
    }

    /// The number of visible and of hidden messages of a queue.
    pub(crate) fn counts(&self, queue: &str) -> (u32, u32) {
        use aws_sdk_sqs::types::QueueAttributeName::{
            ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesNotVisible as Hidden,
        };
        let get = aws_sdk_sqs::Client::new(&self.sdk).get_queue_attributes().queue_url(self.text(queue));
        let response = self.wait(get.attribute_names(Visible).attribute_names(Hidden).send()).unwrap();
        let attributes = response.attributes.unwrap();
        (attributes[&Visible].parse().unwrap(), attributes[&Hidden].parse().unwrap())
    }

    pub(crate) fn empty_queues(&self) {
        for queue in ["dlq_url", "webhook_dlq_url"] {
            let purge = aws_sdk_sqs::Client::new(&self.sdk).purge_queue().queue_url(self.text(queue));
            self.wait(purge.send()).unwrap();
        }
    }

    /// An item of a table.
    pub(crate) fn item(&self, table: &str, key: &[(&str, &str)]) -> Option<HashMap<String, AttributeValue>> {
        let get = aws_sdk_dynamodb::Client::new(&self.sdk).get_item().table_name(self.text(table));
        let key = key.iter().map(|(name, value)| ((*name).to_owned(), AttributeValue::S((*value).to_owned())));
        self.wait(get.set_key(Some(key.collect())).consistent_read(true).send()).unwrap().item
    }

    pub(crate) fn status_item(&self, file_id: &str) -> HashMap<String, AttributeValue> {
        self.item("status_table", &[("file_id", file_id)]).unwrap()
    }

    /// The statuses of a file in an attempt, in order.
    pub(crate) fn statuses(&self, file_id: &str, attempt: &str) -> Vec<String> {
        let item = self.status_item(file_id);
        let entries = item["history"].as_l().unwrap().iter().map(|entry| entry.as_m().unwrap());
        let of_attempt = entries.filter(|entry| entry["attempt"].as_n().unwrap() == attempt);
        of_attempt.map(|entry| entry["status"].as_s().unwrap().clone()).collect()
    }

    /// Makes a completed file look as if its processing had failed.
    pub(crate) fn fail(&self, file_id: &str) {
        let update = aws_sdk_dynamodb::Client::new(&self.sdk).update_item().table_name(self.text("status_table"));
        let update = update
            .key("file_id", AttributeValue::S(file_id.to_owned()))
            .update_expression("SET #status = :failed")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":failed", AttributeValue::S("processing_failed".to_owned()));
        self.wait(update.send()).unwrap();
    }

    /// The event of a file's object.
    pub(crate) fn event(&self, file_id: &str) -> Value {
        let item = self.status_item(file_id);
        let text = |name: &str| item[name].as_s().unwrap().clone();
        self.event_of(&text("key"), &text("version_id"))
    }

    pub(crate) fn event_of(&self, key: &str, version_id: &str) -> Value {
        json!({
            "version": "0", "detail-type": "Object Created", "source": "aws.s3",
            "detail": {"bucket": {"name": self.text("bucket")},
                "object": {"key": key, "version-id": version_id, "size": 100}},
        })
    }

    /// Puts an object into the bucket and returns its version.
    pub(crate) fn put_object(&self, key: &str, content: &str) -> String {
        let client =
            aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&self.sdk).force_path_style(true).build());
        let put = client.put_object().bucket(self.text("bucket")).key(key).body(content.as_bytes().to_vec().into());
        self.wait(put.send()).unwrap().version_id.unwrap()
    }

    /// Sets a variable of a function until the returned value is dropped.
    pub(crate) fn override_variable(&self, function: &str, name: &str, value: &str) -> VariableOverride<'_> {
        let client = aws_sdk_lambda::Client::new(&self.sdk);
        let function = format!("{function}-{}", self.text("suffix"));
        let get = client.get_function_configuration().function_name(&function);
        let before = self.wait(get.send()).unwrap().environment.unwrap().variables.unwrap();
        let mut variables = before.clone();
        variables.insert(name.to_owned(), value.to_owned());
        let set = VariableOverride { cloud: self, function, before };
        set.write(variables);
        set
    }
}

/// A temporary value of a variable of a function.
pub(crate) struct VariableOverride<'c> {
    cloud: &'c Cloud,
    function: String,
    before: HashMap<String, String>,
}

impl VariableOverride<'_> {
    fn write(&self, variables: HashMap<String, String>) {
        let client = aws_sdk_lambda::Client::new(&self.cloud.sdk);
        let update = client.update_function_configuration().function_name(&self.function);
        let environment = Environment::builder().set_variables(Some(variables)).build();
        self.cloud.wait(update.environment(environment).send()).unwrap();
        eventually("the function to be updated", || {
            let get = client.get_function_configuration().function_name(&self.function);
            let now = self.cloud.wait(get.send()).unwrap();
            (now.last_update_status == Some(LastUpdateStatus::Successful)).then_some(())
        });
    }
}

impl Drop for VariableOverride<'_> {
    fn drop(&mut self) {
        self.write(self.before.clone());
    }
}

/// Calls `poll` until it returns a value.
pub(crate) fn eventually<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {} s for {what}", TIMEOUT.as_secs());
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Sends a file and waits until it is completed.
pub(crate) fn complete(user: &User, name: &str) -> String {
    let path = user.file(name, csv("2011-04-01", 3, name));
    let output = user.run(&["--json", "upload", path.to_str().unwrap(), "--wait"]).expect_code(0).json();
    output["files"][0]["response"]["file_id"].as_str().unwrap().to_owned()
}

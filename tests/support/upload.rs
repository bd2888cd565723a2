//! A partner who uploads files and follows them, over HTTP alone; and the data of the tables about them.

use crate::support::cloud::{Cloud, Created, eventually, unique};
use crate::template::description;
use api::problem::{self, Code};
use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// A response of the API.
#[derive(Debug)]
pub(crate) struct ApiResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl ApiResponse {
    /// Sends a request. Every response must be described, so all tests together check the description of the APIs
    /// against their real responses.
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let (method, url) = (request.method().clone(), request.url().clone());
        let response = client.execute(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|error| panic!("{status} with no JSON: {error}: {}", String::from_utf8_lossy(&bytes)));
        let response = Self { status, headers, body };
        description::assert_described(&method, url.path(), &response);
        response
    }

    /// The response of a function that was called as the gateway calls it.
    pub(crate) fn of_function(response: &Value) -> Self {
        let headers = response["headers"].as_object().into_iter().flatten();
        let multi = response["multiValueHeaders"].as_object().into_iter().flatten();
        let all = headers.chain(multi).map(|(name, value)| {
            let value = value.as_str().or_else(|| value[0].as_str()).unwrap_or_default();
            (name.parse().unwrap(), value.parse().unwrap())
        });
        Self {
            status: u16::try_from(response["statusCode"].as_u64().unwrap()).unwrap(),
            headers: all.collect(),
            body: serde_json::from_str(response["body"].as_str().unwrap()).unwrap(),
        }
    }

    /// The content type.
    pub(crate) fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A text member of the body.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_else(|| panic!("no text {member} in {}", self.body))
    }

    /// The code of a rejection, or "" of anything else.
    pub(crate) fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    /// Checks that the request was accepted.
    #[track_caller]
    pub(crate) fn accepted(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.body);
        self
    }

    /// Checks that the request was rejected: the status, the code and the members, which the gateway's own rejections
    /// share with ours.
    #[track_caller]
    pub(crate) fn assert_rejected(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.error()), (status, code), "{}", self.body);
        let members: BTreeSet<&str> = self.body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, BTreeSet::from_iter([&REJECTION_MEMBERS[..], &["file_id"]].concat()), "{}", self.body);
        assert_eq!(self.body["file_id"], Value::Null);
        self.is_a_problem();
    }

    /// Checks the members of every rejection (RFC 9457).
    #[track_caller]
    pub(crate) fn is_a_problem(&self) {
        let code = Code::named(self.error()).unwrap_or_else(|| panic!("no such code: {}", self.body));
        let status = code.status().as_u16();
        assert_eq!((self.status, &self.body["status"]), (status, &json!(status)), "{}", self.body);
        assert_eq!((self.text("title"), self.content_type()), (code.title(), problem::CONTENT_TYPE), "{}", self.body);
        assert_eq!(self.text("type"), code.type_uri("/prod"), "{}", self.body);
        assert_eq!(self.text("detail"), self.text("message"), "{}", self.body);
        assert!(self.text("message").len() > 20, "a message says what to do: {}", self.body);
        assert!(!self.text("request_id").is_empty() && !self.text("request_id").contains('$'), "{}", self.body);
        assert_eq!(self.text("instance"), format!("urn:uuid:{}", self.text("request_id")), "{}", self.body);
    }
}

/// The members of every rejection.
pub(crate) const REJECTION_MEMBERS: [&str; 8] =
    ["error", "message", "type", "title", "status", "detail", "instance", "request_id"];

/// A partner with a key of its own in the stack's usage plan.
pub(crate) struct Uploader<'c> {
    pub(crate) cloud: &'c Cloud,
    pub(crate) partner: String,
    pub(crate) key: String,
}

impl Cloud {
    /// A partner that nobody else uses.
    pub(crate) async fn partner(&self) -> Uploader<'_> {
        self.partner_in(&self.stack.usage_plan_id).await
    }

    /// A partner that nobody else uses, whose key is in this usage plan.
    pub(crate) async fn partner_in(&self, usage_plan: &str) -> Uploader<'_> {
        self.partner_named(&format!("bank-{}", unique()), usage_plan).await
    }

    /// A partner of this name, with a new key in this usage plan.
    pub(crate) async fn partner_named(&self, partner: &str, usage_plan: &str) -> Uploader<'_> {
        let key = format!("{partner}.{}{}", unique(), unique());
        self.uploader(partner, &key, usage_plan).await
    }

    /// The holder of this key, which is created and put into this usage plan.
    pub(crate) async fn uploader(&self, partner: &str, key: &str, usage_plan: &str) -> Uploader<'_> {
        let made = self.api_gateway().create_api_key().name(partner).value(key).enabled(true).send().await.unwrap();
        let id = made.id.unwrap();
        self.remove_at_end(Created::ApiKey { id: id.clone() });
        let joined =
            self.api_gateway().create_usage_plan_key().usage_plan_id(usage_plan).key_id(id).key_type("API_KEY");
        joined.send().await.unwrap();
        Uploader { cloud: self, partner: partner.to_owned(), key: key.to_owned() }
    }

    /// `GET` of a path below the API's base, without any key.
    pub(crate) async fn get(&self, path: &str) -> ApiResponse {
        ApiResponse::of(self.http.get(format!("{}{path}", self.stack.api_url))).await
    }

    /// Any request below the API's base.
    pub(crate) async fn request(&self, method: reqwest::Method, path: &str, key: Option<&str>) -> ApiResponse {
        let mut request = self.http.request(method, format!("{}{path}", self.stack.api_url));
        if let Some(key) = key {
            request = request.header("x-api-key", key);
        }
        ApiResponse::of(request).await
    }

    /// Follows a file by its status path, as a partner does, until its attempt has ended.
    pub(crate) async fn follow(&self, status_path: &str) -> Value {
        eventually("the file to end", async || {
            let response = self.get(status_path).await.accepted();
            has_ended(&response.body).then_some(response.body)
        })
        .await
    }

    /// The row of a file in the status table.
    pub(crate) async fn status_row(&self, file_id: &str) -> Option<Value> {
        let key = AttributeValue::S(file_id.to_owned());
        let found = self.dynamodb().get_item().table_name(&self.stack.status_table).key("file_id", key);
        found.consistent_read(true).send().await.unwrap().item.as_ref().map(plain)
    }

    /// Waits until this attempt of a file, or a later one, has ended, and returns the row.
    pub(crate) async fn ended(&self, file_id: &str, attempt: u32) -> Value {
        eventually(&format!("attempt {attempt} of {file_id} to end"), async || {
            let row = self.status_row(file_id).await?;
            (has_ended(&row) && number(&row["attempt"]) >= u64::from(attempt)).then_some(row)
        })
        .await
    }

    /// A row of the transactions table.
    pub(crate) async fn transaction(&self, partner: &str, id: &str) -> Option<Value> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let found = self.dynamodb().get_item().table_name(&self.stack.transactions_table);
        let found = found.key("transaction_id", text(id)).key("partner", text(partner)).consistent_read(true);
        found.send().await.unwrap().item.as_ref().map(plain)
    }
}

impl Uploader<'_> {
    /// Uploads a file as any HTTP client does.
    pub(crate) async fn upload(&self, file: &[u8]) -> ApiResponse {
        self.upload_to("/upload", file).await
    }

    /// Uploads a file and asks for it to be processed again.
    pub(crate) async fn upload_again(&self, file: &[u8]) -> ApiResponse {
        let known = self.upload(file).await.accepted();
        self.upload_to(&format!("/upload?reprocess_attempt={}", known.body["attempt"]), file).await
    }

    /// Uploads a valid file and waits until it is completed; returns the response and the row of its status.
    pub(crate) async fn upload_and_complete(&self, file: &[u8]) -> (ApiResponse, Value) {
        let response = self.upload(file).await.accepted();
        let row = self.cloud.ended(response.text("file_id"), 1).await;
        assert_eq!(row["status"], "completed", "{row}");
        (response, row)
    }

    /// Uploads a file with form fields, such as its control totals.
    pub(crate) async fn upload_expecting(&self, path: &str, file: &[u8], fields: &[(&str, &str)]) -> ApiResponse {
        let part = reqwest::multipart::Part::bytes(file.to_vec()).file_name("day.csv").mime_str("text/csv").unwrap();
        let mut form = reqwest::multipart::Form::new().part("file", part);
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        let url = format!("{}{path}", self.cloud.stack.api_url);
        ApiResponse::of(self.cloud.http.post(url).header("x-api-key", &self.key).multipart(form)).await
    }

    pub(crate) async fn upload_to(&self, path: &str, file: &[u8]) -> ApiResponse {
        self.upload_expecting(path, file, &[]).await
    }

    /// Posts any bytes with any headers.
    pub(crate) async fn post(&self, headers: &[(&str, &str)], body: Vec<u8>) -> ApiResponse {
        let url = format!("{}/upload", self.cloud.stack.api_url);
        let mut request = self.cloud.http.post(url).header("x-api-key", &self.key).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ApiResponse::of(request).await
    }

    /// A row of this partner.
    pub(crate) async fn transaction(&self, id: &str) -> Option<Value> {
        self.cloud.transaction(&self.partner, id).await
    }
}

/// Whether the present attempt of a file has ended.
pub(crate) fn has_ended(file: &Value) -> bool {
    let status = file["status"].as_str().unwrap_or_default();
    status == "completed" || status.ends_with("_failed")
}

/// The statuses of a history, in their order.
pub(crate) fn statuses(history: &Value) -> Vec<&str> {
    history.as_array().unwrap().iter().map(|entry| entry["status"].as_str().unwrap()).collect()
}

/// A number of a table's row, where it is text so that nothing is rounded, or of a response.
#[track_caller]
pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

/// The statuses of a completed file.
pub(crate) const COMPLETE_HISTORY: [&str; 6] =
    ["validating", "validated", "processing", "processed", "notifying", "completed"];

/// A row as JSON. Numbers stay texts, so that no digit is lost.
pub(crate) fn plain(row: &HashMap<String, AttributeValue>) -> Value {
    Value::Object(row.iter().map(|(name, value)| (name.clone(), plain_value(value))).collect())
}

fn plain_value(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => json!(text),
        AttributeValue::Bool(truth) => json!(truth),
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::L(list) => list.iter().map(plain_value).collect(),
        AttributeValue::M(map) => plain(map),
        AttributeValue::Ss(set) => json!(set),
        other => panic!("no attribute of ours has this type: {other:?}"),
    }
}

//! Webhooks that are unproven, that are no payments, and that are stored once and exactly.

use super::recipe::Bytes;
use super::{CARD, all, broken, cases, expected_response, texts};
use crate::support::cloud::{Cloud, unique};
use crate::support::provider::{Provider, Signed, sign};
use crate::support::template::text_of;
use crate::support::upload::ApiResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The members of a valid payment, each as the JSON of its value.
const VALID: [(&str, &str); 5] = [
    ("transaction_id", "\"${transaction_id}\""),
    ("amount", "\"20.00\""),
    ("currency", "\"EUR\""),
    ("provider", "\"${provider}\""),
    ("customer_id", "\"4111111111111111\""),
];

/// One delivery of a case, and what it is about.
struct Delivery<'d> {
    entry: &'d Value,
    transaction_id: &'d str,
    /// The provider that sends it.
    sender: Provider<'d>,
    /// The provider of the payment.
    provider: Provider<'d>,
}

impl Delivery<'_> {
    /// The names that bodies may use.
    fn names(&self, name: &str) -> Option<Bytes> {
        let text = match name {
            "transaction_id" => self.transaction_id,
            "provider" => &self.provider.name,
            "other_provider" => return Some(self.provider.cloud.stack.other_provider[0].as_str().into()),
            "body" => return Some(self.payment()),
            _ => return None,
        };
        Some(text.into())
    }

    /// The valid payment with the members that the case changes, removes or adds.
    fn payment(&self) -> Bytes {
        let names = |name: &str| self.names(name);
        let changed = &self.entry["members"];
        let mut made: Vec<Bytes> = Vec::new();
        let member = |name: &str, recipe: &Value| {
            let mut member = Bytes::from(format!("\"{name}\":").as_str());
            member.add(&Bytes::of(recipe, &names));
            member
        };
        for (name, valid) in VALID {
            match changed.get(name) {
                None => made.push(member(name, &json!(valid))),
                Some(Value::Null) => {}
                Some(recipe) => made.push(member(name, recipe)),
            }
        }
        let is_new = |name: &str| VALID.iter().all(|(known, _)| *known != name);
        let further = changed.as_object().into_iter().flatten().filter(|(name, _)| is_new(name));
        made.extend(further.map(|(name, recipe)| member(name, recipe)));
        if !self.entry["added"].is_null() {
            made.push(Bytes::of(&self.entry["added"], &names));
        }
        let mut body = Bytes::from("{");
        for (at, member) in made.iter().enumerate() {
            body.add(&if at > 0 { ",".into() } else { Bytes::default() });
            body.add(member);
        }
        body.add(&"}".into());
        body
    }

    fn body(&self) -> Bytes {
        let recipe = if self.entry["body"].is_null() { &json!("${body}") } else { &self.entry["body"] };
        Bytes::of(recipe, &|name| self.names(name))
    }

    /// Signs the body, changes what the case says, and sends it.
    async fn send(&self, body: &Bytes) -> ApiResponse {
        let cloud = self.sender.cloud;
        let signed = sign(&self.sender.secret, &body.bytes, self.entry["seconds"].as_i64().unwrap_or_default());
        if self.entry["past_the_gateway"] == true {
            return send_past_the_gateway(cloud, &signed, None, &body.bytes).await;
        }
        if let Some(repeated) = self.entry["repeated"].as_str() {
            let response = send_past_the_gateway(cloud, &signed, Some(repeated), &body.bytes).await;
            assert_eq!(self.provider.item(&json!({"transaction_id": self.transaction_id})).await, None);
            // Each header once is right, so that nothing else can be the cause.
            let once = body.text().replace("pay-", "once-");
            let signed = sign(&self.sender.secret, &once, 0);
            send_past_the_gateway(cloud, &signed, None, once.as_bytes()).await.accepted();
            return response;
        }
        let headers: Vec<(&str, String)> =
            signed.headers().into_iter().filter_map(|(name, value)| self.header(name, value, &signed)).collect();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let sent = &self.entry["sent_body"];
        let sent = if sent.is_null() { body } else { &Bytes::of(sent, &|name| self.names(name)) };
        let content_type = match &self.entry["content_type"] {
            Value::Null => Some("application/json"),
            other => other.as_str(),
        };
        cloud.post_webhook_as(content_type, &headers, &sent.bytes).await
    }

    /// A header of the case; none where the case omits it.
    fn header<'h>(&self, name: &'h str, right: &str, signed: &Signed) -> Option<(&'h str, String)> {
        let Some(recipe) = self.entry["headers"].get(name) else {
            return Some((name, right.to_owned()));
        };
        let names = |name: &str| {
            Some(Bytes::from(match name {
                "id" => signed.id.as_str(),
                "timestamp" => &signed.timestamp,
                "signature" => &signed.signature,
                "half" => &signed.signature[..signed.signature.len() / 2],
                "base64" => signed.signature.strip_prefix("v1,")?,
                _ => return None,
            }))
        };
        (!recipe.is_null()).then(|| (name, Bytes::of(recipe, &names).text()))
    }

    /// Sends it and describes what is wrong with the response and with the stored row.
    async fn deviations(&self) -> Vec<String> {
        let (status, code) = expected_response(self.entry);
        let body = self.body();
        let event_key = self.provider.event_key_of(&body.bytes);
        let before = self.provider.item_of(self.transaction_id, &event_key).await;
        let response = self.send(&body).await;
        let after = self.provider.item_of(self.transaction_id, &event_key).await;
        let whole = format!("{} {:?}", response.body, response.headers);
        let key = self.sender.secret.trim_start_matches("whsec_");
        let mut deviations = broken([
            (
                response.status == status && response.error() == code,
                format!("returned {} {}", response.status, response.body),
            ),
            (!whole.contains(CARD) && !whole.contains(key), format!("what was sent is repeated: {whole}")),
        ]);
        if !deviations.is_empty() {
            return deviations;
        }
        let duplicate = self.entry["duplicate"].as_bool().unwrap_or_default();
        if status == 200 {
            let after = after.unwrap_or_default();
            deviations.extend(broken([
                (response.body["duplicate"] == duplicate, format!("returned {}", response.body)),
                (!duplicate || before.as_ref() == Some(&after), format!("it had an effect: {after}")),
            ]));
            deviations.extend(self.wrongly_stored(&after));
        } else {
            response.is_a_problem();
            deviations.extend(broken([(before == after, format!("it had an effect: {after:?}"))]));
        }
        if code == "invalid_payment" {
            deviations.extend(self.wrongly_reported(&response, &body));
        }
        deviations
    }

    fn wrongly_stored(&self, item: &Value) -> Vec<String> {
        let stored = self.entry["stored"].as_object().into_iter().flatten();
        let mut deviations = Vec::new();
        for (name, recipe) in stored {
            let expected = Bytes::of(recipe, &|_| None).text();
            if item[name] != expected.as_str() {
                deviations.push(format!("{name} is stored as {}", item[name]));
            }
        }
        // Unless a publication is claimed, a payment needs nothing more.
        let is_published = self.entry["published"].as_bool().unwrap_or(true);
        deviations.extend(broken([
            (item["published_at_ms"].is_null() != is_published, format!("published or not: {item}")),
            (item["publishing_until_ms"].is_null(), format!("still to be published: {item}")),
        ]));
        deviations
    }

    /// What is wrong with the errors of a rejection, each as `code field`, at the positions that the body marks.
    fn wrongly_reported(&self, response: &ApiResponse, body: &Bytes) -> Vec<String> {
        let errors = response.body["errors"].as_array().cloned().unwrap_or_default();
        let reported = |error: &Value| {
            let words = [error["code"].as_str(), error["field"].as_str()];
            (words.into_iter().flatten().collect::<Vec<_>>().join(" "), error["byte"].as_u64())
        };
        let found: Vec<_> = errors.iter().map(reported).collect();
        let expected = texts(&self.entry["errors"]).enumerate().map(|(at, text)| (text.to_owned(), body.position(at)));
        let expected: Vec<_> = expected.collect();
        let is_text = |text: &Value| text.as_str().is_some_and(|text| !text.is_empty());
        broken([
            (found == expected, format!("expected {expected:?}, found {found:?}")),
            (
                errors.iter().all(|error| is_text(&error["reason"]) && is_text(&error["fix"])),
                format!("{errors:?} say too little"),
            ),
            (response.body["transaction_id"].is_null(), format!("the id is repeated: {}", response.body)),
        ])
    }
}

/// Calls the function as a gateway would that passes on every byte and every value of a header. API Gateway passes on
/// all values of a repeated header, but the emulator's keeps one; neither passes on all bytes of a body that is not
/// text.
pub(super) async fn send_past_the_gateway(
    cloud: &Cloud,
    signed: &Signed,
    repeated: Option<&str>,
    body: &[u8],
) -> ApiResponse {
    let values = |(name, value): (&str, &str)| {
        let times = if repeated == Some(name) { 2 } else { 1 };
        (name.to_owned(), json!(vec![value; times]))
    };
    let mut event: Value = serde_json::from_str(&text_of("events/webhook.json")).unwrap();
    event["body"] = json!(STANDARD.encode(body));
    event["isBase64Encoded"] = json!(true);
    event["multiValueHeaders"] = Value::Object(signed.headers().into_iter().map(values).collect());
    ApiResponse::of_function(&cloud.invoke("webhook-validator", &event).await.unwrap())
}

async fn deviations(cloud: &Cloud, case: &Value) -> Vec<String> {
    let transaction_id = format!("pay-{}", unique());
    let deliveries = case["deliveries"].as_array().cloned().unwrap_or_else(|| vec![case.clone()]);
    let mut deviations = Vec::new();
    for entry in &deliveries {
        let is_other = entry["signer"] == "other";
        // Signed by another provider, it is either that one's payment or a forgery of the first one's.
        let is_theirs = is_other && entry["members"]["provider"].is_string();
        let sender = if is_other { cloud.other_provider() } else { cloud.provider() };
        let provider = if is_theirs { cloud.other_provider() } else { cloud.provider() };
        let delivery = Delivery { entry, transaction_id: &transaction_id, sender, provider };
        deviations.extend(delivery.deviations().await);
    }
    let provider = cloud.provider();
    let next = provider.payment("1.50", "EUR");
    let response = provider.send(&next).await;
    let item = provider.item(&next).await.unwrap_or_default();
    deviations.extend(broken([(
        response.status == 200 && item["amount"] == "1.5",
        format!("the next payment: {} {item}", response.body),
    )]));
    deviations
}

#[tokio::test]
async fn webhook_clauses_hold() {
    let cloud = Cloud::open().await;
    all(cases("webhooks"), async |case: Value| deviations(&cloud, &case).await).await;
}

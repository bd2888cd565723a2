//! Published test suites, through the real interface: JSONTestSuite as bodies of webhooks and inside payments, the
//! tests of Standard Webhooks' libraries, and the Big List of Naughty Strings as merchants.

use super::deliveries::send_past_the_gateway;
use super::recipe::Bytes;
use super::{all, broken};
use crate::support::cloud::{Cloud, eventually};
use crate::support::files::{self, HEADER, record};
use crate::support::provider::{Provider, sign};
use crate::support::template::text_of;
use crate::support::upload::ApiResponse;
use futures::StreamExt;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const ROWS_AT_ONCE: usize = 12;

fn suite(name: &str) -> Value {
    serde_json::from_str(&text_of(&format!("tests/data/suites/{name}.json"))).unwrap()
}

fn bytes(recipe: &Value) -> Vec<u8> {
    Bytes::of(recipe, &|_| None).bytes
}

/// The code of the rejection of a body for its JSON alone, by the file's name; none where the JSON is valid.
fn decided() -> BTreeMap<String, Option<String>> {
    let mut decided = BTreeMap::new();
    for decision in suite("json-test-suite-decisions")["decisions"].as_array().unwrap() {
        let (names, code) = match decision["refused"].as_array() {
            Some(rejected) => (rejected, decision["code"].as_str().map(str::to_owned)),
            None => (decision["accepted"].as_array().unwrap(), None),
        };
        decided.extend(names.iter().map(|name| (name.as_str().unwrap().to_owned(), code.clone())));
    }
    decided
}

/// Sends a body to the webhook API. One that is not text cannot be proven there, since the gateway passes on another
/// text, with another signature; so that the function is tested, it is sent past the gateway as well.
async fn send(provider: &Provider<'_>, body: &[u8]) -> ApiResponse {
    let signed = sign(&provider.secret, body, 0);
    let response = provider.cloud.post_webhook(&signed.headers(), body).await;
    if std::str::from_utf8(body).is_ok() {
        return response;
    }
    assert_eq!(response.status, 401, "{}", response.body);
    send_past_the_gateway(provider.cloud, &signed, None, body).await
}

/// What is wrong with the responses to a JSON text as a body, and as a value inside a payment.
async fn json_deviations(provider: &Provider<'_>, text: &[u8], is_accepted: bool, code: Option<&str>) -> Vec<String> {
    let raw = send(provider, text).await;
    let first = raw.body["errors"][0]["code"].as_str().unwrap_or_default();
    let is_about_json =
        first.starts_with("json_") || ["body_empty", "byte_order_mark", "encoding_invalid_utf8"].contains(&first);
    let payment = provider.payment("20", "EUR");
    let valid = payment.to_string();
    let (before, after) = valid.split_at(valid.len() - 1);
    let body = [before.as_bytes(), b",\"metadata\":{\"v\":", text, b"}", after.as_bytes()].concat();
    let inside = send(provider, &body).await;
    let item = provider.item(&payment).await;
    let kept = item.as_ref().and_then(|item| item["metadata"].as_str()).map(str::as_bytes);
    let expected = is_accepted.then(|| [&b"{\"v\":"[..], text, b"}"].concat());
    broken([
        (raw.status == 400, format!("alone: {} {}", raw.status, raw.body)),
        (is_about_json != is_accepted, format!("alone it has {first}")),
        (code.is_none_or(|code| code == first), format!("alone it has {first}, not {code:?}")),
        (inside.status == if is_accepted { 200 } else { 400 }, format!("inside: {} {}", inside.status, inside.body)),
        (kept == expected.as_deref(), format!("inside it is stored as {item:?}")),
        (item.is_some() == is_accepted, format!("inside it is stored: {item:?}")),
    ])
}

#[tokio::test]
async fn json_test_suite_gets_the_documented_decisions() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let decided = decided();
    let files = suite("json-test-suite")["files"].as_object().unwrap().clone();
    let judged = files.into_iter().map(|(name, text)| {
        let code = decided.get(&name).cloned().flatten();
        let is_accepted = decided.get(&name).map_or(name.starts_with("y_"), Option::is_none);
        (name, (bytes(&text), is_accepted, code))
    });
    all(judged, async |(text, is_accepted, code): (Vec<u8>, bool, Option<String>)| {
        json_deviations(&provider, &text, is_accepted, code.as_deref()).await
    })
    .await;
}

/// The signed body is no payment of ours, so a proven signature gets 400, and any other 401.
#[tokio::test]
async fn standard_webhooks_vectors_are_verified() {
    let cloud = Cloud::open().await;
    let suite = suite("standard-webhooks");
    let published = &suite["signed"][0];
    let text = |member: &str| published[member].as_str().unwrap();
    let (provider, payload) = (cloud.other_provider(), text("payload"));
    let put = async |secrets: Value| {
        let id = format!("webhook-signing/{}/{}", cloud.stack.suffix, provider.name);
        let value = json!({"secrets": secrets}).to_string();
        cloud.secrets().put_secret_value().secret_id(id).secret_string(value).send().await.unwrap();
    };
    let status = async |headers: &[(&str, &str)]| cloud.post_webhook(headers, payload).await.status;
    // As in a rotation, the provider's own secret stays valid for the tests at the same time.
    put(json!([text("secret"), provider.secret])).await;
    eventually("the published secret to be in effect", async || {
        (status(&sign(text("secret"), payload, 0).headers()[..]).await == 400).then_some(())
    })
    .await;
    let verified = suite["verified"].as_array().unwrap().iter();
    all(verified.map(|case| (case["name"].as_str().unwrap().to_owned(), case)), async |case: &Value| {
        // A second may pass before the request.
        let seconds = case["seconds"].as_i64().unwrap_or_default();
        let signed = sign(text("secret"), payload, seconds + seconds.signum());
        let given: Vec<(&str, Option<String>)> = signed
            .headers()
            .into_iter()
            .map(|(name, right)| match case["headers"].get(name) {
                None => (name, Some(right.to_owned())),
                Some(changed) => {
                    let changed = changed.as_str().map(|changed| changed.replace("${signature}", &signed.signature));
                    (name, changed.map(|changed| changed.replace("${first 8}", &signed.signature[..8])))
                }
            })
            .collect();
        let headers: Vec<(&str, &str)> =
            given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        if case["is_valid"] == true {
            // Another instance of the function may not have read the published secret yet.
            let name = format!("{} to be accepted", case["name"]);
            eventually(&name, async || (status(&headers).await == 400).then_some(())).await;
            return broken([]);
        }
        let found = status(&headers).await;
        broken([(found == 401, format!("returned {found}, not 401"))])
    })
    .await;
    put(json!([provider.secret])).await;
}

/// Whether a text may be a merchant: visible, and without control characters.
fn is_merchant(text: &str) -> bool {
    !text.bytes().all(|byte| byte.is_ascii_whitespace())
        && !text.contains('\u{feff}')
        && !text.chars().any(|character| character.is_control() && character != '\t')
}

fn naughty() -> (Vec<String>, Vec<String>) {
    let suite = suite("naughty-strings");
    let strings = suite["strings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned());
    strings.partition(|text| is_merchant(text))
}

/// A record with a merchant in quotes.
fn of_merchant(id: usize, merchant: &str) -> String {
    record(&format!("T{id}")).replace("Corner Café", &format!("\"{}\"", merchant.replace('"', "\"\"")))
}

#[tokio::test]
async fn naughty_strings_are_stored_unchanged() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let (merchants, _) = naughty();
    assert!(merchants.len() > 450);
    let records: Vec<String> = merchants.iter().enumerate().map(|(id, text)| of_merchant(id, text)).collect();
    bank.upload_and_complete(&files::file(&records)).await;
    let differ: Vec<String> = futures::stream::iter(merchants.iter().enumerate())
        .map(async |(id, merchant)| {
            let stored = bank.transaction(&format!("T{id}")).await.unwrap_or_default();
            (stored["merchant"] != merchant.as_str())
                .then(|| format!("{merchant:?} is stored as {}", stored["merchant"]))
        })
        .buffer_unordered(ROWS_AT_ONCE)
        .filter_map(async |deviation| deviation)
        .collect()
        .await;
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[tokio::test]
async fn rejects_each_naughty_string_that_is_not_text() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let (_, others) = naughty();
    let records: Vec<String> = others.iter().enumerate().map(|(id, text)| of_merchant(id, text)).collect();
    let file = format!("{HEADER}\n{}\n", records.join("\n"));
    let response = bank.upload(file.as_bytes()).await;
    assert_eq!((response.status, response.error()), (400, "invalid_csv"), "{}", response.body);
    let errors = response.body["errors"].as_array().unwrap();
    let rejected: BTreeSet<u64> = errors.iter().map(|error| error["record"].as_u64().unwrap()).collect();
    assert_eq!(rejected, (1..=others.len() as u64).collect(), "{}", response.body);
    assert!(errors.iter().all(|error| error["column"] == "merchant"), "{}", response.body);
}

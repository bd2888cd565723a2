//! Private data of payments stay where they belong. `canary_files` tests the same for files.

use crate::support::canary_watch::Watch;
use crate::support::cloud::{Cloud, eventually, unique};
use crate::support::provider::{Provider, Signed, sign};
use crate::support::template::text_of;
use crate::support::upload::ApiResponse;
use crate::system::canary::{Kind, Location};
use crate::system::rotation;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const FUNCTIONS: [&str; 3] = ["webhook-validator", "fraud-detector", "transaction-archival"];

/// A client that sends payments with canaries in them.
struct Planting<'c> {
    cloud: &'c Cloud,
    watch: Watch<'c>,
}

impl<'c> Planting<'c> {
    fn begin(cloud: &'c Cloud) -> Self {
        let mut planting = Self { cloud, watch: Watch::begin(cloud, FUNCTIONS) };
        for [_, secret] in [&cloud.stack.provider, &cloud.stack.other_provider] {
            planting.secret(secret);
        }
        planting
    }

    /// Plants the secret of a provider: its text, and the decoded key.
    fn secret(&mut self, secret: &str) {
        let text = secret.trim_start_matches("whsec_");
        self.watch.canaries.plant(Kind::Secret, "a signing secret", text);
        self.watch.canaries.plant(Kind::Secret, "the key of a signing secret", STANDARD.decode(text).unwrap());
    }

    /// A new secret of a provider. Its key is text, so that it would be found as text too.
    fn new_secret(&mut self) -> String {
        let secret = format!("whsec_{}", STANDARD.encode(format!("{}{}", unique(), unique())));
        self.secret(&secret);
        secret
    }

    /// Sends a delivery and checks the code of the response; "" is none.
    async fn send(&mut self, signed: &Signed, body: &str, code: &str) -> ApiResponse {
        self.watch.canaries.plant(Kind::Secret, "a signature", signed.signature.trim_start_matches("v1,"));
        let agent = self.watch.canaries.plant(Kind::Secret, "a user agent", format!("stray{}", unique()));
        let headers = [&signed.headers()[..], &[("user-agent", agent.as_str()), ("x-note", agent.as_str())]].concat();
        let response = self.cloud.post_webhook(&headers, body).await;
        assert_eq!(response.error(), code, "{}", response.body);
        self.watch.see_response(code, &response);
        response
    }

    /// A payment with canaries in every member but its id, which may be returned and logged.
    fn payment(&mut self, provider: &Provider<'_>, whole: &str) -> Value {
        let mut payment = provider.payment("", "EUR");
        let digits: String = unique().bytes().take(9).map(|byte| char::from(b'1' + byte % 9)).collect();
        payment["amount"] = json!(self.watch.canaries.plant(Kind::Event, "an amount", format!("{whole}{digits}.27")));
        payment["customer_id"] =
            json!(self.watch.canaries.plant(Kind::Event, "a customer", format!("kunde{}", unique())));
        let (device, card) = (self.watch.content("a device"), self.watch.content("a card's number in metadata"));
        payment["metadata"] =
            json!({"country": device, "device_id": device, "card": format!("4111 1111 1111 1111 {card}")});
        let (name, value) =
            (self.watch.content("the name of an unknown member"), self.watch.content("an unknown member"));
        payment[name.as_str()] = json!({ "note": value });
        payment
    }
}

/// Payments that are accepted, repeated, and in conflict, of each band; and their events and alerts.
async fn valid_payments(planting: &mut Planting<'_>) {
    let cloud = planting.cloud;
    let provider = cloud.provider();
    let alerts = cloud.queue_of_topic("alerts", &cloud.stack.alerts_topic_arn, &json!({})).await;
    let mut ids = Vec::new();
    for whole in ["", "9"] {
        let payment = planting.payment(&provider, whole);
        let listener = cloud.listen(payment["transaction_id"].as_str().unwrap()).await;
        let body = payment.to_string();
        for _ in 0..2 {
            planting.send(&sign(&provider.secret, &body, 0), &body, "").await;
        }
        let event = listener.next().await;
        planting.watch.see(Location::PaymentEvent, "the event", event.to_string());
        let analyzed = async || provider.item(&payment).await.filter(|item| item["status"] == "analyzed");
        eventually("the analysis", analyzed).await;
        let mut other = payment.clone();
        other["metadata"] = json!({"note": planting.watch.content("metadata that conflict")});
        let other = other.to_string();
        planting.send(&sign(&provider.secret, &other, 0), &other, "transaction_conflict").await;
        ids.push(payment["transaction_id"].as_str().unwrap().to_owned());
    }
    let mut received = Vec::new();
    eventually("the alerts of both", async || {
        received.extend(alerts.take(10).await);
        let is_received = |id: &String| received.iter().any(|message| message.to_string().contains(id.as_str()));
        ids.iter().all(is_received).then_some(())
    })
    .await;
    planting.watch.logged.extend(ids);
    for message in received {
        planting.watch.see(Location::PaymentEvent, "an alert", message.to_string());
    }
}

/// Signed bodies that are no payments, with a canary at the position of the error.
async fn invalid_payments(planting: &mut Planting<'_>) {
    let provider = planting.cloud.provider();
    let canary = planting.watch.content("an invalid payment");
    let valid = planting.payment(&provider, "");
    let mut bodies = vec![
        format!("{{\"{canary}"),
        format!("{{\"{canary}\": 1, \"{canary}\": 2}}"),
        format!("\"{canary}\""),
        format!("{valid}{canary}"),
        format!("\u{feff}{valid}"),
        format!("{{\"metadata\": {}\"{canary}\"{}}}", "[".repeat(40), "]".repeat(40)),
    ];
    for member in ["transaction_id", "amount", "currency", "provider", "customer_id", "type", "metadata"] {
        for value in [json!(format!("{canary} é")), json!([canary]), json!({ &*canary: canary })] {
            if (member, value.is_object()) == ("metadata", true) {
                continue;
            }
            let mut payment = valid.clone();
            payment[member] = value;
            bodies.push(payment.to_string());
        }
    }
    for body in bodies {
        let signed = sign(&provider.secret, &body, 0);
        planting.watch.canaries.plant(Kind::Secret, "a signature", signed.signature.trim_start_matches("v1,"));
        let response = planting.cloud.post_webhook(&signed.headers(), &body).await;
        assert!([400, 401].contains(&response.status), "{body}: {}", response.body);
        planting.watch.see(
            Location::Rejection,
            "an invalid payment",
            format!("{:?} {}", response.headers, response.body),
        );
    }
}

/// Unproven deliveries: forged, late, of another provider, too large, of another type.
async fn unproven_deliveries(planting: &mut Planting<'_>) {
    let cloud = planting.cloud;
    let (provider, other) = (cloud.provider(), cloud.other_provider());
    let payment = planting.payment(&provider, "");
    let body = payment.to_string();
    let code = "signature_invalid";
    planting.send(&sign(&other.secret, &body, 0), &body, code).await;
    planting.send(&sign(&provider.secret, &body, -400), &body, code).await;
    let unknown = planting.new_secret();
    planting.send(&sign(&unknown, &body, 0), &body, code).await;
    let canary = planting.watch.content("a header of a delivery");
    let good = sign(&provider.secret, &body, 0);
    for (id, timestamp, signature) in [
        (format!("{canary}.x"), good.timestamp.clone(), good.signature.clone()),
        (good.id.clone(), canary.clone(), good.signature.clone()),
        (good.id.clone(), good.timestamp.clone(), format!("v1,{canary}")),
        (good.id.clone(), good.timestamp.clone(), format!("v9,{canary} {}", &good.signature[..20])),
    ] {
        planting.send(&Signed { id, timestamp, signature }, &body, code).await;
    }
    let large = json!({"note": canary.repeat(15_000)}).to_string();
    planting.send(&sign(&provider.secret, &large, 0), &large, "body_too_large").await;
    // Past the gateway, which passes a request on unchanged.
    let mut event: Value = serde_json::from_str(&text_of("events/webhook.json")).unwrap();
    event["body"] = json!(format!("{canary}!"));
    event["isBase64Encoded"] = json!(true);
    for event in [event, json!({ &*canary: 1 }), json!(canary), json!({"httpMethod": [canary]})] {
        for function in FUNCTIONS {
            let outcome = cloud.invoke(function, &event).await;
            // Any event starts the archival.
            planting.watch.see(Location::Outcome, function, format!("{outcome:?}"));
        }
    }
}

#[tokio::test]
async fn no_log_response_or_message_has_private_payment_data() {
    let cloud = Cloud::open().await;
    let mut planting = Planting::begin(&cloud);
    valid_payments(&mut planting).await;
    invalid_payments(&mut planting).await;
    unproven_deliveries(&mut planting).await;
    planting.watch.end().await;
}

#[tokio::test]
async fn unreadable_or_rotated_secrets_are_not_disclosed() {
    let _turn = rotation::TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let mut planting = Planting::begin(&cloud);
    let provider = cloud.provider();
    let payment = planting.payment(&provider, "");
    let body = payment.to_string();
    let rotated = planting.new_secret();
    rotation::put(&cloud, &provider.name, &[&rotated, &provider.secret]).await;
    eventually("the new secret to be in effect", async || {
        let other = provider.payment("20", "EUR").to_string();
        (cloud.post_webhook(&sign(&rotated, &other, 0).headers(), &other).await.status == 200).then_some(())
    })
    .await;
    planting.send(&sign(&rotated, &body, 0), &body, "").await;
    // Malformed secrets: no base64, too short, no JSON, other JSON.
    let canary = planting.watch.canaries.plant(Kind::Secret, "an unreadable secret", format!("geheim{}", unique()));
    for value in [
        json!({"secrets": [format!("whsec_{canary}!")]}).to_string(),
        json!({"secrets": [format!("whsec_{}", STANDARD.encode(&canary[..12]))]}).to_string(),
        json!({"secrets": canary}).to_string(),
        json!({ &*canary: [canary] }).to_string(),
        format!("{canary} {canary}"),
    ] {
        rotation::put_text(&cloud, &provider.name, value).await;
        let response = eventually("the error to be returned", async || {
            let other = provider.payment("20", "EUR").to_string();
            let response = cloud.post_webhook(&sign(&rotated, &other, 0).headers(), &other).await;
            (response.status == 503).then_some(response)
        })
        .await;
        planting.watch.see(Location::Rejection, "an unreadable secret", response.body.to_string());
        rotation::put(&cloud, &provider.name, &[&rotated]).await;
        eventually("the secret to be back", async || {
            let other = provider.payment("20", "EUR").to_string();
            (cloud.post_webhook(&sign(&rotated, &other, 0).headers(), &other).await.status == 200).then_some(())
        })
        .await;
    }
    rotation::put(&cloud, &provider.name, &[&provider.secret]).await;
    eventually("the first secret to be back", async || {
        let other = provider.payment("20", "EUR").to_string();
        (cloud.post_webhook(&sign(&provider.secret, &other, 0).headers(), &other).await.status == 200).then_some(())
    })
    .await;
    {
        // Nothing listens on this port.
        let broken = Cloud::of_stack("faults").await;
        broken.set_variable("webhook-validator", "AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:9").await;
        let payment = planting.payment(&provider, "");
        let body = payment.to_string();
        planting.send(&sign(&provider.secret, &body, 0), &body, "service_unavailable").await;
    }
    planting.watch.logged.push("cannot be read".to_owned());
    planting.watch.logged.push("request failed".to_owned());
    planting.watch.end().await;
}

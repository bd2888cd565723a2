//! Requests that pretend to be another partner: none of them may read or change another partner's data.

use super::chance::Chance;
use super::promise::Promise;
use super::sender::send;
use super::world::World;
use crate::support::files::{self, record};
use domain::{ContentDigest, Timestamp};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

/// A partner that is attacked.
pub(super) struct Victim {
    pub(super) partner: String,
    pub(super) file_id: String,
    pub(super) status_path: Option<String>,
}

/// Tries some forgeries to read or change another partner's data. Where two partners use the same ids, the victim's
/// rows are judged with its files.
pub(super) async fn try_all(world: &World, victim: &Victim, mut chance: Chance) {
    if chance.percent(40) {
        return try_to_write(world, victim, chance).await;
    }
    let api = &world.cloud.stack.api_url;
    let day = Timestamp::from_unix_milliseconds(crate::support::cloud::now_ms()).day();
    let (id, name) = (&victim.file_id, &victim.partner);
    let token = victim.status_path.as_deref().and_then(|path| path.split_once("token=")).map_or("", |(_, token)| token);
    let other_token: String = token.chars().rev().collect();
    // The address, and whether its response may be 200: a partner may read its own day, which is empty.
    let forged = [
        (format!("/files/{id}"), false),
        (format!("/files/{id}?token="), false),
        (format!("/files/{id}?token={other_token}"), false),
        (format!("/files/{id}?partner={name}"), false),
        (format!("/files/{id}/correctable"), false),
        (format!("/files/{id}/correctable?token={token}"), false),
        (format!("/files/{id}/correctable?rows=all&partner={name}"), false),
        (format!("/days/{day}?partner={name}"), false),
        (format!("/days/{day}"), true),
    ];
    let (path, own) = chance.pick(&forged).clone();
    let url = format!("{api}{path}");
    let keys = [world.forger_key.clone(), format!("{name}.{}", "0".repeat(32)), format!("{name}."), String::new()];
    let key = chance.pick(&keys).clone();
    let request = || forge(world.cloud.http.request(Method::GET, &url), &key, name);
    let response = send(chance.clone(), request).await;
    let text = response.body.to_string();
    let tells = [id.as_str(), name.as_str(), token].iter().any(|secret| !secret.is_empty() && text.contains(*secret));
    let is_rejected = (400..500).contains(&response.status) || (own && response.status == 200);
    world
        .tally
        .judge(Promise::PartnersApart, is_rejected && !tells, || format!("GET {path}: {} {text}", response.status));
}

/// Tries to put a file under the victim's keys: without a signature, and by a URL that was signed for the forger's own.
async fn try_to_write(world: &World, victim: &Victim, mut chance: Chance) {
    let stack = &world.cloud.stack;
    let (id, name) = (&victim.file_id, &victim.partner);
    let file = files::file(&[record(&format!("F{}", chance.between(1, u64::MAX)))]);
    let body = json!({"size": file.len(), "sha256": ContentDigest::of(&file).as_str()}).to_string();
    let create_upload = || {
        let request = world.cloud.http.post(format!("{}/uploads", stack.api_url)).body(body.clone());
        request.header("x-api-key", &world.forger_key).header("content-type", "application/json")
    };
    let signed = send(chance.clone(), create_upload).await.body["upload"].clone();
    let (own_key, rest) = signed["url"].as_str().and_then(|url| url.split_once('?')).unwrap();
    let own_name = own_key.rsplit('/').next().unwrap();
    let directory = own_key.split("/incoming/").next().unwrap();
    let places = [
        format!("{directory}/incoming/{name}/{own_name}?{rest}"),
        format!("{directory}/incoming/{name}/{id}.csv?{rest}"),
        format!("{directory}/validated/{id}.csv?{rest}"),
        format!("{directory}/incoming/{name}/{own_name}"),
        format!("{directory}/validated/{id}.csv"),
    ];
    let url = chance.pick(&places);
    let headers = signed["headers"].as_object().unwrap().iter().filter(|(header, _)| *header != "content-length");
    let put = || {
        let request = world.cloud.http.put(url).body(file.clone());
        headers.clone().fold(request, |request, (header, value)| request.header(header, value.as_str().unwrap()))
    };
    let response = send(chance, put).await;
    world.tally.judge(Promise::PartnersApart, response.status == 403, || format!("PUT {url}: {}", response.status));
}

/// Headers by which some systems accept an identity.
fn forge(request: RequestBuilder, key: &str, partner: &str) -> RequestBuilder {
    let request = if key.is_empty() { request } else { request.header("x-api-key", key) };
    request.header("x-partner", partner).header("x-forwarded-user", partner).header("x-amzn-apigateway-api-id", partner)
}

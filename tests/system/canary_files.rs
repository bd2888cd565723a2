//! Private data of files stay where they belong, in every request, file and step. Each test plants canaries, sends
//! them, and searches for them in every response, log, message, report and queue.

use crate::simulators::failing_services::{Fault, FaultyStore};
use crate::support::canary_watch::Watch;
use crate::support::cloud::{Cloud, unique};
use crate::support::files::{self, HEADER, body, file_id, file_part, part};
use crate::support::template::text_of;
use crate::support::upload::{ApiResponse, Uploader};
use crate::support::workflow::task_of;
use crate::system::canary::{Kind, Location};
use crate::system::correctable;
use crate::system::days;
use crate::system::faults;
use crate::system::notification::Subscriber;
use crate::system::presigned_uploads;
use reqwest::Method;
use serde_json::{Value, json};

const FUNCTIONS: [&str; 3] = ["csv-validator", "data-transformer", "notification-sender"];

/// A partner that sends data with canaries in them.
struct Planting<'c> {
    bank: Uploader<'c>,
    watch: Watch<'c>,
}

impl<'c> Planting<'c> {
    async fn begin(cloud: &'c Cloud) -> Self {
        let bank = cloud.partner().await;
        let mut watch = Watch::begin(cloud, FUNCTIONS);
        watch.canaries.plant(Kind::Secret, "the secret of an API key", secret_of(&bank.key));
        watch.canaries.plant(Kind::Secret, "an API key", bank.key.as_str());
        for key in &cloud.stack.api_keys {
            watch.canaries.plant(Kind::Secret, "an API key of the deployment", secret_of(key));
        }
        Self { bank, watch }
    }

    /// Sends a body with any headers to any address, and checks the code of the response; "" is none.
    async fn send(&mut self, path: &str, headers: &[(&str, &str)], body: Vec<u8>, code: &str) -> ApiResponse {
        let url = format!("{}{path}", self.bank.cloud.stack.api_url);
        let mut request = self.bank.cloud.http.post(url).body(body);
        if !headers.iter().any(|(name, _)| *name == "x-api-key") {
            request = request.header("x-api-key", &self.bank.key);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = ApiResponse::of(request).await;
        assert_eq!(response.error(), code, "POST {path}: {}", response.body);
        self.watch.see_response(&format!("POST {path}"), &response);
        response
    }

    /// Sends a file, in a body as any client makes it. The log must name the file, unless it was a dry run.
    async fn send_file(&mut self, path: &str, file: &[u8], code: &str) -> ApiResponse {
        let response = self.send(path, &[("content-type", TYPE)], body("b", &[file_part(file)]), code).await;
        if response.body["dry_run"] != true {
            self.watch.logged.extend(response.body["file_id"].as_str().map(str::to_owned));
        }
        response
    }

    /// Requests an address.
    async fn get(&mut self, path: &str, key: Option<&str>, code: &str) -> ApiResponse {
        let response = self.bank.cloud.request(Method::GET, path, key).await;
        assert_eq!(response.error(), code, "GET {path}: {}", response.body);
        self.watch.see_response(&format!("GET {path}"), &response);
        response
    }

    /// Invokes a function with a payload that none of our callers sends.
    async fn invoke(&mut self, function: &str, payload: &Value) {
        let outcome = self.bank.cloud.invoke(function, payload).await;
        self.watch.see(Location::Outcome, function, format!("{outcome:?}"));
    }
}

/// The secret part of an API key.
fn secret_of(key: &str) -> &str {
    key.split_once('.').unwrap().1
}

const TYPE: &str = "multipart/form-data; boundary=b";

/// A card number, by its form.
fn card_number() -> String {
    let digits: String = unique().bytes().map(|byte| char::from(b'0' + byte % 10)).collect();
    format!("4111{}", &digits[..12])
}

/// Valid files, sent once and again, with canaries in their content and in their requests.
async fn good_files(planting: &mut Planting<'_>, subscriber: &Subscriber<'_>) {
    let (id, merchant, name) = (
        planting.watch.content("a transaction id"),
        planting.watch.content("a merchant"),
        planting.watch.content("a file's name"),
    );
    let card = planting.watch.canaries.plant(Kind::Content, "a card's number", card_number());
    let amount = planting.watch.canaries.plant(Kind::Content, "an amount", format!("7{}.25", &card[4..15]));
    let file = files::file(&[
        format!("{id},{amount},EUR,2026-01-15T10:00:00Z,\"{merchant} \"\"{card}\"\"\",completed"),
        format!("{card},1.50,EUR,2026-01-15T10:00:00Z,=cmd|{merchant},failed"),
    ]);
    let disposition = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}.csv\"");
    let unknown = format!("X-Note: {}", planting.watch.stray("a header of a part"));
    let valid = body("b", &[part(&[&disposition, &unknown], &file)]);
    let strays = ["user-agent", "referer", "cookie", "authorization", "x-note", "traceparent"];
    let strays = strays.map(|name| (name, planting.watch.stray(&format!("the header {name}"))));
    let mut headers: Vec<(&str, &str)> = strays.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(("content-type", TYPE));
    let query = planting.watch.stray("a query string");
    let response = planting.send(&format!("/upload?note={query}"), &headers, valid, "").await;
    let id = response.text("file_id").to_owned();
    planting.watch.logged.push(id.clone());
    planting.bank.cloud.ended(&id, 1).await;
    planting.send_file("/upload", &file, "").await;
    planting.send_file("/upload?dry_run=true", &file, "").await;
    planting.send_file("/upload?reprocess_attempt=1", &file, "").await;
    planting.bank.cloud.ended(&id, 2).await;
    for _ in 0..2 {
        let notification = subscriber.next().await;
        planting.watch.see(Location::Notification, "completed", format!("{notification:?}"));
    }
    let path = response.text("status_path").to_owned();
    planting.get(&path, None, "").await;
    let day = days::day_of(planting.bank.cloud, &id).await;
    let key = planting.bank.key.clone();
    planting.get(&format!("/days/{day}"), Some(&key), "").await;
    let operator = planting.bank.cloud.operator().await;
    planting.watch.canaries.plant(Kind::Secret, "an operator's key", secret_of(&operator.key));
    let partner = planting.bank.partner.clone();
    planting.get(&format!("/days/{day}?partner={partner}"), Some(&operator.key), "").await;
    planting.get(&format!("/files/{id}/correctable"), Some(&key), "nothing_to_correct").await;
}

/// Files that are rejected for every possible error, each with a canary at the position of the error.
async fn bad_files(planting: &mut Planting<'_>) {
    let canary = planting.watch.content("a field of an invalid file");
    let card = planting.watch.canaries.plant(Kind::Content, "a card's number in an invalid file", card_number());
    let record = |id: &str| format!("{id},1.50,EUR,2026-01-15T10:00:00Z,Shop,completed");
    let with = |column: usize, value: &str| {
        let mut fields: Vec<String> = record("T1").split(',').map(str::to_owned).collect();
        fields[column] = value.to_owned();
        files::file(&[fields.join(",")])
    };
    let mut bad = [1, 2, 3, 5].map(|column| with(column, &format!("{card} {canary}"))).to_vec();
    bad.extend([
        with(0, &format!("{canary}é")),
        with(4, &format!("{canary}\u{7}")),
        with(4, &format!("{canary}\"{card}")),
        with(4, &format!("\"{canary}")),
        with(4, &format!("\"{canary}\"{card}")),
        with(5, &format!("completed,{canary}")),
        files::file(&[record(&canary), record(&canary), record(&card)]),
        files::file(&[record("T1"), canary.clone(), String::new(), record(&card)]),
        format!("{HEADER},{canary}\n{},{card}\n", record("T1")).into_bytes(),
        format!("{HEADER},{canary},{canary}\n{}\n", record("T1")).into_bytes(),
        format!("{canary}\n{card}\n").into_bytes(),
        format!("{}\n{}\n", HEADER.replace(',', ";"), record(&canary).replace(',', ";")).into_bytes(),
        [&with(4, &canary)[..], b"\xff\xfe", card.as_bytes()].concat(),
        [&with(4, &canary)[..], b"\0", card.as_bytes()].concat(),
        String::from_utf8(with(4, &canary)).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect(),
        [b"PK\x03\x04", canary.as_bytes()].concat(),
        [b"\x1f\x8b\x08", canary.as_bytes()].concat(),
    ]);
    for file in bad {
        let response = planting.bank.upload_to("/upload?dry_run=true", &file).await;
        assert!([400, 415].contains(&response.status), "{}", response.body);
        planting.watch.see_response("a dry run of an invalid file", &response);
        let code = response.error().to_owned();
        let response = planting.send_file("/upload", &file, &code).await;
        follow_rejected(planting, &response).await;
    }
}

/// Reads the report and the correctable file of a rejected file.
async fn follow_rejected(planting: &mut Planting<'_>, rejected: &ApiResponse) {
    let Some(path) = rejected.body["status_path"].as_str() else { return };
    let status = planting.get(path, None, "").await;
    let report = planting.bank.cloud.http.get(status.text("report_url")).send().await.unwrap();
    planting.watch.see(Location::Report, path, report.bytes().await.unwrap());
    let made = planting.bank.correctable(rejected.text("file_id"), "?rows=all").await;
    planting.watch.see_response("GET correctable", &made);
    if made.status == 200 {
        let text = correctable::text_of(planting.bank.cloud, &made).await;
        planting.watch.see(Location::CorrectableFile, path, text);
    }
}

/// Requests that are rejected before their file is read.
async fn malformed_requests(planting: &mut Planting<'_>) {
    let canary = planting.watch.content("a malformed request");
    let file = files::file(&[format!("{canary},1.50,EUR,2026-01-15T10:00:00Z,{canary},completed")]);
    let of = |headers: &[&str]| body("b", &[part(headers, &file)]);
    let named = |name: &str| of(&[&format!("Content-Disposition: form-data; name=\"{name}\"")]);
    let boundary = format!("multipart/form-data; boundary={canary}");
    let long = format!("multipart/form-data; boundary={}", canary.repeat(4));
    let twice = format!("multipart/form-data; boundary=b; boundary={canary}");
    let (plain, gzip) =
        (format!("application/{canary}"), [("content-type", TYPE), ("content-encoding", canary.as_str())]);
    let control_total = |name: &str, value: &str| {
        body(
            "b",
            &[part(&[&format!("Content-Disposition: form-data; name=\"{name}\"")], value.as_bytes()), file_part(&file)],
        )
    };
    let header = format!("X-Note: {}", canary.repeat(500));
    for (headers, body, code) in [
        (vec![("content-type", TYPE)], named(&canary), "part_unexpected"),
        (
            vec![("content-type", TYPE)],
            of(&[&format!("Content-Disposition: form-data; filename=\"{canary}\"")]),
            "part_unexpected",
        ),
        (
            vec![("content-type", TYPE)],
            of(&["Content-Disposition: form-data; name=\"file\"", &canary]),
            "multipart_malformed",
        ),
        (
            vec![("content-type", TYPE)],
            of(&["Content-Disposition: form-data; name=\"file\"", &header]),
            "part_headers_too_large",
        ),
        (vec![("content-type", TYPE)], file.clone(), "multipart_incomplete"),
        (vec![("content-type", TYPE)], control_total("expected_rows", &canary), "expected_rows_malformed"),
        (
            vec![("content-type", TYPE)],
            control_total("expected_totals", &format!("{{\"{canary}\": 1}}")),
            "expected_totals_malformed",
        ),
        (vec![("content-type", boundary.as_str())], named("file"), "multipart_incomplete"),
        (vec![("content-type", long.as_str())], named("file"), "boundary_too_long"),
        (vec![("content-type", twice.as_str())], named("file"), "boundary_repeated"),
        (vec![("content-type", plain.as_str())], file.clone(), "content_type_unsupported"),
        (gzip.to_vec(), named("file"), "content_encoding_unsupported"),
        (vec![("content-type", TYPE)], body("b", &[file_part(canary.repeat(210_000).as_bytes())]), "file_too_large"),
    ] {
        planting.send("/upload", &headers, body, code).await;
    }
    let (key, id) = (planting.bank.key.clone(), "0123456789abcdef0123456789abcdef");
    let query = planting.watch.stray("a query that is rejected");
    planting
        .send(&format!("/upload?dry_run={query}"), &[("content-type", TYPE)], named("file"), "query_malformed")
        .await;
    for (path, code) in [
        (format!("/days/{query}"), "day_malformed"),
        (format!("/days/2026-01-15?partner={query}"), "query_malformed"),
        (format!("/files/{id}/correctable?rows={query}"), "query_malformed"),
        (format!("/files/{query}/correctable"), "file_not_found"),
        (format!("/files/{id}?token={query}"), "file_not_found"),
        (format!("/files/{query}?token={query}"), "file_not_found"),
        (format!("/{query}"), "route_not_found"),
    ] {
        planting.get(&path, Some(&key), code).await;
    }
}

/// Invalid keys, and requests for files of others.
async fn send_from_strangers(planting: &mut Planting<'_>, file: &ApiResponse) {
    let cloud = planting.bank.cloud;
    let wrong = format!("{}.{}", planting.bank.partner, planting.watch.stray("the secret of a wrong key"));
    let valid = body("b", &[file_part(b"")]);
    for key in [wrong.as_str(), &wrong.replace('.', ""), ""] {
        planting.send("/upload", &[("x-api-key", key), ("content-type", TYPE)], valid.clone(), "api_key_invalid").await;
    }
    let other = cloud.partner().await;
    planting.watch.canaries.plant(Kind::Secret, "another partner's key", secret_of(&other.key));
    let (id, path) = (file.text("file_id"), file.text("status_path"));
    planting.get(&format!("/files/{id}/correctable"), Some(&other.key), "file_not_found").await;
    let wrong = planting.watch.stray("a wrong token");
    let (route, token) = path.split_once("token=").unwrap();
    for wrong in [wrong.as_str(), &token[..31], &format!("{token}0"), ""] {
        planting.get(&format!("{route}token={wrong}"), Some(&other.key), "file_not_found").await;
    }
}

/// Requests to create an upload that are rejected, and one that is accepted, put and processed.
async fn upload_creations(planting: &mut Planting<'_>) {
    let cloud = planting.bank.cloud;
    let canary = planting.watch.content("a request to create an upload");
    let digest = files::digest(canary.as_bytes());
    for (member, code) in [
        (format!("\"{canary}\": 1"), "member_unexpected"),
        (format!("\"expected_totals\": {{\"{canary}\": \"1\"}}"), "expected_totals_malformed"),
        (format!("\"expected_rows\": \"{canary}\""), "expected_rows_malformed"),
        (format!("\"size\": \"{canary}\""), "json_malformed"),
    ] {
        let text = format!("{{\"size\": 1, \"sha256\": \"{}\", {member}}}", digest.as_str());
        let response = planting.bank.create_upload_with_body("/uploads", Some("application/json"), text).await;
        assert!([code, "body_invalid"].contains(&response.error()), "{code}: {}", response.body);
        planting.watch.see_response(code, &response);
    }
    let file = files::file(&[format!("{canary},1.50,EUR,2026-01-15T10:00:00Z,{canary},done")]);
    let response = planting.bank.create_upload(&file).await.accepted();
    planting.watch.see_response("POST /uploads", &response);
    assert_eq!(presigned_uploads::put(cloud, &response.body["upload"], &file).await.0, 200);
    let dead_letter = cloud.rejected_with(response.text("s3_key"), "InvalidCsv").await;
    planting.watch.see(Location::Outcome, "a presigned file", dead_letter.to_string());
    planting.watch.logged.push(response.text("file_id").to_owned());
    follow_rejected(planting, &response).await;
}

/// An invalid file that a partner puts into the bucket, and the output of its workflow.
async fn the_bucket(planting: &mut Planting<'_>) {
    let cloud = planting.bank.cloud;
    let canary = planting.watch.content("a file in the bucket");
    let partner = cloud.stack.bucket_partners[0].as_str();
    let subscriber = cloud.subscribe(json!({"partner": [partner], "status": ["validation_failed"]})).await;
    let file = files::file(&[format!("{canary},{canary},EUR,2026-01-15T10:00:00Z,{canary},completed,{canary}")]);
    let key = format!("incoming/{partner}/{}.csv", unique());
    cloud.put_object(&key, &file, &[("note", planting.watch.stray("metadata of an object"))]).await;
    let dead_letter = cloud.rejected_with(&key, "InvalidCsv").await;
    planting.watch.see(Location::Outcome, &key, dead_letter.to_string());
    let arn = dead_letter["execution"].as_str().unwrap();
    let execution = cloud.step_functions().describe_execution().execution_arn(arn).send().await.unwrap();
    planting.watch.see(Location::Outcome, arn, format!("{execution:?}"));
    let id = file_id(partner, &file);
    let notification = subscriber.next_of_file(&id).await;
    planting.watch.see(Location::Notification, &key, format!("{notification:?}"));
    planting.watch.logged.push(id);
}

/// Malformed events and steps: an unreadable payload must not be repeated.
async fn malformed_events(planting: &mut Planting<'_>) {
    let canary = planting.watch.content("a malformed event");
    let secret = planting.watch.stray("the key in a malformed request");
    let mut request: Value = serde_json::from_str(&text_of("events/upload.json")).unwrap();
    request["body"] = json!(format!("{canary}!"));
    request["isBase64Encoded"] = json!(true);
    request["headers"]["x-api-key"] = json!(format!("acme.{secret}"));
    request["multiValueHeaders"]["x-api-key"] = json!([format!("acme.{secret}")]);
    planting.invoke("csv-validator", &request).await;
    request["headers"]["x-api-key"] = json!(format!("acme.{secret}\u{7f}"));
    planting.invoke("csv-validator", &request).await;
    request["headers"] = json!([canary]);
    planting.invoke("csv-validator", &request).await;
    for function in FUNCTIONS {
        for event in
            [json!({ &*canary: 1 }), json!(canary), json!({"file": canary}), json!({"event": {"detail": canary}})]
        {
            planting.invoke(function, &event).await;
        }
    }
    // A range that does not begin where a record does: the step fails within a record.
    let file = files::file(&[format!("{canary},1.50,EUR,2026-01-15T10:00:00Z,{canary},completed")]);
    let (response, row) = planting.bank.upload_and_complete(&file).await;
    planting.watch.see_response("POST /upload", &response);
    let range =
        json!({"index": 0, "start": HEADER.len() + 8, "end": file.len() - 3, "first_record": 1, "first_line": 2});
    planting.invoke("data-transformer", &json!({"file": task_of(&row), "range": range})).await;
    planting.watch.logged.push(response.text("file_id").to_owned());
}

#[tokio::test]
async fn no_log_response_message_or_queue_has_private_file_data() {
    let cloud = Cloud::open().await;
    let mut planting = Planting::begin(&cloud).await;
    let subscriber = cloud.subscribe(json!({"partner": [planting.bank.partner]})).await;
    good_files(&mut planting, &subscriber).await;
    bad_files(&mut planting).await;
    malformed_requests(&mut planting).await;
    upload_creations(&mut planting).await;
    the_bucket(&mut planting).await;
    malformed_events(&mut planting).await;
    let rejected = planting
        .send_file("/upload", &files::file(&["T1,x,EUR,2026-01-15T10:00:00Z,Shop,completed"]), "invalid_csv")
        .await;
    send_from_strangers(&mut planting, &rejected).await;
    planting.watch.end().await;
}

#[tokio::test]
async fn errors_of_a_store_that_quotes_requests_disclose_nothing() {
    let _turn = faults::TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let mut planting = Planting::begin(&cloud).await;
    let store = FaultyStore::open(&cloud).await;
    store.serve_function(&cloud, "csv-validator").await;
    let canary = planting.watch.content("a file that could not be stored");
    let file = files::file(&[format!("{canary},1.50,EUR,2026-01-15T10:00:00Z,{canary},completed")]);
    for fault in [Fault::Always("UpdateItem"), Fault::Quoting("UpdateItem")] {
        store.fail(fault);
        planting.send_file("/upload", &file, "service_unavailable").await;
    }
    store.fail(Fault::None);
    let response = planting.send_file("/upload", &file, "").await;
    cloud.ended(response.text("file_id"), 1).await;
    for fault in [Fault::Always("GetItem"), Fault::Quoting("GetItem")] {
        store.fail(fault);
        planting.get(response.text("status_path"), None, "service_unavailable").await;
    }
    store.fail(Fault::None);

    store.serve_function(&cloud, "data-transformer").await;
    for fault in [Fault::Always("PutItem"), Fault::Quoting("PutItem")] {
        store.fail(fault);
        let canary = planting.watch.content("a file whose rows could not be stored");
        let file = files::file(&[format!("{canary},1.50,EUR,2026-01-15T10:00:00Z,{canary},completed")]);
        let response = planting.send_file("/upload", &file, "").await;
        let dead_letter = cloud.dead_letter(response.text("s3_key")).await;
        planting.watch.see(Location::DeadLetter, "a file that failed", dead_letter.to_string());
        planting.get(response.text("status_path"), None, "").await;
    }
    store.fail(Fault::None);
    planting.watch.end().await;
}

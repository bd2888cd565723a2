//! The files of a day, for a partner and for an operator.

use crate::simulators::failing_services::{Fault, FaultyStore};
use crate::support::cloud::{Cloud, unique};
use crate::support::files::{self, record, record_of};
use crate::support::upload::{ApiResponse, Uploader, number};
use crate::system::faults::TURN;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The gateway waits for 29 seconds, and the function ends itself after 25. On this table, which is slower than the
/// real one, a day of many files must take half of that at most.
const DAY_SECONDS_MAX: u64 = 12;
const MANY_FILES: usize = 10_000;

impl Cloud {
    /// An operator with its key.
    pub(crate) async fn operator(&self) -> Uploader<'_> {
        self.partner_named("operator", &self.stack.usage_plan_id).await
    }
}

impl Uploader<'_> {
    /// `GET /days/{day}`, with a query or without.
    pub(crate) async fn day(&self, day: &str) -> ApiResponse {
        self.cloud.request(reqwest::Method::GET, &format!("/days/{day}"), Some(&self.key)).await
    }
}

/// The UTC day on which a file was received.
pub(crate) async fn day_of(cloud: &Cloud, file_id: &str) -> String {
    cloud.status_row(file_id).await.unwrap()["day"].as_str().unwrap().to_owned()
}

/// The part of a response about one partner.
pub(crate) fn of_partner<'a>(response: &'a Value, partner: &str) -> &'a Value {
    let partners = response["partners"].as_array().unwrap();
    partners.iter().find(|counted| counted["partner"] == partner).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_partner_sees_its_own_day_in_arrival_order() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let (good, row) = bank.upload_and_complete(&files::file(&[record_of("T1", "1.50"), record_of("T2", "2.25")])).await;
    let bad = bank.upload(&files::file(&[record("T3").replace("USD", "usd")])).await;
    assert_eq!(bad.status, 400, "{}", bad.body);
    let created = bank.create_upload(&files::file(&[record("T4")])).await.accepted();
    let day = day_of(&cloud, good.text("file_id")).await;
    let seen = bank.day(&day).await.accepted().body;
    let files = seen["files"].as_array().unwrap();
    let last = files[1]["received_at"].as_str().unwrap();
    let counted = json!({
        "partner": bank.partner, "received": 2, "completed": 1, "rejected": 1, "failed": 0, "in_progress": 0,
        "awaiting_upload": 1, "upload_expired": 0, "rows": 2, "rows_superseded": 0, "totals": {"USD": "3.75"},
        "last_received_at": last, "expected": null, "missing": 0,
    });
    assert_eq!((&seen["day"], &seen["partners"]), (&json!(day), &json!([counted])), "{seen}");
    assert_eq!(seen["files_truncated"], false);
    let listed: Vec<_> = files.iter().map(|file| (file["file_id"].clone(), file["status"].as_str().unwrap())).collect();
    let expected = [(&good, "completed"), (&bad, "validation_failed"), (&created, "awaiting_upload")];
    assert_eq!(listed, expected.map(|(response, status)| (response.body["file_id"].clone(), status)), "{seen}");
    let first = json!({
        "file_id": good.body["file_id"], "partner": bank.partner, "received_at": row["timestamp"], "status": "completed",
        "attempt": 1, "row_count": 2, "error_count": 0, "totals": {"USD": "3.75"}, "rows_superseded": 0,
        "rows_replaced": 0, "status_path": good.body["status_path"],
    });
    assert_eq!(files[0], first);
    assert_eq!((&files[1]["row_count"], &files[1]["error_count"]), (&json!(1), &json!(1)), "{seen}");
    assert_eq!((&files[2]["row_count"], &files[2]["totals"]), (&Value::Null, &json!({})), "{seen}");
    cloud.get(files[1]["status_path"].as_str().unwrap()).await.accepted();
    let other_day = bank.day("2001-02-03").await.accepted().body;
    assert_eq!(of_partner(&other_day, &bank.partner)["received"], 0, "{other_day}");
    assert_eq!(
        (&other_day["files"], &of_partner(&other_day, &bank.partner)["last_received_at"]),
        (&json!([]), &Value::Null)
    );
}

#[tokio::test]
async fn lists_a_file_that_a_busy_table_left_unprocessed() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let bank = cloud.partner().await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        let created = bank.create_upload(&files::file(&[record(&format!("T{number}"))])).await.accepted();
        ids.push(created.body["file_id"].clone());
    }
    let day = day_of(&cloud, ids[0].as_str().unwrap()).await;
    if day_of(&cloud, ids[2].as_str().unwrap()).await != day {
        println!("It is midnight: the files may be on two days.");
        return;
    }
    let store = FaultyStore::open(&cloud).await;
    store.serve_function(&cloud, "csv-validator").await;
    store.fail(Fault::InPart("BatchGetItem"));
    let seen = bank.day(&day).await.accepted().body;
    let listed: Vec<_> = seen["files"].as_array().unwrap().iter().map(|file| file["file_id"].clone()).collect();
    assert_eq!(listed, ids, "{seen}");
}

#[tokio::test]
async fn a_partner_sees_only_itself_and_an_operator_sees_all() {
    let cloud = Cloud::open().await;
    let (one, other, operator) = (cloud.partner().await, cloud.partner().await, cloud.operator().await);
    let (of_one, _) = one.upload_and_complete(&files::file(&[record("T1")])).await;
    let (of_other, _) = other.upload_and_complete(&files::file(&[record("T1"), record("T2")])).await;
    let day = day_of(&cloud, of_one.text("file_id")).await;
    assert_eq!(day_of(&cloud, of_other.text("file_id")).await, day, "no test begins at midnight");
    for (seer, own, hidden) in [(&one, &of_one, &other), (&other, &of_other, &one)] {
        for query in [String::new(), format!("?partner={}", seer.partner)] {
            let seen = seer.day(&format!("{day}{query}")).await.accepted().body;
            assert_eq!(seen["partners"].as_array().unwrap().len(), 1, "{seen}");
            assert_eq!(seen["files"][0]["file_id"], own.body["file_id"], "{seen}");
            assert!(!seen.to_string().contains(&hidden.partner), "{seen}");
        }
        let rejected = seer.day(&format!("{day}?partner={}", hidden.partner)).await;
        rejected.assert_rejected(400, "query_malformed");
        assert!(!rejected.body.to_string().contains(&hidden.partner), "{}", rejected.body);
    }

    let all = operator.day(&day).await.accepted().body;
    assert_eq!((&all["files"], &all["files_truncated"]), (&Value::Null, &json!(false)));
    for (bank, rows) in [(&one, 1), (&other, 2)] {
        let counted = of_partner(&all, &bank.partner);
        assert_eq!((&counted["completed"], &counted["rows"]), (&json!(1), &json!(rows)), "{counted}");
        let requested = operator.day(&format!("{day}?partner={}", bank.partner)).await.accepted().body;
        assert_eq!(requested, bank.day(&day).await.accepted().body);
    }
    let names: Vec<&str> =
        all["partners"].as_array().unwrap().iter().map(|counted| counted["partner"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && !names.contains(&"operator"), "{names:?}");
    let nobody = operator.day(&format!("{day}?partner=nobody-{}", unique())).await.accepted().body;
    assert_eq!((&nobody["partners"][0]["received"], &nobody["files"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn an_operator_cannot_upload() {
    let cloud = Cloud::open().await;
    let operator = cloud.operator().await;
    let file = files::file(&[record("T1")]);
    operator.upload(&file).await.assert_rejected(403, "operator_cannot_upload");
    operator.create_upload(&file).await.assert_rejected(403, "operator_cannot_upload");
    // A key whose name begins like an operator's is not an operator's.
    let nearly = cloud.partner_named("operator-2", &cloud.stack.usage_plan_id).await;
    let day = nearly.day("2001-02-03").await.accepted().body;
    assert_eq!(day["partners"].as_array().unwrap().len(), 1, "{day}");
}

#[tokio::test]
async fn rejects_a_malformed_day_or_a_missing_key() {
    let cloud = Cloud::open().await;
    let (bank, operator) = (cloud.partner().await, cloud.operator().await);
    for day in
        ["today", "2026-1-15", "2026-02-30", "0000-01-01", "2026-01-15T00:00:00Z", "20260115", "%20", "2026%2D01%2D1"]
    {
        bank.day(day).await.assert_rejected(400, "day_malformed");
    }
    for query in
        ["partner=", "partner=Acme", "partner=a%2Fb", "partner=operator", "partners=acme", "partner=a&partner=b"]
    {
        operator.day(&format!("2026-01-15?{query}")).await.assert_rejected(400, "query_malformed");
        bank.day(&format!("2026-01-15?{query}")).await.assert_rejected(400, "query_malformed");
    }
    let get = async |key| cloud.request(reqwest::Method::GET, "/days/2026-01-15", key).await;
    get(None).await.assert_rejected(403, "api_key_invalid");
    get(Some("operator.0123456789abcdef0123456789abcdef")).await.assert_rejected(403, "api_key_invalid");
    assert_eq!(bank.day("9999-12-31").await.status, 200);
    assert_eq!(bank.day("0001-01-01").await.status, 200);
}

#[tokio::test]
async fn a_day_shows_expected_and_received_files() {
    let cloud = Cloud::open().await;
    let operator = cloud.operator().await;
    // A day in the past, on which nobody sent anything.
    let all = operator.day("2002-02-02").await.accepted().body;
    let silent = of_partner(&all, "silent-bank");
    assert_eq!(
        (&silent["expected"], &silent["missing"], &silent["received"]),
        (&json!(3), &json!(3), &json!(0)),
        "{all}"
    );
    assert!(all.get("schedule_errors").is_none(), "{all}");
    let one = operator.day("2002-02-02?partner=silent-bank").await.accepted().body;
    assert_eq!(&one["partners"][0], silent);
}

fn item_of(partner: &str, day: &str, number: usize) -> HashMap<String, AttributeValue> {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let count = |value: usize| AttributeValue::N(value.to_string());
    let entry =
        json!({"status": "completed", "at": "", "attempt": 1, "message": "as long as a real one, several times"});
    let history = (0..6).map(|_| text(&entry.to_string())).collect();
    let second = number * 86_400 / MANY_FILES;
    let time = format!("{:02}:{:02}:{:02}.{:03}", second / 3600, second / 60 % 60, second % 60, number % 1000);
    HashMap::from([
        ("file_id".to_owned(), text(&format!("{}{}", unique(), unique()))),
        ("partner".to_owned(), text(partner)),
        ("day".to_owned(), text(day)),
        ("timestamp".to_owned(), text(&format!("{day}T{time}Z"))),
        ("status".to_owned(), text("completed")),
        ("attempt".to_owned(), count(1)),
        ("rows".to_owned(), count(number)),
        ("totals".to_owned(), AttributeValue::M(HashMap::from([("EUR".to_owned(), text(&format!("{number}.10")))]))),
        ("token".to_owned(), text(&unique())),
        ("history".to_owned(), AttributeValue::L(history)),
    ])
}

/// Writes files of a day into the table, as if they had been received.
async fn put_many(cloud: &Cloud, items: Vec<HashMap<String, AttributeValue>>) {
    let table = &cloud.stack.status_table;
    let put = |item: &HashMap<String, AttributeValue>| {
        let put = PutRequest::builder().set_item(Some(item.clone())).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let writes = items.chunks(25).map(|chunk| {
        let requests = chunk.iter().map(put).collect();
        cloud.dynamodb().batch_write_item().request_items(table, requests).send()
    });
    let responses: Vec<_> = stream::iter(writes).buffer_unordered(4).collect().await;
    let left =
        |response: aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemOutput| response.unprocessed_items;
    assert!(responses.into_iter().all(|response| left(response.unwrap()).is_none_or(|left| left.is_empty())));
}

#[tokio::test]
async fn returns_a_day_of_ten_thousand_files_in_time() {
    let cloud = Cloud::open().await;
    let operator = cloud.operator().await;
    let (large, small) = (format!("bank-{}", unique()), format!("bank-{}", unique()));
    let day = "2003-03-03";
    let of = |number| if number % 10 == 0 { &small } else { &large };
    put_many(&cloud, (0..MANY_FILES).map(|number| item_of(of(number), day, number)).collect()).await;

    let began = Instant::now();
    let all = operator.day(day).await.accepted().body;
    let took = began.elapsed();
    println!("a day of {MANY_FILES} files: {} ms", took.as_millis());
    assert!(took < Duration::from_secs(DAY_SECONDS_MAX), "{took:?}");
    let (of_large, of_small) = (of_partner(&all, &large), of_partner(&all, &small));
    assert_eq!((number(&of_large["completed"]), number(&of_small["completed"])), (9_000, 1_000));
    assert_eq!(number(&of_large["rows"]) + number(&of_small["rows"]), 10_000 * 9_999 / 2);
    assert_eq!(of_small["totals"], json!({"EUR": "4995100.00"}));

    let seen = operator.day(&format!("{day}?partner={large}")).await.accepted().body;
    assert_eq!((seen["files"].as_array().unwrap().len(), &seen["files_truncated"]), (1_000, &json!(true)));
    assert_eq!(&seen["partners"][0], of_large, "all are counted, however many are listed");
    let seen = operator.day(&format!("{day}?partner={small}")).await.accepted().body;
    let times: Vec<&str> =
        seen["files"].as_array().unwrap().iter().map(|file| file["received_at"].as_str().unwrap()).collect();
    assert!(times.len() == 1_000 && times.is_sorted() && seen["files_truncated"] == false);
}

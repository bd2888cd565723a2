//! Payments while the table or the bus fails in part, or another process is faster: they are still published, assessed
//! and archived once. Each test has its stack to itself.

use crate::simulators::failing_services::{BUCKET, BUS, Fault, FaultyStore};
use crate::support::archiver::{Archive, days_ago, done, is_tombstone, lines_of, number};
use crate::support::cloud::{Cloud, now_ms};
use crate::system::faults::TURN;
use futures::future::join;
use serde_json::{Value, json};

fn id(payment: &Value) -> &str {
    payment["transaction_id"].as_str().unwrap()
}

#[tokio::test]
async fn the_next_delivery_publishes_an_event_the_bus_rejected() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let bus = FaultyStore::open(&cloud).await;
    bus.serve_function_as(&cloud, "webhook-validator", BUS).await;
    let provider = cloud.provider();
    let payment = provider.payment("1000", "EUR");
    let listener = cloud.listen(id(&payment)).await;
    bus.fail(Fault::InPart("PutEvents"));

    let response = provider.send(&payment).await;
    assert_eq!(response.status, 503, "{}", response.body);
    let item = provider.item(&payment).await.unwrap();
    assert!(item["published_at_ms"].is_null(), "{item}");
    provider.send(&payment).await.accepted();
    assert_eq!(listener.next().await["detail"]["transaction_id"], id(&payment));
    assert!(provider.item(&payment).await.unwrap()["published_at_ms"].is_string());
}

#[tokio::test]
async fn a_late_analysis_does_not_replace_the_current_one() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let store = FaultyStore::open(&cloud).await;
    store.serve_function(&cloud, "fraud-detector").await;
    let provider = cloud.provider();
    let payment = provider.payment("20000", "EUR");
    provider.put(&payment, now_ms()).await;
    store.fail(Fault::Held("UpdateItem"));

    let task = json!({"transaction_id": id(&payment), "provider": provider.name});
    let slow = cloud.invoke("fraud-detector", &task);
    let fast = async {
        // The other process has read that the payment has no analysis, and is held before it writes its own.
        store.called().await;
        let assessed = cloud.invoke("fraud-detector", &task).await.unwrap();
        let item = provider.item(&payment).await.unwrap();
        store.fail(Fault::None);
        (assessed, item)
    };
    let (slow, (fast, item)) = join(slow, fast).await;
    assert_eq!(fast["outcome"], "assessed", "{fast}");
    assert_eq!(slow.unwrap(), fast);
    assert_eq!(provider.item(&payment).await.unwrap(), item, "the first analysis is kept, with its time");
}

#[tokio::test]
async fn an_assessed_payment_counts_as_published() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let provider = cloud.provider();
    let payment = provider.payment("20000", "EUR");
    provider.put_unfinished(&payment).await;
    let task = json!({"transaction_id": id(&payment), "provider": provider.name});
    cloud.invoke("fraud-detector", &task).await.unwrap();
    let item = provider.item(&payment).await.unwrap();
    assert!(item["analyzed_at_ms"].is_string() && item["published_at_ms"] == item["analyzed_at_ms"], "{item}");
    assert!(item["publishing_until_ms"].is_null() && item["unfinished"].is_null(), "{item}");
    assert_eq!(provider.send(&payment).await.accepted().body["duplicate"], true, "nothing is left to publish");
}

#[tokio::test]
async fn a_row_changed_during_archival_is_left_for_the_next_run() {
    let archive = Archive::open().await;
    let store = FaultyStore::open(&archive.cloud).await;
    store.serve_function(&archive.cloud, "transaction-archival").await;
    let provider = archive.cloud.provider();
    let payment = provider.payment("20000", "EUR");
    provider.put(&payment, days_ago(2)).await;
    store.fail(Fault::Held("PutItem"));

    let change = async {
        // The row was read and its object stored; writing its tombstone is held.
        store.called().await;
        let mut row = archive.row(&provider, id(&payment)).await.unwrap();
        row.insert("alerted_at_ms".to_owned(), number(now_ms()));
        archive.put(row.clone()).await;
        store.fail(Fault::None);
        row
    };
    let (first, changed) = join(archive.run(), change).await;
    let first = first.unwrap();
    assert_eq!((&first["archived"], &first["left_changed"]), (&json!(0), &json!(1)), "{first}");
    assert_eq!(archive.row(&provider, id(&payment)).await, Some(changed));
    assert_eq!(archive.run().await.unwrap(), done(1, 1, 0));
    assert!(is_tombstone(&archive.row(&provider, id(&payment)).await.unwrap()));
    assert_eq!(lines_of(&archive.objects().await, id(&payment)).len(), 2, "before and after the change");
}

#[tokio::test]
async fn unprocessed_rows_are_archived_by_the_same_run() {
    let archive = Archive::open().await;
    let store = FaultyStore::open(&archive.cloud).await;
    store.serve_function(&archive.cloud, "transaction-archival").await;
    let provider = archive.cloud.provider();
    for _ in 0..5 {
        provider.put(&provider.payment("20", "EUR"), days_ago(2)).await;
    }
    store.fail(Fault::InPart("BatchGetItem"));
    assert_eq!(archive.run().await.unwrap(), done(5, 1, 0));
}

#[tokio::test]
async fn a_pending_object_that_was_not_stored_is_left_empty() {
    let archive = Archive::open().await;
    let bucket = FaultyStore::open(&archive.cloud).await;
    bucket.serve_function_as(&archive.cloud, "transaction-archival", BUCKET).await;
    let provider = archive.cloud.provider();
    let payment = provider.payment("20", "EUR");
    provider.put(&payment, days_ago(2)).await;
    let empty_ones = async || archive.objects().await.values().filter(|lines| lines.is_empty()).count();
    let before = empty_ones().await;

    bucket.fail(Fault::Always("PUT"));
    let error = archive.run().await.unwrap_err();
    assert_eq!(error["errorType"], "StoreUnavailable", "{error}");
    assert!(archive.is_object_pending().await);
    bucket.fail(Fault::None);
    // The run that recorded the object may still send it. If it does, the key is already in use.
    assert_eq!(archive.run().await.unwrap(), done(1, 1, 0));
    assert_eq!(empty_ones().await, before + 1);
    assert_eq!(lines_of(&archive.objects().await, id(&payment)).len(), 1);
}

#[tokio::test]
async fn settles_a_pending_object_with_a_retired_currency() {
    let archive = Archive::open().await;
    let store = FaultyStore::open(&archive.cloud).await;
    store.serve_function(&archive.cloud, "transaction-archival").await;
    let provider = archive.cloud.provider();
    let payment = provider.payment("20.5", "EUR");
    provider.put_retired(&payment, days_ago(6)).await;
    // The object is stored, and its row is not replaced.
    store.fail(Fault::Always("PutItem"));
    let error = archive.run().await.unwrap_err();
    assert_eq!(error["errorType"], "StoreUnavailable", "{error}");
    assert!(archive.is_object_pending().await);
    store.fail(Fault::None);
    assert_eq!(archive.run().await.unwrap(), done(1, 0, 0));
    assert!(!archive.is_object_pending().await);

    assert!(is_tombstone(&archive.row(&provider, id(&payment)).await.unwrap()));
    let objects = archive.objects().await;
    let [(_, line)] = lines_of(&objects, id(&payment))[..] else { panic!("{payment}") };
    assert_eq!((line.currency.code(), line.amount.to_string().as_str()), ("HRK", "20.5"));
}

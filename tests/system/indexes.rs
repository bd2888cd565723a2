//! Range queries on both indexes, as an analyst runs them.

use crate::support::cloud::{Cloud, now_ms};
use crate::support::files::{self, record};
use crate::support::upload::plain;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{DayShards, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// The rows of one partition of a `timestamp-index` whose timestamps lie between the two, both included.
async fn between(cloud: &Cloud, table: &str, key: &str, partition: &str, from: &str, to: &str) -> Vec<Value> {
    let query = cloud.dynamodb().query().table_name(table).index_name("timestamp-index");
    let pages = query
        .key_condition_expression("#key = :partition AND #timestamp BETWEEN :from AND :to")
        .expression_attribute_names("#key", key)
        .expression_attribute_names("#timestamp", "timestamp")
        .expression_attribute_values(":partition", text(partition))
        .expression_attribute_values(":from", text(from))
        .expression_attribute_values(":to", text(to))
        .into_paginator()
        .items()
        .send();
    pages.collect::<Result<Vec<_>, _>>().await.unwrap().iter().map(plain).collect()
}

#[tokio::test]
async fn finds_transactions_by_day_and_by_hour() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    // Every quarter of an hour of one day, and the moments beside it.
    let of_day = |minutes: u64| {
        let at = 1_736_899_200 + i64::try_from(minutes).unwrap() * 60; // 2025-01-15T00:00:00Z
        Timestamp::from_unix(at, 0).unwrap().to_string()
    };
    let mut times: Vec<String> = (0..96).map(|quarter| of_day(quarter * 15)).collect();
    times.push("2025-01-14T23:59:59.999999999Z".to_owned());
    times.push("2025-01-15T23:59:59.999999999Z".to_owned());
    times.push("2025-01-16T00:00:00Z".to_owned());
    times.push("2025-01-16T00:30:00+01:00".to_owned()); // still the 15th in UTC
    let records: Vec<String> = (0..)
        .zip(&times)
        .map(|(number, time)| record(&format!("T{number}")).replace("2026-01-15T10:00:00Z", time))
        .collect();
    bank.upload_and_complete(&files::file(&records)).await;

    // A query for everything reads all shards of the day. The rows of this test are in these.
    let noon = Timestamp::parse(b"2025-01-15T12:00:00Z").unwrap();
    let shards: BTreeSet<String> =
        (0..times.len()).map(|number| DayShards::TRANSACTIONS.of(noon, &format!("T{number}"))).collect();
    assert!(shards.len() > 50, "a day is spread over its shards, here over {shards:?}");
    let table = &cloud.stack.transactions_table;
    let found = async |from: &str, to: &str| {
        let mut rows = Vec::new();
        for shard in &shards {
            rows.extend(between(&cloud, table, "day_shard", shard, from, to).await);
        }
        rows.retain(|row| row["partner"] == bank.partner.as_str());
        rows
    };
    let day = found("2025-01-15T00:00:00.000000000Z", "2025-01-15T23:59:59.999999999Z").await;
    assert_eq!(day.len(), 98, "all of 15 January alone");
    assert!(day.iter().all(|row| row["merchant"] == "Corner Café"), "the index has the whole row");
    let hour = found("2025-01-15T10:00:00.000000000Z", "2025-01-15T11:00:00.000000000Z").await;
    assert_eq!(hour.len(), 5, "an hour, both ends included");
    let instant = found("2025-01-15T23:30:00.000000000Z", "2025-01-15T23:30:00.000000000Z").await;
    assert_eq!(instant.len(), 2, "the same instant, whatever offset it was written with");
}

#[tokio::test]
async fn finds_files_by_time_of_arrival() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let instant = |ms: u64| Timestamp::from_unix_milliseconds(ms);
    let before = instant(now_ms());
    let (response, _) = bank.upload_and_complete(&files::file(&[record("T1")])).await;
    let after = instant(now_ms());
    let found = async |from: Timestamp, to: Timestamp| {
        let mut ids = Vec::new();
        // The test may run at midnight.
        let days = BTreeSet::from([from.day(), to.day()]);
        for day in days {
            let (from, to) = (from.to_milliseconds_text(), to.to_milliseconds_text());
            let rows = between(&cloud, &cloud.stack.status_table, "day", &day, &from, &to).await;
            assert!(rows.iter().all(|row| row["history"].is_null()), "the index has keys only");
            ids.extend(rows.into_iter().map(|row| row["file_id"].as_str().unwrap().to_owned()));
        }
        ids.iter().any(|id| id == response.text("file_id"))
    };
    assert!(found(before, after).await, "the file of the last moments");
    assert!(found(instant(now_ms() - 3_600_000), after).await, "the last hour");
    let hour_before = instant(now_ms() - 7_200_000);
    assert!(!found(hour_before, instant(now_ms() - 3_600_000)).await, "the hour before");
}

//! The nightly archival of payments: no payment is lost and none is archived twice, whatever fails.

use crate::support::archiver::{Archive, DAY_MS, Row, arrive_at, days_ago, done, is_tombstone, lines_of, number, text};
use crate::support::cloud::{eventually, now_ms, unique};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::limits::TOMBSTONE_MILLISECONDS;
use domain::payments::archive::{ArchivedPayment, records};
use domain::payments::webhook::AmountBand;
use domain::{ContentDigest, Day, Money};
use flate2::read::GzDecoder;
use futures::future::{Either, join, select};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
use std::pin::pin;

fn id(payment: &Value) -> &str {
    payment["transaction_id"].as_str().unwrap()
}

/// Many payments that were delivered some days ago, by transaction.
struct Payments<'a> {
    archive: &'a Archive,
    rows: BTreeMap<String, Row>,
}

impl<'a> Payments<'a> {
    /// Stores so many payments of these days, as copies of a delivered one with different amounts.
    async fn of(archive: &'a Archive, count: u64, days: &[u64]) -> Self {
        let provider = archive.cloud.provider();
        let delivered = provider.payment("1", "EUR");
        provider.send(&delivered).await.accepted();
        let pattern = archive.row(&provider, id(&delivered)).await.unwrap();
        let mut rows = BTreeMap::new();
        for (index, &day) in (0..count).zip(days.iter().cycle()) {
            let (id, amount) = (format!("{}-{index}", id(&delivered)), exact_amount(index));
            let band = AmountBand::of(Money::parse(amount.as_bytes(), 2).unwrap());
            let mut row = pattern.clone();
            row.extend([
                ("transaction_id".to_owned(), text(&id)),
                ("amount".to_owned(), AttributeValue::N(amount)),
                ("amount_band".to_owned(), text(band.as_str())),
                ("digest".to_owned(), text(ContentDigest::of(id.as_bytes()).as_str())),
            ]);
            arrive_at(&mut row, day + index * (DAY_MS / count));
            rows.insert(id, row);
        }
        archive.put_all(rows.values().cloned().collect()).await;
        Self { archive, rows }
    }

    /// The ids of those that arrived on a day.
    fn of_day(&self, day: u64) -> Vec<&str> {
        let is_of_day = |row: &Row| received_at_ms(row) / DAY_MS == day / DAY_MS;
        self.rows.iter().filter(|(_, row)| is_of_day(row)).map(|(id, _)| id.as_str()).collect()
    }

    /// Checks that each payment is in the table or in the archive. Returns how many are in the table.
    async fn are_accounted_for(&self) -> usize {
        // In this order: a row that left the table before it was read is in the archive by then.
        let rows = self.archive.rows(Some("transaction_id, expires_at_ms")).await;
        let objects = self.archive.objects().await;
        let archived: HashSet<_> = objects.values().flatten().map(|line| line.transaction_id.as_str()).collect();
        let is_current = |id: &str| rows.get(id).is_some_and(|row| !is_tombstone(row));
        let (remaining, others): (Vec<_>, Vec<_>) = self.rows.keys().partition(|id| is_current(id));
        let lost: Vec<_> = others.iter().filter(|id| !archived.contains(id.as_str())).collect();
        assert!(lost.is_empty(), "{} payments are lost: {lost:?}", lost.len());
        remaining.len()
    }

    /// Runs an action and checks meanwhile that each payment is in the table or in the archive.
    async fn watched<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            let watch = pin!(self.are_accounted_for());
            if let Either::Left((done, _)) = select(&mut work, watch).await {
                return done;
            }
        }
    }

    /// Checks that each payment is in the archive once and unchanged, and that the table keeps its tombstone.
    async fn are_archived_once(&self) {
        let objects = self.archive.objects().await;
        let rows = self.archive.rows(None).await;
        let mut lines: HashMap<_, Vec<_>> = HashMap::new();
        for (key, line) in objects.iter().flat_map(|(key, lines)| lines.iter().map(move |line| (key, line))) {
            lines.entry(line.transaction_id.as_str()).or_default().push((key, line));
        }
        for (id, row) in &self.rows {
            let lines = lines.remove(id.as_str()).unwrap_or_default();
            let [(key, line)] = lines[..] else { panic!("{id} has {} lines", lines.len()) };
            let tombstone = &rows[id];
            assert_eq!(line.amount.to_string(), *row["amount"].as_n().unwrap(), "{id}");
            assert_eq!(line.received_at_ms, received_at_ms(row), "{id}");
            assert_eq!(adapters::payment_table::stored(row).unwrap(), *line, "{id}");
            let expires_at_ms: u64 = tombstone["expires_at_ms"].as_n().unwrap().parse().unwrap();
            let days = (expires_at_ms - now_ms()).div_ceil(DAY_MS);
            assert_eq!(days, TOMBSTONE_MILLISECONDS / DAY_MS, "{id}");
            let expected = Row::from([
                ("transaction_id".to_owned(), row["transaction_id"].clone()),
                ("event_key".to_owned(), row["event_key"].clone()),
                ("digest".to_owned(), row["digest"].clone()),
                ("expires_at_ms".to_owned(), number(expires_at_ms)),
                ("removable_from_seconds".to_owned(), number(expires_at_ms.div_ceil(1000))),
                ("archived_to".to_owned(), text(key)),
            ]);
            assert_eq!(*tombstone, expected);
        }
        // The documented rule for reading the archive gives the same result.
        let ours = |line: &ArchivedPayment| self.rows.contains_key(&line.transaction_id);
        assert_eq!(records(objects).into_values().filter(ours).count(), self.rows.len());
    }
}

fn received_at_ms(row: &Row) -> u64 {
    row["received_at_ms"].as_n().unwrap().parse().unwrap()
}

/// Amounts, among them some that a float would not keep, none with a trailing zero.
fn exact_amount(index: u64) -> String {
    match index % 4 {
        0 => format!("{index}.01"),
        1 => format!("9007199254740993{index}.99"),
        2 => format!("999999999999999999999999999999999{:05}", index % 99_999 + 1),
        _ => format!("0.0{}", index % 9 + 1),
    }
}

#[tokio::test]
async fn archives_ten_thousand_payments_once_despite_two_kills() {
    let archive = Archive::open().await;
    let days = [4, 3, 2].map(days_ago);
    let payments = Payments::of(&archive, 10_000, &days).await;
    assert_eq!(payments.are_accounted_for().await, 10_000);
    // Kill one run when an object is pending, stored or not, and one while rows are replaced.
    let is_pending = async || archive.is_object_pending().await.then_some(());
    let error = payments.watched(archive.run_killed_at(is_pending)).await.unwrap_err();
    assert_eq!(error["errorType"], "Runtime.ExitError", "{error}");
    assert!(payments.are_accounted_for().await > 0);
    assert_eq!(archive.run().await.unwrap()["outcome"], "busy", "the lease of the killed run is in effect");
    archive.expire_lease().await;

    let second_day = payments.of_day(days[1]);
    let replaced = async || archive.are_any_replaced(&archive.cloud.provider(), &second_day).await.then_some(());
    let error = payments.watched(archive.run_killed_at(replaced)).await.unwrap_err();
    assert_eq!(error["errorType"], "Runtime.ExitError", "{error}");
    let remaining = payments.are_accounted_for().await;
    assert!((payments.of_day(days[2]).len() + 1..10_000).contains(&remaining), "killed before the end: {remaining}");
    archive.expire_lease().await;

    let last = payments.watched(archive.finish()).await;
    assert_eq!(last["left_changed"], 0, "{last}");
    assert_eq!(payments.are_accounted_for().await, 0);
    payments.are_archived_once().await;
    assert_eq!(archive.run().await.unwrap(), done(0, 0, 0));
}

#[tokio::test]
async fn a_second_run_for_a_day_adds_an_object_and_changes_none() {
    let archive = Archive::open().await;
    let day = days_ago(7);
    let prefix = format!("transactions/{}/", Day::of_milliseconds(day).to_string().replace('-', "/"));
    let first = Payments::of(&archive, 30, &[day]).await;
    assert_eq!(archive.run().await.unwrap(), done(30, 1, 0));
    let before = archive.versions(&prefix).await;
    let second = Payments::of(&archive, 20, &[day]).await;
    assert_eq!(archive.run().await.unwrap(), done(20, 1, 0));
    let after = archive.versions(&prefix).await;
    assert_eq!(after.len(), before.len() + 1, "{after:?}");
    let keys: HashSet<_> = after.iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), after.len(), "each key has one version: {after:?}");
    assert!(before.iter().all(|version| after.contains(version)), "{before:?} {after:?}");
    assert!(after.is_sorted() && after[..before.len()] == before, "the newer object has the greater key: {after:?}");
    first.are_archived_once().await;
    second.are_archived_once().await;
}

#[tokio::test]
async fn unfinished_and_recent_payments_are_not_archived() {
    let archive = Archive::open().await;
    let provider = archive.cloud.provider();
    let [unpublished, young, old] = [(); 3].map(|()| provider.payment("20", "EUR"));
    let mut unrouted = provider.payment("20", "EUR");
    unrouted["type"] = json!("refund.created");
    // The recent payment has some minutes for the whole test.
    let a_day_ago = now_ms() - DAY_MS;
    archive.send_at(&provider, &old, a_day_ago - 1).await;
    archive.send_at(&provider, &young, a_day_ago + 600_000).await;
    archive.send_at(&provider, &unrouted, a_day_ago - 1).await;
    archive.send_at(&provider, &unpublished, a_day_ago - 1).await;
    // The state after the validator was lost before it published.
    let mut row = archive.row(&provider, id(&unpublished)).await.unwrap();
    row.remove("published_at_ms").unwrap();
    row.insert("publishing_until_ms".to_owned(), number(a_day_ago));
    archive.put(row).await;
    let before = [&unpublished, &young].map(|payment| archive.row(&provider, id(payment)));
    let [unpublished_before, young_before] = futures::future::join_all(before).await.try_into().unwrap();

    let response = archive.run().await.unwrap();
    assert_eq!((&response["archived"], &response["left_unpublished"]), (&json!(2), &json!(1)), "{response}");
    for payment in [&old, &unrouted] {
        assert!(is_tombstone(&archive.row_of(&provider, payment).await.unwrap()), "{payment}");
    }
    assert_eq!(archive.row(&provider, id(&young)).await, young_before);
    assert_eq!(archive.row(&provider, id(&unpublished)).await, unpublished_before);
    let objects = archive.objects().await;
    for (payment, lines) in [(&old, 1), (&unrouted, 1), (&young, 0), (&unpublished, 0)] {
        assert_eq!(lines_of(&objects, id(payment)).len(), lines, "{payment}");
    }
    assert_eq!(lines_of(&objects, id(&unrouted))[0].1.published_at_ms, None);

    // The provider's retry publishes it, and the next run archives it.
    let listener = archive.cloud.listen(id(&unpublished)).await;
    provider.send(&unpublished).await.accepted();
    listener.next().await;
    assert_eq!(archive.run().await.unwrap(), done(1, 1, 0));
    assert_eq!(lines_of(&archive.objects().await, id(&unpublished)).len(), 1);
}

#[tokio::test]
async fn each_event_of_a_transaction_is_archived_and_deduplicated() {
    let archive = Archive::open().await;
    let provider = archive.cloud.provider();
    let created = provider.payment("20", "EUR");
    let of_type = |name: &str, amount: &str| {
        let mut event = created.clone();
        event["type"] = json!(name);
        event["amount"] = json!(amount);
        event
    };
    let events = [
        of_type("transaction.updated", "20"),
        created.clone(),
        of_type("refund.created", "20"),
        of_type("transaction.updated", "21"),
    ];
    // All at the same instant.
    let came_at = days_ago(5);
    for event in &events {
        archive.send_at(&provider, event, came_at).await;
    }
    assert_eq!(archive.run().await.unwrap(), done(4, 1, 0));
    let objects = archive.objects().await;
    assert_eq!(lines_of(&objects, id(&created)).len(), 4);
    let ours = |line: &ArchivedPayment| line.transaction_id == id(&created);
    let mut types: Vec<_> = records(objects).into_values().filter(ours).collect();
    types.sort_by_key(|line| (line.event_type.as_str().to_owned(), line.amount));
    let types: Vec<_> = types.iter().map(|line| (line.event_type.as_str(), line.amount.to_string())).collect();
    assert_eq!(
        types,
        [
            ("refund.created", "20".to_owned()),
            ("transaction.created", "20".to_owned()),
            ("transaction.updated", "20".to_owned()),
            ("transaction.updated", "21".to_owned()),
        ]
    );
    for event in &events {
        assert!(is_tombstone(&archive.row_of(&provider, event).await.unwrap()), "{event}");
        assert_eq!(provider.send(event).await.accepted().body["duplicate"], true, "{event}");
    }
    let new = of_type("transaction.updated", "22");
    assert_eq!(provider.send(&new).await.accepted().body["duplicate"], false);
    assert_eq!(provider.send(&of_type("transaction.created", "22")).await.status, 409);
}

#[tokio::test]
async fn archives_a_payment_in_a_retired_currency() {
    let archive = Archive::open().await;
    let provider = archive.cloud.provider();
    let payment = provider.payment("20.5", "EUR");
    provider.put_retired(&payment, days_ago(6)).await;
    assert_eq!(archive.run().await.unwrap(), done(1, 1, 0));
    let objects = archive.objects().await;
    assert!(is_tombstone(&archive.row(&provider, id(&payment)).await.unwrap()));
    let lines = lines_of(&objects, id(&payment));
    let [(_, line)] = lines[..] else { panic!("{lines:?}") };
    assert_eq!((line.currency.code(), line.amount.to_string().as_str()), ("HRK", "20.5"));
}

#[tokio::test]
async fn recognizes_a_retry_of_an_archived_payment_until_it_expires() {
    let archive = Archive::open().await;
    let provider = archive.cloud.provider();
    let payment = provider.payment("20", "EUR");
    let first_at = days_ago(9);
    archive.send_at(&provider, &payment, first_at).await;
    assert_eq!(archive.run().await.unwrap(), done(1, 1, 0));
    let mut tombstone = archive.row(&provider, id(&payment)).await.unwrap();
    assert!(is_tombstone(&tombstone));

    let listener = archive.cloud.listen(id(&payment)).await;
    assert_eq!(provider.send(&payment).await.accepted().body["duplicate"], true);
    let mut other = payment.clone();
    other["amount"] = json!("20.01");
    let response = provider.send(&other).await;
    assert_eq!((response.status, response.error()), (409, "transaction_conflict"), "{}", response.body);
    assert_eq!(archive.row(&provider, id(&payment)).await.as_ref(), Some(&tombstone));
    // The event of a later payment is received, so one of the retry would have been received too.
    let later = provider.payment("20", "EUR");
    let after = archive.cloud.listen(id(&later)).await;
    provider.send(&later).await.accepted();
    after.next().await;
    assert_eq!(listener.receive().await, None);

    // The table removes it some time later, which does not matter.
    tombstone.insert("expires_at_ms".to_owned(), number(now_ms()));
    archive.put(tombstone).await;
    assert_eq!(provider.send(&other).await.accepted().body["duplicate"], false);
    assert_eq!(listener.next().await["detail"]["amount"], "20.01");
    let second_at = first_at + DAY_MS;
    archive.move_to(&provider, &other, second_at).await;
    assert_eq!(archive.run().await.unwrap(), done(1, 1, 0));
    let objects = archive.objects().await;
    let archived = records(objects).into_values().filter(|line| line.transaction_id == id(&payment));
    let archived: Vec<_> = archived.map(|line| (line.received_at_ms, line.amount.to_string())).collect();
    assert_eq!(archived, [(first_at, "20".to_owned()), (second_at, "20.01".to_owned())], "two payments");
}

#[tokio::test]
async fn concurrent_runs_archive_each_payment_once() {
    let archive = Archive::open().await;
    let payments = Payments::of(&archive, 1_000, &[days_ago(11), days_ago(12)]).await;
    let (one, other) = payments.watched(join(archive.run(), archive.run())).await;
    let responses = [one.unwrap(), other.unwrap()];
    let outcomes = responses.each_ref().map(|response| response["outcome"].as_str().unwrap());
    assert!(outcomes.contains(&"done"), "{responses:?}");
    let archived: u64 = responses.iter().map(|response| response["archived"].as_u64().unwrap()).sum();
    assert_eq!(archived, 1_000, "{responses:?}");
    payments.are_archived_once().await;
}

#[tokio::test]
async fn the_archive_is_compressed_json_lines_by_day() {
    let archive = Archive::open().await;
    let provider = archive.cloud.provider();
    let mut payment = provider.payment("10000.01", "EUR");
    payment["customer_id"] = json!(format!("customer-{} \"2\"", unique()));
    payment["fee"] = json!("0.30");
    payment["metadata"] = json!("METADATA");
    let metadata = r#"{ "rate": 1.000000000000000000001, "country": "DE" }"#;
    let body = payment.to_string().replace("\"METADATA\"", metadata);
    provider.send_text(&body).await.accepted();
    let analyzed = async || provider.item(&payment).await.filter(|item| item["status"] == "analyzed");
    let item = eventually("the analysis", analyzed).await;
    let received_at_ms = days_ago(14) + 1;
    archive.move_to(&provider, &payment, received_at_ms).await;
    assert_eq!(archive.run().await.unwrap(), done(1, 1, 0));

    let row = archive.row(&provider, id(&payment)).await.unwrap();
    let key = row["archived_to"].as_s().unwrap();
    let day = Day::of_milliseconds(received_at_ms).to_string().replace('-', "/");
    let name = key.strip_prefix(&format!("transactions/{day}/")).unwrap_or_else(|| panic!("{key} is not of {day}"));
    assert!(name.ends_with(".ndjson.gz") && !name.contains('/'), "{key}");
    let mut lines = String::new();
    GzDecoder::new(archive.cloud.archived_bytes(key).await.as_slice()).read_to_string(&mut lines).unwrap();
    assert_eq!(lines.matches('\n').count(), 1, "{lines}");
    let line: Value = serde_json::from_str(&lines).unwrap();
    for (name, expected) in [
        ("transaction_id", payment["transaction_id"].clone()),
        ("provider", json!(provider.name)),
        ("type", json!("transaction.created")),
        ("amount", json!("10000.01")),
        ("currency", json!("EUR")),
        ("amount_band", json!("high")),
        ("customer_id", payment["customer_id"].clone()),
        ("status", json!("analyzed")),
        ("received_at_ms", json!(received_at_ms)),
        ("metadata", json!(metadata)),
        ("additional", json!(r#"{"fee":"0.30"}"#)),
        ("digest", item["digest"].clone()),
    ] {
        assert_eq!(line[name], expected, "{name}: {line}");
    }
    assert!(line["analysis"].to_string().contains("high_amount"), "{line}");
    let objects = archive.objects().await;
    let [(found, parsed)] = lines_of(&objects, id(&payment))[..] else { panic!("{lines}") };
    assert_eq!((found, parsed.to_line()), (key.as_str(), lines));
}

//! The dashboard: its first row shows whether the system is healthy, and every metric is of an existing resource.

use crate::support::template::{resources, template};
use serde_json::Value;
use std::collections::BTreeSet;

/// The height of the first row, in the dashboard's units.
const FIRST_ROW_HEIGHT: u64 = 6;
const WIDTH: u64 = 24;

fn dashboard(template: &Value) -> Value {
    let body = &template["Resources"]["MetricsDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"];
    serde_json::from_str(body.as_str().unwrap()).unwrap()
}

fn widgets(dashboard: &Value) -> &Vec<Value> {
    dashboard["widgets"].as_array().unwrap()
}

/// The metrics of widgets: the namespace, the metric's name, and the values of its dimensions.
fn metrics<'w>(widgets: impl IntoIterator<Item = &'w Value>) -> Vec<(String, String, Vec<String>)> {
    let metrics =
        widgets.into_iter().flat_map(|widget| widget["properties"]["metrics"].as_array().into_iter().flatten());
    metrics
        .map(|metric| {
            // Members other than texts are options of a widget.
            let parts: Vec<String> =
                metric.as_array().unwrap().iter().filter_map(|part| part.as_str().map(str::to_owned)).collect();
            let dimensions = parts[2..].chunks(2).map(|pair| pair[1].clone()).collect();
            (parts[0].clone(), parts[1].clone(), dimensions)
        })
        .collect()
}

fn position(widget: &Value) -> [u64; 4] {
    ["x", "y", "width", "height"].map(|member| widget[member].as_u64().unwrap())
}

#[test]
fn shows_the_required_metrics_of_existing_resources() {
    let template = template();
    let body = dashboard(&template);
    let metrics = metrics(widgets(&body));
    let source = template["Resources"].to_string();
    for (namespace, metric, dimensions) in &metrics {
        for value in dimensions.iter().filter(|value| *value != "prod") {
            let known = match value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
                Some(id) => template["Resources"][id].is_object(),
                None => source.contains(&format!("\"{value}\"")),
            };
            assert!(known, "{namespace} {metric} is of {value}, which is not in the template");
        }
    }
    for (namespace, metric, of_each) in [
        ("AWS/Lambda", "Invocations", 6),
        ("AWS/Lambda", "Duration", 6),
        ("AWS/Lambda", "Errors", 6),
        ("AWS/DynamoDB", "ConsumedReadCapacityUnits", 4),
        ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", 4),
        ("AWS/States", "ExecutionsStarted", 2),
        ("AWS/States", "ExecutionsFailed", 2),
        ("AWS/ApiGateway", "Count", 2),
        ("AWS/ApiGateway", "4XXError", 2),
        ("AWS/ApiGateway", "5XXError", 2),
        ("AWS/Events", "Invocations", 4),
        ("AWS/SNS", "NumberOfMessagesPublished", 2),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", 2),
    ] {
        let found: BTreeSet<_> = metrics.iter().filter(|found| found.0 == namespace && found.1 == metric).collect();
        assert_eq!(found.len(), of_each, "{namespace} {metric}: {found:?}");
    }
    // Metrics from logs must be in the namespace that the dashboard reads.
    let counted: BTreeSet<String> = resources(&template, "AWS::Logs::MetricFilter")
        .iter()
        .map(|(_, filter)| {
            filter["Properties"]["MetricTransformations"][0]["MetricName"]["Fn::Sub"].as_str().unwrap().to_owned()
        })
        .collect();
    let shown = metrics.iter().filter(|metric| metric.0 == "TransactionProcessing").map(|metric| metric.1.clone());
    assert_eq!(shown.collect::<BTreeSet<_>>(), counted);
}

#[test]
fn the_first_row_shows_health() {
    let template = template();
    let body = dashboard(&template);
    let first: Vec<&Value> = widgets(&body).iter().filter(|widget| widget["y"] == 0).collect();
    let alarms = first.iter().find(|widget| widget["type"] == "alarm").expect("a widget of the alarms");
    let prefix = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:";
    let shown: BTreeSet<&str> = alarms["properties"]["alarms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arn| arn.as_str().unwrap().strip_prefix(prefix).unwrap())
        .collect();
    let all = resources(&template, "AWS::CloudWatch::Alarm");
    let all: BTreeSet<&str> =
        all.iter().map(|(_, alarm)| alarm["Properties"]["AlarmName"]["Fn::Sub"].as_str().unwrap()).collect();
    assert_eq!(shown, all, "every alarm, and no other");

    let numbers = metrics(first.iter().copied());
    let has = |metric: &str| numbers.iter().filter(|found| found.1.split("-${").next() == Some(metric)).count();
    for (metric, count) in [
        ("FilesAccepted", 1),
        ("FilesCompleted", 1),
        ("FilesMissing", 1),
        ("FilesUnfinished", 1),
        ("PaymentsUnfinished", 1),
        ("ApproximateNumberOfMessagesVisible", 2),
        ("ApproximateAgeOfOldestMessage", 2),
        ("5XXError", 2),
    ] {
        assert_eq!(has(metric), count, "{metric}");
    }
    // The first row has numbers, which are read at a glance, and no curves.
    let drawn = first.iter().filter(|widget| widget["type"] == "metric");
    assert!(drawn.clone().count() > 0 && drawn.clone().all(|widget| widget["properties"]["view"] == "singleValue"));
    let row: Vec<[u64; 4]> = first.iter().map(|widget| position(widget)).collect();
    assert!(row.iter().all(|[_, _, _, height]| *height == FIRST_ROW_HEIGHT), "{row:?}");
    assert_eq!(row.iter().map(|[_, _, width, _]| width).sum::<u64>(), WIDTH, "the row is full");
}

#[test]
fn widgets_do_not_overlap() {
    let template = template();
    let body = dashboard(&template);
    let places: Vec<[u64; 4]> = widgets(&body).iter().map(position).collect();
    for (number, [x, y, width, height]) in places.iter().enumerate() {
        assert!(x + width <= WIDTH, "{x} {y}");
        for [other_x, other_y, other_width, other_height] in &places[number + 1..] {
            let apart = x + width <= *other_x || other_x + other_width <= *x;
            assert!(apart || y + height <= *other_y || other_y + other_height <= *y, "{x} {y} and {other_x} {other_y}");
        }
    }
}

#[test]
fn the_text_names_the_saved_queries_and_the_runbook() {
    let template = template();
    let body = dashboard(&template);
    let text = widgets(&body).iter().find(|widget| widget["type"] == "text").unwrap();
    let text = text["properties"]["markdown"].as_str().unwrap();
    assert!(text.contains("docs/operators/runbook.md"), "{text}");
    for (_, query) in resources(&template, "AWS::Logs::QueryDefinition") {
        let name = query["Properties"]["Name"]["Fn::Sub"].as_str().unwrap().rsplit_once('/').unwrap().1;
        assert!(text.contains(name), "{name}");
    }
}

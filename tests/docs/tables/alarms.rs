//! The alarms: what each watches and when it is raised.

use super::{name_of, names_of_section};
use crate::support::template::id_in_reference;
use serde_json::Value;

/// Metrics of services, as a reader knows them. What is watched follows.
const METRICS: [(&str, &str); 5] = [
    ("ApproximateNumberOfMessagesVisible", "messages in"),
    ("ExecutionsFailed", "failed executions of"),
    ("ExecutionsTimedOut", "timed-out executions of"),
    ("5XXError", "responses 5xx of"),
    ("Errors", "failed calls of"),
];

/// Metrics that are counted from the logs.
const OWN_METRICS: [(&str, &str); 3] = [
    ("FilesMissing", "expected files that did not come"),
    ("FilesUnfinished", "files not in a final status after 1 hour"),
    ("PaymentsUnfinished", "payments not published or assessed after 1 hour"),
];

/// The one expression that the alarms have, of `Errors` and `Invocations`.
const RATE: &str = "IF(invocations > 0, 100 * errors / invocations, 0)";

/// The table, and the links to the runbook beneath it.
pub(crate) fn table(template: &Value, source: &str) -> String {
    let mut rows = String::from("| alarm | watches | raised if |\n| --- | --- | --- |\n");
    let mut links = String::new();
    for id in names_of_section(source, "Resources") {
        let alarm = &template["Resources"][id];
        if alarm["Type"] != "AWS::CloudWatch::Alarm" {
            continue;
        }
        let name = name_of(template, id);
        let properties = &alarm["Properties"];
        rows += &format!("| [{name}] | {} | {} |\n", watched(template, properties), condition(properties));
        links += &format!("[{name}]: runbook.md#{name}\n");
    }
    format!("{rows}\n{links}")
}

fn watched(template: &Value, alarm: &Value) -> String {
    let Some(metrics) = alarm["Metrics"].as_array() else { return of_metric(template, alarm) };
    let expression = metrics.iter().find(|metric| metric["ReturnData"] == true).unwrap();
    assert_eq!(expression["Expression"], RATE, "say here what it means");
    let errors = metrics.iter().find(|metric| metric["Id"] == "errors").unwrap();
    format!("{}, percent of all", of_metric(template, &errors["MetricStat"]["Metric"]))
}

fn of_metric(template: &Value, metric: &Value) -> String {
    if let Some(own) = metric["MetricName"]["Fn::Sub"].as_str() {
        let own = own.replace("-${EnvironmentSuffix}", "");
        let words = OWN_METRICS.iter().find(|(metric, _)| *metric == own).map(|(_, words)| words);
        return format!("{} (`{own}`)", words.unwrap_or_else(|| panic!("what is {own}?")));
    }
    let name = metric["MetricName"].as_str().unwrap();
    let (_, words) = METRICS.iter().find(|(metric, _)| *metric == name).unwrap_or_else(|| panic!("what is {name}?"));
    let dimensions = metric["Dimensions"].as_array().unwrap();
    let value = &dimensions[0]["Value"];
    let of = match value["Fn::Sub"].as_str() {
        Some(text) => text.replace("-${EnvironmentSuffix}", ""),
        None => match value["Fn::GetAtt"][0].as_str() {
            Some(id) => name_of(template, id),
            None => name_of(template, id_in_reference(value)),
        },
    };
    format!("{words} `{of}`")
}

fn condition(alarm: &Value) -> String {
    assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold", "say here what it means");
    let seconds = match alarm["Period"].as_u64() {
        Some(seconds) => seconds,
        None => alarm["Metrics"][1]["MetricStat"]["Period"].as_u64().unwrap(),
    };
    let threshold = &alarm["Threshold"];
    let unit = if alarm["Metrics"].is_array() { " %" } else { "" };
    let periods = alarm["EvaluationPeriods"].as_u64().unwrap();
    let needed = alarm["DatapointsToAlarm"].as_u64().unwrap_or(periods);
    let within = match (periods, seconds) {
        (1, seconds) => format!("in {} min", seconds / 60),
        (_, 3600) => format!("in {needed} of {periods} hours"),
        (_, seconds) => format!("in {needed} of {periods} × {} min", seconds / 60),
    };
    format!("> {threshold}{unit} {within}")
}

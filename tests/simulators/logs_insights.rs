//! The part of the language of CloudWatch Logs Insights that the saved queries use, so that they can be run on real
//! lines.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One command of a query.
#[derive(Clone, Debug)]
enum Command {
    Fields(Vec<String>),
    Filter(Vec<Condition>),
    Stats { sums: Vec<Aggregate>, by: Vec<String> },
    Sort { field: String, descending: bool },
    Limit(usize),
}

/// One of the conditions of a filter, all of which must hold.
#[derive(Clone, Debug)]
struct Condition {
    field: String,
    operator: String,
    values: Vec<String>,
}

/// `count(*) as files`, `sum(rows) as total_rows`, `count_distinct(id) as files`.
#[derive(Clone, Debug)]
struct Aggregate {
    function: String,
    argument: String,
    name: String,
}

/// A query, read strictly: unknown syntax fails the test.
#[derive(Clone, Debug)]
pub(crate) struct Query(Vec<Command>);

/// Fields that CloudWatch adds to every line.
const OF_CLOUDWATCH: [&str; 3] = ["@timestamp", "@log", "@message"];

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        Self(text.split('|').map(|command| command_of(command.trim())).collect())
    }

    /// Every field of a line that the query uses, without those of CloudWatch and those that the query creates.
    pub(crate) fn fields(&self) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        let mut made = BTreeSet::new();
        for command in &self.0 {
            match command {
                Command::Fields(fields) => used.extend(fields.iter().cloned()),
                Command::Filter(conditions) => used.extend(conditions.iter().map(|condition| condition.field.clone())),
                Command::Stats { sums, by } => {
                    used.extend(by.iter().cloned());
                    used.extend(sums.iter().map(|sum| sum.argument.clone()).filter(|argument| argument != "*"));
                    made.extend(sums.iter().map(|sum| sum.name.clone()));
                }
                Command::Sort { field, .. } => drop(used.insert(field.clone())),
                Command::Limit(_) => {}
            }
        }
        used.into_iter().filter(|field| !OF_CLOUDWATCH.contains(&field.as_str()) && !made.contains(field)).collect()
    }

    /// The result of the query on these lines, each as a row of its fields.
    pub(crate) fn ask(&self, lines: &[String]) -> Vec<BTreeMap<String, Value>> {
        let mut rows: Vec<BTreeMap<String, Value>> = lines.iter().map(|line| row_of(line)).collect();
        for command in &self.0 {
            match command {
                // The shown fields do not decide about rows.
                Command::Fields(_) => {}
                Command::Filter(conditions) => rows.retain(|row| conditions.iter().all(|one| one.holds(row))),
                Command::Stats { sums, by } => rows = grouped(&rows, sums, by),
                Command::Sort { field, descending } => {
                    rows.sort_by(|one, other| compare(one.get(field), other.get(field)));
                    if *descending {
                        rows.reverse();
                    }
                }
                Command::Limit(most) => rows.truncate(*most),
            }
        }
        rows
    }
}

impl Condition {
    fn holds(&self, row: &BTreeMap<String, Value>) -> bool {
        let Some(found) = row.get(&self.field) else { return false };
        let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        match self.operator.as_str() {
            "=" | "in" => self.values.contains(&found),
            "like" => self.values.iter().all(|value| found.contains(value)),
            other => panic!("{other} is not supported here"),
        }
    }
}

fn command_of(text: &str) -> Command {
    let (name, rest) = text.split_once(' ').unwrap_or_else(|| panic!("{text} is no command"));
    let list = |text: &str| text.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>();
    match name {
        "fields" => Command::Fields(list(rest)),
        "filter" => Command::Filter(rest.split(" and ").map(condition_of).collect()),
        "stats" => {
            let (sums, by) = rest.split_once(" by ").unwrap_or((rest, ""));
            Command::Stats { sums: list(sums).iter().map(|sum| aggregate_of(sum)).collect(), by: list(by) }
        }
        "sort" => {
            let (field, order) = rest.split_once(' ').unwrap_or_else(|| panic!("{text}: asc or desc?"));
            assert!(["asc", "desc"].contains(&order), "{text}");
            Command::Sort { field: field.to_owned(), descending: order == "desc" }
        }
        "limit" => Command::Limit(rest.parse().unwrap()),
        other => panic!("{other} is not supported here"),
    }
}

fn condition_of(text: &str) -> Condition {
    let mut words = text.trim().splitn(3, ' ').map(str::to_owned);
    let (field, operator, values) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let values = values.trim_start_matches('[').trim_end_matches(']').split(", ");
    let unquoted = |value: &str| {
        value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_else(|| panic!("{value}")).to_owned()
    };
    Condition { field, operator, values: values.map(unquoted).collect() }
}

fn aggregate_of(text: &str) -> Aggregate {
    let (call, name) = text.split_once(" as ").unwrap_or_else(|| panic!("{text} has no name"));
    let (function, argument) = call.trim_end_matches(')').split_once('(').unwrap();
    Aggregate { function: function.to_owned(), argument: argument.to_owned(), name: name.to_owned() }
}

/// The fields of a line of JSON, nested ones by their path; of any other line its text alone.
fn row_of(line: &str) -> BTreeMap<String, Value> {
    let mut row = BTreeMap::from([("@message".to_owned(), json!(line))]);
    if let Ok(Value::Object(members)) = serde_json::from_str(line) {
        for (name, value) in members {
            flatten(&name, value, &mut row);
        }
    }
    // CloudWatch has it for each event; here the line itself has it.
    if let Some(at) = row.get("timestamp").cloned() {
        row.insert("@timestamp".to_owned(), at);
    }
    row
}

fn flatten(path: &str, value: Value, row: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            members.into_iter().for_each(|(name, value)| flatten(&format!("{path}.{name}"), value, row));
        }
        value => drop(row.insert(path.to_owned(), value)),
    }
}

fn grouped(rows: &[BTreeMap<String, Value>], sums: &[Aggregate], by: &[String]) -> Vec<BTreeMap<String, Value>> {
    let key = |row: &BTreeMap<String, Value>| {
        by.iter().map(|field| row.get(field).cloned().unwrap_or_default().to_string()).collect::<Vec<_>>()
    };
    let mut groups: BTreeMap<Vec<String>, Vec<&BTreeMap<String, Value>>> = BTreeMap::new();
    rows.iter().for_each(|row| groups.entry(key(row)).or_default().push(row));
    let summed = |rows: Vec<&BTreeMap<String, Value>>| {
        let mut group: BTreeMap<String, Value> =
            by.iter().filter_map(|field| Some((field.clone(), rows[0].get(field)?.clone()))).collect();
        for sum in sums {
            let values = rows.iter().filter_map(|row| row.get(&sum.argument));
            let value = match sum.function.as_str() {
                "count" => u64::try_from(rows.len()).unwrap(),
                "sum" => values.filter_map(Value::as_u64).sum(),
                "count_distinct" => u64::try_from(values.map(Value::to_string).collect::<BTreeSet<_>>().len()).unwrap(),
                other => panic!("{other} is not supported here"),
            };
            group.insert(sum.name.clone(), json!(value));
        }
        group
    };
    groups.into_values().map(summed).collect()
}

fn compare(one: Option<&Value>, other: Option<&Value>) -> std::cmp::Ordering {
    match (one.and_then(Value::as_u64), other.and_then(Value::as_u64)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.map(Value::to_string).cmp(&other.map(Value::to_string)),
    }
}

//! The alarms, computed: their states for series of datapoints, and whether their messages arrive. No alarm is known by
//! its name here; any failure of a resource of the template must raise exactly one.

use crate::simulators::metric_math::{Exact, Expression};
use crate::support::template::{id_in_reference, machines, resources, template};
use crate::template::policies::targets;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The minute from which alarms are checked, and the length of the series: before that, alarms lack earlier data. The
/// one of missing files looks back for 20 hours.
const CHECKED_FROM: usize = 20 * 60;
const MINUTES: usize = CHECKED_FROM + 20;
/// The minute of the incident.
const INCIDENT: usize = CHECKED_FROM + 10;

/// All members that an alarm of ours may have. Any other must be implemented here first.
const KNOWN: [&str; 15] = [
    "AlarmActions",
    "AlarmDescription",
    "AlarmName",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "Dimensions",
    "EvaluationPeriods",
    "MetricName",
    "Metrics",
    "Namespace",
    "Period",
    "Statistic",
    "Tags",
    "Threshold",
    "TreatMissingData",
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Ok,
    Alarm,
    /// CloudWatch's `INSUFFICIENT_DATA`, or whatever it was before.
    Unknown,
}

/// The datapoints in CloudWatch: for each metric the values of each minute. A minute without any has no datapoint.
#[derive(Clone, Default)]
struct World(BTreeMap<String, Vec<Vec<i128>>>);

impl World {
    /// The same values in every minute.
    fn always(mut self, metric: String, values: &[i128]) -> Self {
        self.0.insert(metric, vec![values.to_vec(); MINUTES]);
        self
    }

    /// Other values in the minute of the incident.
    fn but(mut self, metric: &str, values: &[i128]) -> Self {
        self.0.get_mut(metric).unwrap_or_else(|| panic!("{metric}"))[INCIDENT] = values.to_vec();
        self
    }

    /// Traffic for everything in the template, without any error.
    fn healthy(template: &Value) -> Self {
        let world = watched(template).into_iter().fold(Self::default(), |world, metric| world.always(metric, &[0, 0]));
        let functions = resources(template, "AWS::Lambda::Function");
        functions.iter().fold(world, |world, (id, _)| world.always(of_function(id, "Invocations"), &[100]))
    }
}

fn metric(namespace: &str, name: &str, mut dimensions: Vec<(&str, &Value)>) -> String {
    dimensions.sort_unstable_by_key(|(name, _)| *name);
    let dimensions: Vec<String> = dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{namespace} {name} {}", dimensions.join(" "))
}

/// The metric that an alarm names.
fn named(properties: &Value) -> String {
    let text = |member: &str| {
        // Metrics of our own carry the environment in their name.
        let name = properties[member].as_str().or_else(|| properties[member]["Fn::Sub"].as_str());
        name.unwrap_or_else(|| panic!("{properties} has no {member}"))
    };
    let dimensions = properties["Dimensions"].as_array().into_iter().flatten();
    let dimensions = dimensions.map(|dimension| (dimension["Name"].as_str().unwrap(), &dimension["Value"])).collect();
    metric(text("Namespace"), text("MetricName"), dimensions)
}

fn of_function(id: &str, name: &str) -> String {
    metric("AWS/Lambda", name, vec![("FunctionName", &json!({"Ref": id}))])
}

/// The metrics from logs that have an alarm. The others are shown, and judged by people.
const COUNTED: [&str; 3] = [
    "FilesMissing-${EnvironmentSuffix}",
    "FilesUnfinished-${EnvironmentSuffix}",
    "PaymentsUnfinished-${EnvironmentSuffix}",
];

/// Where one single value that is not zero must raise an alarm: a message in a queue, an execution that failed or timed
/// out, a 5xx response, a missing file, an unfinished file or payment.
fn incidents(template: &Value) -> Vec<String> {
    let queues = resources(template, "AWS::SQS::Queue").into_iter().map(|(id, _)| {
        let name = json!({"Fn::GetAtt": [id, "QueueName"]});
        metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", vec![("QueueName", &name)])
    });
    let machines = machines(template).into_iter().flat_map(|machine| {
        let arn = json!({"Ref": machine.id});
        ["ExecutionsFailed", "ExecutionsTimedOut"]
            .map(|name| metric("AWS/States", name, vec![("StateMachineArn", &arn)]))
    });
    let stages = resources(template, "AWS::ApiGateway::Stage").into_iter().map(|(_, stage)| {
        let stage = &stage["Properties"];
        let api = &template["Resources"][id_in_reference(&stage["RestApiId"])]["Properties"]["Name"];
        metric("AWS/ApiGateway", "5XXError", vec![("ApiName", api), ("Stage", &stage["StageName"])])
    });
    let filters = resources(template, "AWS::Logs::MetricFilter").into_iter().filter_map(|(_, filter)| {
        let counted = &filter["Properties"]["MetricTransformations"][0];
        let name = counted["MetricName"]["Fn::Sub"].as_str().unwrap();
        COUNTED.contains(&name).then(|| metric(counted["MetricNamespace"].as_str().unwrap(), name, vec![]))
    });
    queues.chain(machines).chain(stages).chain(filters).collect()
}

/// Every metric of a failure of the template's resources.
fn watched(template: &Value) -> Vec<String> {
    let functions = resources(template, "AWS::Lambda::Function").into_iter().map(|(id, _)| of_function(&id, "Errors"));
    functions.chain(incidents(template)).collect()
}

/// The datapoint of a metric for the `period` that ends with minute `end`.
fn datapoint(world: &World, metric: &str, statistic: &str, period: usize, end: usize) -> Option<Exact> {
    let minutes = world.0.get(metric).map_or(&[][..], |series| &series[end - period..end]);
    let values: Vec<i128> = minutes.iter().flatten().copied().collect();
    let sum = Exact::new(values.iter().sum());
    let count = Exact::new(i128::try_from(values.len()).unwrap());
    let (least, most) = (*values.iter().min()?, *values.iter().max()?);
    match statistic {
        "Sum" => Some(sum),
        "Average" => sum.over(count),
        "Minimum" => Some(Exact::new(least)),
        "Maximum" => Some(Exact::new(most)),
        "SampleCount" => Some(count),
        other => panic!("the statistic {other} is not supported here"),
    }
}

fn minutes(period: &Value) -> usize {
    let seconds = usize::try_from(period.as_u64().unwrap()).unwrap();
    assert_eq!(seconds % 60, 0, "a period of whole minutes");
    seconds / 60
}

/// The value of an alarm's series for the period that ends with minute `end`.
fn value_at(alarm: &Value, world: &World, end: usize) -> Option<Exact> {
    let Some(metrics) = alarm["Metrics"].as_array() else {
        let statistic = alarm["Statistic"].as_str().unwrap();
        return datapoint(world, &named(alarm), statistic, minutes(&alarm["Period"]), end);
    };
    let returned: Vec<&Value> = metrics.iter().filter(|metric| metric["ReturnData"] != false).collect();
    assert_eq!(returned.len(), 1, "an alarm looks at one series");
    value_of(metrics, returned[0]["Id"].as_str().unwrap(), world, end)
}

fn value_of(metrics: &[Value], id: &str, world: &World, end: usize) -> Option<Exact> {
    let found = metrics.iter().find(|metric| metric["Id"] == id).unwrap_or_else(|| panic!("there is no {id}"));
    if let Some(text) = found["Expression"].as_str() {
        return Expression::parse(text).value(&|id| value_of(metrics, id, world, end));
    }
    let stat = &found["MetricStat"];
    datapoint(world, &named(&stat["Metric"]), stat["Stat"].as_str().unwrap(), minutes(&stat["Period"]), end)
}

fn period(alarm: &Value) -> usize {
    let Some(metrics) = alarm["Metrics"].as_array() else { return minutes(&alarm["Period"]) };
    let stats = metrics.iter().map(|metric| &metric["MetricStat"]).filter(|stat| !stat.is_null());
    let periods: BTreeSet<usize> = stats.map(|stat| minutes(&stat["Period"])).collect();
    assert_eq!(periods.len(), 1, "{periods:?}");
    periods.into_iter().next().unwrap()
}

fn state_at(alarm: &Value, world: &World, end: usize) -> State {
    let threshold = Exact::parse(&alarm["Threshold"].to_string());
    let breaches = |value: Exact| match alarm["ComparisonOperator"].as_str().unwrap() {
        "GreaterThanThreshold" => value > threshold,
        "GreaterThanOrEqualToThreshold" => value >= threshold,
        "LessThanThreshold" => value < threshold,
        "LessThanOrEqualToThreshold" => value <= threshold,
        other => panic!("the comparison {other} is not supported here"),
    };
    let missing = match alarm["TreatMissingData"].as_str() {
        Some("notBreaching") => Some(false),
        Some("breaching") => Some(true),
        _ => None,
    };
    let periods = usize::try_from(alarm["EvaluationPeriods"].as_u64().unwrap()).unwrap();
    let needed = alarm["DatapointsToAlarm"].as_u64().map_or(periods, |count| usize::try_from(count).unwrap());
    let points = (0..periods).map(|back| value_at(alarm, world, end - back * period(alarm)).map(breaches).or(missing));
    let points: Vec<bool> = points.flatten().collect();
    match points.iter().filter(|breaching| **breaching).count() {
        _ if points.is_empty() => State::Unknown,
        count if count >= needed => State::Alarm,
        _ => State::Ok,
    }
}

/// The alarms that are raised at any time. All others are OK all the time.
fn raised(template: &Value, world: &World) -> BTreeSet<String> {
    let mut raised = BTreeSet::new();
    for (id, alarm) in resources(template, "AWS::CloudWatch::Alarm") {
        let alarm = &alarm["Properties"];
        for member in alarm.as_object().unwrap().keys() {
            assert!(KNOWN.contains(&member.as_str()), "{id}: the member {member} is not supported here");
        }
        let states: Vec<State> = (CHECKED_FROM..=MINUTES).map(|end| state_at(alarm, world, end)).collect();
        assert!(!states.contains(&State::Unknown), "{id} does not know");
        if states.contains(&State::Alarm) {
            raised.insert(id);
        }
    }
    raised
}

#[test]
fn raises_no_alarm_while_healthy_or_without_traffic() {
    let template = template();
    assert_eq!(raised(&template, &World::default()), BTreeSet::new(), "no data");
    assert_eq!(raised(&template, &World::healthy(&template)), BTreeSet::new());
}

#[test]
fn a_function_alarms_above_five_percent_of_errors() {
    let template = template();
    for (function, _) in resources(&template, "AWS::Lambda::Function") {
        let (errors, calls) = (of_function(&function, "Errors"), of_function(&function, "Invocations"));
        let healthy = World::healthy(&template);
        let steady =
            |failed, called| healthy.clone().always(errors.clone(), &[failed]).always(calls.clone(), &[called]);
        // Nothing but the events of one minute.
        let alone = |failed, called| {
            let quiet = healthy.clone().always(errors.clone(), &[]).always(calls.clone(), &[]);
            quiet.but(&errors, &[failed]).but(&calls, &[called])
        };
        let mut alarms = BTreeSet::new();
        for (what, world, alarms_then) in [
            ("500 of 10,000, which is 5.0 %", steady(100, 2000), false),
            ("501 of 10,000, which is 5.01 %", steady(100, 2000).but(&errors, &[101]), true),
            ("1 of 20", alone(1, 20), false),
            ("1 of 19", alone(1, 19), true),
            ("the only call", alone(1, 1), true),
            ("no calls", steady(0, 0), false),
            ("10 of 100 in a minute, which is 2 % of five", healthy.clone().but(&errors, &[10]), false),
            ("26 of 100 in a minute, which is 5.2 % of five", healthy.clone().but(&errors, &[26]), true),
            ("no call succeeds", steady(7, 7), true),
        ] {
            let raised = raised(&template, &world);
            assert_eq!(raised.len(), usize::from(alarms_then), "{function}, {what}: {raised:?}");
            alarms.extend(raised);
        }
        assert_eq!(alarms.len(), 1, "{function}: {alarms:?}");
    }
}

#[test]
fn one_dead_letter_failed_execution_or_5xx_raises_one_alarm() {
    let template = template();
    let mut alarms = BTreeSet::new();
    let incidents = incidents(&template);
    for metric in &incidents {
        // With traffic in the minutes around it and in its own.
        let mut values = vec![0; 999];
        values.push(1);
        let before = World::healthy(&template).but(metric, &values);
        // And without any traffic.
        let alone = World::default().always(metric.clone(), &[]).but(metric, &[1]);
        let found = raised(&template, &before);
        assert_eq!(found.len(), 1, "{metric}: {found:?}");
        assert_eq!(raised(&template, &alone), found, "{metric}");
        alarms.extend(found);
    }
    assert_eq!(alarms.len(), incidents.len(), "each has an alarm of its own");
    let functions = resources(&template, "AWS::Lambda::Function").len();
    let all = resources(&template, "AWS::CloudWatch::Alarm").len();
    assert_eq!(alarms.len() + functions, all, "an alarm is on a metric that no test here covers");
}

/// Whether a policy of a resource lets this service do this, on these conditions.
fn allows(statements: &Value, service: &str, action: &str, condition: &Value) -> bool {
    statements.as_array().unwrap().iter().any(|statement| {
        statement["Effect"] == "Allow"
            && statement["Principal"] == json!({"Service": service})
            && statement["Action"].as_str().is_some_and(|allowed| allowed.trim_end_matches('*') == action)
            && statement["Condition"] == *condition
    })
}

/// A message of the service arrives: the topic accepts it, and the topic's key lets the service encrypt it. The key of
/// AWS, `alias/aws/sns`, lets no service.
fn assert_takes_messages_of(template: &Value, topic: &str, service: &str) {
    let ours = json!({"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}});
    let policies = resources(template, "AWS::SNS::TopicPolicy");
    let policy = policies.iter().find(|(_, policy)| policy["Properties"]["Topics"] == json!([{"Ref": topic}]));
    let policy = &policy.unwrap_or_else(|| panic!("{topic} has no policy")).1["Properties"]["PolicyDocument"];
    // EventBridge names no source to SNS, nor to KMS: under a condition its messages would be dropped.
    let condition = if service == "events.amazonaws.com" { &Value::Null } else { &ours };
    assert!(allows(&policy["Statement"], service, "sns:Publish", condition), "{service} to {topic}");
    let key = id_in_reference(&template["Resources"][topic]["Properties"]["KmsMasterKeyId"]);
    let key = &template["Resources"][key]["Properties"]["KeyPolicy"]["Statement"];
    for action in ["kms:Decrypt", "kms:GenerateDataKey"] {
        assert!(allows(key, service, action, condition), "{service} to {topic}: {action}");
    }
}

#[test]
fn every_alarm_and_budget_reaches_its_topic() {
    let template = template();
    for (id, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        let actions =
            alarm["Properties"]["AlarmActions"].as_array().unwrap_or_else(|| panic!("{id} has no subscriber"));
        assert!(!actions.is_empty(), "{id} has no subscriber");
        for topic in actions {
            assert_takes_messages_of(&template, id_in_reference(topic), "cloudwatch.amazonaws.com");
        }
    }
    for (_, budget) in resources(&template, "AWS::Budgets::Budget") {
        let notifications = budget["Properties"]["NotificationsWithSubscribers"].as_array().unwrap();
        for subscriber in notifications.iter().flat_map(|notification| notification["Subscribers"].as_array().unwrap())
        {
            assert_takes_messages_of(&template, id_in_reference(&subscriber["Address"]), "budgets.amazonaws.com");
        }
    }
    for (id, _) in resources(&template, "AWS::SNS::Topic") {
        if targets(&template).iter().any(|(_, target)| target["Arn"] == json!({"Ref": id})) {
            assert_takes_messages_of(&template, &id, "events.amazonaws.com");
        }
    }
}

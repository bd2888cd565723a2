//! Rules for every resource of the template, including those of SAM: names, tags, logs, deletion, encryption. Then the
//! requirements of single ones.

use crate::simulators::conditions::deployed_with;
use crate::support::template::{id_in_reference, machines, resources, template};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SUFFIX: &str = "${EnvironmentSuffix}";

/// Types that take no tags.
const UNTAGGED: [&str; 10] = [
    "AWS::CloudWatch::Dashboard",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::Logs::ResourcePolicy",
    "AWS::ApiGateway::Deployment",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
];

/// Types without a name of ours, in addition to the untagged: a key has an id only, and a stage's name is a part of its
/// API's address.
const UNNAMED: [&str; 2] = ["AWS::KMS::Key", "AWS::ApiGateway::Stage"];

/// The members that give a resource its name.
const NAMES: [&str; 13] = [
    "AlarmName",
    "BucketName",
    "BudgetName",
    "FunctionName",
    "LogGroupName",
    "Name",
    "QueueName",
    "RoleName",
    "RuleName",
    "StateMachineName",
    "TableName",
    "TopicName",
    "UsagePlanName",
];

/// The logical id, the type and the resource of each resource.
fn all(template: &Value) -> Vec<(&str, &str, &Value)> {
    let resources = template["Resources"].as_object().unwrap();
    resources.iter().map(|(id, found)| (id.as_str(), found["Type"].as_str().unwrap(), found)).collect()
}

/// The name that a resource gives itself.
fn name(resource: &Value) -> Option<&str> {
    let properties = &resource["Properties"];
    let own = if properties["Budget"].is_object() { &properties["Budget"] } else { properties };
    let name = NAMES.iter().map(|member| &own[*member]).find(|value| !value.is_null())?;
    name["Fn::Sub"].as_str().or_else(|| name.as_str())
}

#[test]
fn every_name_has_the_suffix() {
    let template = template();
    let mut names = BTreeSet::new();
    for (id, kind, resource) in all(&template) {
        if UNTAGGED.contains(&kind) || UNNAMED.contains(&kind) {
            continue;
        }
        let name = name(resource).unwrap_or_else(|| panic!("{id}: without a name it gets a random one"));
        assert!(name.contains(SUFFIX), "{id}: {name}");
        names.insert(name);
    }
    for required in [
        "transaction-api-${EnvironmentSuffix}",
        "transaction-api-plan-${EnvironmentSuffix}",
        "transaction-csv-files-${EnvironmentSuffix}-${AWS::AccountId}",
        "transaction-workflow-${EnvironmentSuffix}",
        "transaction-notifications-${EnvironmentSuffix}",
        "transaction-processing-dlq-${EnvironmentSuffix}",
        "csv-validator-${EnvironmentSuffix}",
        "data-transformer-${EnvironmentSuffix}",
        "notification-sender-${EnvironmentSuffix}",
        "processing-status-${EnvironmentSuffix}",
        "transactions-${EnvironmentSuffix}",
        "webhook-api-${EnvironmentSuffix}",
        "webhook-validator-${EnvironmentSuffix}",
        "fraud-detector-${EnvironmentSuffix}",
        "transaction-archival-${EnvironmentSuffix}",
        "webhook-transactions-${EnvironmentSuffix}",
        "payment-events-${EnvironmentSuffix}",
        "high-value-transactions-${EnvironmentSuffix}",
        "medium-value-transactions-${EnvironmentSuffix}",
        "low-value-transactions-${EnvironmentSuffix}",
        "eventbridge-dlq-${EnvironmentSuffix}",
        "webhook-workflow-${EnvironmentSuffix}",
        "transaction-alerts-${EnvironmentSuffix}",
        "transaction-audit-logs-${EnvironmentSuffix}-${AWS::AccountId}",
    ] {
        assert!(names.contains(required), "{required}");
    }
}

#[test]
fn every_taggable_resource_has_all_three_tags() {
    let template = template();
    for (id, kind, resource) in all(&template).into_iter().filter(|(_, kind, _)| !UNTAGGED.contains(kind)) {
        let member = if kind == "AWS::Budgets::Budget" { "ResourceTags" } else { "Tags" };
        let tags = resource["Properties"][member].as_array().unwrap_or_else(|| panic!("{id} has no tags"));
        for (key, value) in [
            ("Environment", json!({"Ref": "EnvironmentSuffix"})),
            ("Application", json!("transaction-processing-pipeline")),
            ("CostCenter", json!("finance-analytics")),
        ] {
            // SAM adds one of its own to its resources.
            assert!(tags.contains(&json!({"Key": key, "Value": value})), "{id} lacks the tag {key}");
        }
    }
}

#[test]
fn every_log_group_has_a_retention() {
    let template = template();
    let groups = resources(&template, "AWS::Logs::LogGroup");
    for (id, group) in &groups {
        // A week for files, a month for payments.
        let name = group["Properties"]["LogGroupName"]["Fn::Sub"].as_str().unwrap();
        let of_files = ["transaction-api", "transaction-workflow", "csv-", "data-", "notification-"];
        let days = if of_files.iter().any(|part| name.contains(part)) { 7 } else { 30 };
        assert_eq!(group["Properties"]["RetentionInDays"], days, "{id}");
    }
    // A function without a group in the template gets one without a retention.
    let functions = resources(&template, "AWS::Lambda::Function");
    let of_functions = functions.iter().map(|(_, function)| &function["Properties"]["LoggingConfig"]["LogGroup"]);
    let stages = resources(&template, "AWS::ApiGateway::Stage");
    let of_stages = stages.iter().map(|(_, stage)| &stage["Properties"]["AccessLogSetting"]["DestinationArn"]);
    let machines = machines(&template);
    let of_machines = machines.iter().map(|machine| {
        &machine.properties["LoggingConfiguration"]["Destinations"][0]["CloudWatchLogsLogGroup"]["LogGroupArn"]
    });
    // The group of small payments is a rule's target, not a log of ours.
    let of_rules = ["LowValueLogGroup"];
    let mut written: Vec<&str> =
        of_functions.chain(of_stages).chain(of_machines).map(id_in_reference).chain(of_rules).collect();
    written.sort_unstable();
    let known: Vec<&str> = groups.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(written, known, "each log has a group of its own, and each group a log");
}

#[test]
fn everything_is_traced_and_state_machines_log_each_state() {
    let template = template();
    for machine in machines(&template) {
        let properties = &machine.properties;
        assert_eq!(properties["StateMachineType"], "EXPRESS", "{}", machine.id);
        // An Express execution has no history but this log.
        assert_eq!(properties["LoggingConfiguration"]["Level"], "ALL", "{}", machine.id);
        assert_eq!(properties["TracingConfiguration"]["Enabled"], true, "{}", machine.id);
    }
    for (id, function) in resources(&template, "AWS::Lambda::Function") {
        assert_eq!(function["Properties"]["TracingConfig"]["Mode"], "Active", "{id}");
    }
    for (id, stage) in resources(&template, "AWS::ApiGateway::Stage") {
        assert_eq!(stage["Properties"]["TracingEnabled"], true, "{id}");
    }
}

#[test]
fn no_resource_outlives_the_stack() {
    let template = template();
    /// Resources that AWS would retain, or that have data: their policies delete them.
    const WITH_DATA: [&str; 5] =
        ["AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::SQS::Queue"];
    for (id, kind, resource) in all(&template) {
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            let absent = resource[policy].is_null() && !WITH_DATA.contains(&kind);
            assert!(absent || resource[policy] == "Delete", "{id} outlives the stack by its {policy}");
        }
        assert_ne!(resource["Properties"]["DeletionProtectionEnabled"], true, "{id}");
    }
}

#[test]
fn functions_have_the_required_settings() {
    let template = template();
    for (id, function) in resources(&template, "AWS::Lambda::Function") {
        let properties = &function["Properties"];
        assert_eq!(
            (&properties["PackageType"], &properties["Architectures"]),
            (&json!("Image"), &json!(["arm64"])),
            "{id}"
        );
        assert!(!properties["Environment"]["Variables"]["ENVIRONMENT"].is_null(), "{id}");
    }
    for id in ["CsvValidatorFunction", "DataTransformerFunction", "NotificationSenderFunction"] {
        for required in ["S3_BUCKET", "STATUS_TABLE", "TRANSACTIONS_TABLE", "SNS_TOPIC_ARN"] {
            let variables = &template["Resources"][id]["Properties"]["Environment"]["Variables"];
            assert!(!variables[required].is_null(), "{id} lacks {required}");
        }
    }
    for (id, memory, timeout) in [
        ("CsvValidatorFunction", 512, 60),
        ("DataTransformerFunction", 512, 300),
        ("NotificationSenderFunction", 512, 30),
        ("WebhookValidatorFunction", 1024, 30),
        ("FraudDetectorFunction", 512, 60),
        ("TransactionArchivalFunction", 512, 300),
    ] {
        let function = &template["Resources"][id]["Properties"];
        assert_eq!((&function["MemorySize"], &function["Timeout"]), (&json!(memory), &json!(timeout)), "{id}");
    }
}

/// `sam local` sets declared variables only. On AWS an endpoint would redirect every request of a function.
#[test]
fn functions_have_an_endpoint_variable_that_is_empty_on_aws() {
    let template = template();
    let endpoints = |template: &Value| -> Vec<Value> {
        let functions = resources(template, "AWS::Lambda::Function");
        let variables = |function: &Value| function["Properties"]["Environment"]["Variables"].clone();
        functions.iter().map(|(_, function)| variables(function)["AWS_ENDPOINT_URL"].clone()).collect()
    };
    let no_value = json!({"Ref": "AWS::NoValue"});
    assert!(endpoints(&template).iter().all(|endpoint| *endpoint == no_value), "{:?}", endpoints(&template));
    let deployed = endpoints(&deployed_with(&template, &[]));
    assert!(deployed.iter().all(Value::is_null), "{deployed:?}");
}

#[test]
fn budget_expiry_cap_and_subscription_are_optional() {
    let template = template();
    let with = |parameters: &[(&str, Value)]| deployed_with(&template, parameters)["Resources"].clone();
    let plain = with(&[]);
    assert!(plain["AccountBudget"].is_null() && plain["AlarmEmailSubscription"].is_null());
    let budget = &with(&[("MonthlyBudgetUsd", json!(50))])["AccountBudget"]["Properties"]["Budget"];
    assert_eq!(budget["BudgetLimit"], json!({"Amount": {"Ref": "MonthlyBudgetUsd"}, "Unit": "USD"}));
    let subscription = &with(&[("AlarmEmail", json!("ops@example.com"))])["AlarmEmailSubscription"]["Properties"];
    assert_eq!(subscription["Endpoint"], json!({"Ref": "AlarmEmail"}));
    let cap =
        |resources: &Value| resources["DataTransformerFunction"]["Properties"]["ReservedConcurrentExecutions"].clone();
    assert!(cap(&plain).is_null());
    assert_eq!(cap(&with(&[("TransformerConcurrency", json!(32))])), json!({"Ref": "TransformerConcurrency"}));
    let expiries = |resources: &Value| {
        let rules = resources["TransactionBucket"]["Properties"]["LifecycleConfiguration"]["Rules"].clone();
        // Correctable files always expire: they are created again on request.
        let of_files = rules.as_array().unwrap().iter().filter(|rule| rule["Prefix"].is_null());
        of_files.filter(|rule| !rule["ExpirationInDays"].is_null()).count()
    };
    assert_eq!((expiries(&plain), expiries(&with(&[("FileExpiryDays", json!(90))]))), (0, 1));
}

/// A file of a partner's content that was created for a download must expire, even if other objects are kept.
#[test]
fn correctable_files_expire_after_a_week() {
    let template = template();
    let bucket = &template["Resources"]["TransactionBucket"]["Properties"];
    let rules = bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["Prefix"] == "corrections/").unwrap();
    assert_eq!((&rule["Status"], &rule["ExpirationInDays"]), (&json!("Enabled"), &json!(7)));
    assert_eq!(rule["NoncurrentVersionExpiration"], json!({"NoncurrentDays": 1}));
}

#[test]
fn every_bucket_is_encrypted_versioned_private_and_https_only() {
    let template = template();
    let policies = resources(&template, "AWS::S3::BucketPolicy");
    for (id, bucket) in resources(&template, "AWS::S3::Bucket") {
        let bucket = &bucket["Properties"];
        assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled", "{id}");
        assert!(bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"].is_array(), "{id}");
        let blocked = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
        assert!(blocked.len() == 4 && blocked.values().all(|value| *value == true), "{id}");
        assert_eq!(bucket["OwnershipControls"]["Rules"], json!([{"ObjectOwnership": "BucketOwnerEnforced"}]), "{id}");
        let rules = bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap();
        let expires = |rule: &Value| rule["NoncurrentVersionExpiration"]["NoncurrentDays"].is_u64();
        assert!(rules.iter().any(expires), "{id}: old versions expire");
        let policy = policies.iter().find(|(_, policy)| policy["Properties"]["Bucket"] == json!({"Ref": id}));
        let denial = &policy.unwrap().1["Properties"]["PolicyDocument"]["Statement"][0];
        assert_eq!(
            (&denial["Effect"], &denial["Principal"], &denial["Action"]),
            (&json!("Deny"), &json!("*"), &json!("s3:*"))
        );
        assert_eq!(denial["Condition"], json!({"Bool": {"aws:SecureTransport": "false"}}));
        let arn = json!({"Fn::GetAtt": [id, "Arn"]});
        assert_eq!(denial["Resource"], json!([arn, {"Fn::Sub": format!("${{{id}.Arn}}/*")}]));
    }
}

#[test]
fn every_table_is_on_demand_recoverable_and_encrypted() {
    let template = template();
    for (id, table) in resources(&template, "AWS::DynamoDB::Table") {
        let table = &table["Properties"];
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{id}");
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{id}");
        assert_eq!(table["SSESpecification"]["SSEEnabled"], true, "{id}");
    }
    let index = |name: &str, partition: &str, projection: &str| {
        json!({
            "IndexName": name,
            "KeySchema": [
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": "timestamp", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": projection},
        })
    };
    let indexes = |id: &str| &template["Resources"][id]["Properties"]["GlobalSecondaryIndexes"];
    let by_day = index("timestamp-index", "day", "KEYS_ONLY");
    let by_partner = index("partner-index", "partner", "KEYS_ONLY");
    let mut unfinished = index("unfinished-index", "unfinished", "KEYS_ONLY");
    unfinished["KeySchema"][1]["AttributeName"] = json!("unfinished_since_ms");
    assert_eq!(*indexes("ProcessingStatusTable"), json!([by_day, by_partner, unfinished]));
    let mut by_shard = index("timestamp-index", "day_shard", "ALL");
    by_shard["WarmThroughput"] = warm_throughput();
    assert_eq!(*indexes("TransactionsTable"), json!([by_shard]));
}

/// The throughput of a cold index limits its table, so both have the same.
#[test]
fn warm_throughput_of_the_transaction_table_is_optional() {
    let template = template();
    assert_eq!(template["Resources"]["TransactionsTable"]["Properties"]["WarmThroughput"], warm_throughput());
    assert_eq!(template["Parameters"]["TransactionsWarmWrites"]["Default"], 0);
    let is_zero = json!({"Fn::Equals": [{"Ref": "TransactionsWarmWrites"}, 0]});
    assert_eq!(template["Conditions"]["HasTransactionsWarmWrites"], json!({"Fn::Not": [is_zero]}));
}

fn warm_throughput() -> Value {
    let writes = json!({"WriteUnitsPerSecond": {"Ref": "TransactionsWarmWrites"}});
    json!({"Fn::If": ["HasTransactionsWarmWrites", writes, {"Ref": "AWS::NoValue"}]})
}

#[test]
fn every_topic_is_encrypted() {
    for (id, topic) in resources(&template(), "AWS::SNS::Topic") {
        assert!(!topic["Properties"]["KmsMasterKeyId"].is_null(), "{id}");
    }
}

#[test]
fn the_file_rule_matches_two_prefixes_and_no_workflow_output() {
    let template = template();
    let pattern = &template["Resources"]["FileArrivalRule"]["Properties"]["EventPattern"];
    assert_eq!((&pattern["source"], &pattern["detail-type"]), (&json!(["aws.s3"]), &json!(["Object Created"])));
    assert_eq!(pattern["detail"]["object"]["key"], json!([{"prefix": "validated/"}, {"prefix": "incoming/"}]));
    assert_eq!(pattern["detail"]["bucket"]["name"], json!([{"Ref": "TransactionBucket"}]));
    let notification = &template["Resources"]["TransactionBucket"]["Properties"]["NotificationConfiguration"];
    assert_eq!(*notification, json!({"EventBridgeConfiguration": {"EventBridgeEnabled": true}}));
}

#[test]
fn outputs_name_what_an_operator_needs() {
    let template = template();
    let values: BTreeSet<String> =
        template["Outputs"].as_object().unwrap().values().map(|output| output["Value"].to_string()).collect();
    for id in [
        "TransactionWorkflowStateMachine",
        "ProcessingStatusTable",
        "TransactionsTable",
        "TransactionBucket",
        "NotificationTopic",
        "DeadLetterQueue",
        "PaymentsTable",
        "PaymentEventBus",
        "AlertsTopic",
        "AuditBucket",
        "PaymentDeadLetterQueue",
        "WebhookWorkflowStateMachine",
        "TransactionArchivalFunction",
    ] {
        assert!(values.contains(&json!({"Ref": id}).to_string()), "{id}");
    }
    assert!(values.iter().any(|value| value.contains("execute-api")), "the API's endpoint");
}

/// CloudFormation's console shows parameters in groups, with labels. One without a group would be shown apart.
#[test]
fn every_parameter_has_a_group_and_a_label() {
    let template = template();
    let interface = &template["Metadata"]["AWS::CloudFormation::Interface"];
    let groups = interface["ParameterGroups"].as_array().unwrap();
    assert!(groups.iter().all(|group| group["Label"]["default"].is_string()), "{groups:?}");
    let mut grouped: Vec<&str> = groups
        .iter()
        .flat_map(|group| group["Parameters"].as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    grouped.sort_unstable();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(grouped, names(&template["Parameters"]), "each in one group");
    assert_eq!(names(&interface["ParameterLabels"]), names(&template["Parameters"]));
    for (name, parameter) in template["Parameters"].as_object().unwrap() {
        assert!(parameter["Description"].is_string() && !parameter["Default"].is_null(), "{name}");
    }
}

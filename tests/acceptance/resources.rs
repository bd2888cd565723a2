//! The resources of the template, held against the requirements: names, sizes, tags, alarms, encryption, expiry.

use crate::template::{resource, resources, template};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SUFFIX: &str = "${EnvironmentSuffix}";

/// Types that take no tags.
const UNTAGGED: [&str; 4] =
    ["AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription"];

/// Properties that name a resource.
const NAMES: [&str; 11] = [
    "Name",
    "RoleName",
    "FunctionName",
    "BucketName",
    "TableName",
    "QueueName",
    "TopicName",
    "LogGroupName",
    "AlarmName",
    "UsagePlanName",
    "BudgetName",
];

fn all(template: &Value) -> Vec<(&String, &str, &Value)> {
    let resources = template["Resources"].as_object().unwrap();
    resources.iter().map(|(id, found)| (id, found["Type"].as_str().unwrap(), &found["Properties"])).collect()
}

/// The names that a resource gives, its own and those of its parts.
fn names(properties: &Value) -> Vec<String> {
    let Some(members) = properties.as_object() else {
        return Vec::new();
    };
    members
        .iter()
        .flat_map(|(name, value)| {
            if NAMES.contains(&name.as_str()) && value.get("Fn::Sub").is_some() {
                vec![value["Fn::Sub"].as_str().unwrap().to_owned()]
            } else if name == "Budget" {
                names(value)
            } else if NAMES.contains(&name.as_str()) {
                vec![value.to_string()]
            } else {
                Vec::new()
            }
        })
        .collect()
}

#[test]
fn every_name_carries_the_suffix() {
    let template = template();
    let named: BTreeSet<String> = all(&template).into_iter().flat_map(|(_, _, properties)| names(properties)).collect();
    for name in &named {
        assert!(name.contains(SUFFIX), "{name}");
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
    ] {
        assert!(named.contains(required), "{required}");
    }
    // What has no name of ours would get one that nobody can search for.
    let nameless: Vec<&String> =
        all(&template).into_iter().filter(|(_, _, found)| names(found).is_empty()).map(|(id, _, _)| id).collect();
    let kinds_without_a_name = ["AWS::KMS::Key"];
    for id in nameless {
        let kind = template["Resources"][id]["Type"].as_str().unwrap();
        assert!(UNTAGGED.contains(&kind) || kinds_without_a_name.contains(&kind), "{id}");
    }
}

#[test]
fn everything_that_takes_tags_has_all_three() {
    let template = template();
    let expected = json!({
        "Environment": {"Ref": "EnvironmentSuffix"},
        "Application": "transaction-processing-pipeline",
        "CostCenter": "finance-analytics",
    });
    for (id, kind, properties) in all(&template) {
        let tags = match kind {
            kind if UNTAGGED.contains(&kind) => continue,
            "AWS::Serverless::Function" => &template["Globals"]["Function"]["Tags"],
            "AWS::Budgets::Budget" => &properties["ResourceTags"],
            _ => &properties["Tags"],
        };
        let found = match tags {
            Value::Array(list) => {
                let pairs = list.iter().map(|tag| (tag["Key"].as_str().unwrap().to_owned(), tag["Value"].clone()));
                Value::Object(pairs.collect())
            }
            other => other.clone(),
        };
        assert_eq!(found, expected, "{id}");
    }
}

#[test]
fn functions_are_as_required() {
    let template = template();
    let globals = &template["Globals"]["Function"];
    assert_eq!(globals["Architectures"], json!(["arm64"]));
    assert_eq!((&globals["MemorySize"], &globals["Tracing"]), (&json!(512), &json!("Active")));
    let variables: Vec<&String> = globals["Environment"]["Variables"].as_object().unwrap().keys().collect();
    for required in ["S3_BUCKET", "STATUS_TABLE", "TRANSACTIONS_TABLE", "SNS_TOPIC_ARN", "ENVIRONMENT"] {
        assert!(variables.iter().any(|name| *name == required), "{required}");
    }
    for (id, timeout) in
        [("CsvValidatorFunction", 60), ("DataTransformerFunction", 300), ("NotificationSenderFunction", 30)]
    {
        let function = &template["Resources"][id]["Properties"];
        assert_eq!((&function["Timeout"], &function["PackageType"]), (&json!(timeout), &json!("Image")), "{id}");
    }
    assert_eq!(resources(&template, "AWS::Serverless::Function").len(), 3);
}

#[test]
fn logs_are_kept_for_seven_days_and_nothing_outlives_the_stack() {
    let template = template();
    let groups = resources(&template, "AWS::Logs::LogGroup");
    assert_eq!(groups.len(), 5, "three functions, the API, the workflow");
    assert!(groups.iter().all(|(_, group)| group["Properties"]["RetentionInDays"] == 7));
    for (id, found) in template["Resources"].as_object().unwrap() {
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert!(found[policy].is_null() || found[policy] == "Delete", "{id} outlives the stack");
        }
    }
}

#[test]
fn alarms_watch_rates_failures_and_depth_and_can_be_delivered() {
    let template = template();
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    let mut watched = BTreeSet::new();
    for (id, alarm) in &alarms {
        let properties = &alarm["Properties"];
        assert_eq!(properties["AlarmActions"], json!([{"Ref": "AlarmTopic"}]), "{id}");
        assert_eq!(properties["TreatMissingData"], "notBreaching", "{id}: no traffic is no failure");
        if let Some(metrics) = properties["Metrics"].as_array() {
            assert_eq!(metrics[0]["Expression"], "IF(invocations > 0, 100 * errors / invocations, 0)", "{id}");
            assert_eq!(
                (&properties["Threshold"], &properties["ComparisonOperator"]),
                (&json!(5), &json!("GreaterThanThreshold"))
            );
            assert_eq!(properties["EvaluationPeriods"], 1, "{id}");
            for (metric, name) in metrics[1..].iter().zip(["Errors", "Invocations"]) {
                assert_eq!(
                    (&metric["MetricStat"]["Period"], &metric["MetricStat"]["Stat"]),
                    (&json!(300), &json!("Sum")),
                    "{id}"
                );
                assert_eq!(metric["MetricStat"]["Metric"]["MetricName"], name, "{id}");
                let dimension = &metric["MetricStat"]["Metric"]["Dimensions"][0];
                assert_eq!(dimension["Name"], "FunctionName");
                watched.insert(format!("{name} of {}", dimension["Value"]["Ref"].as_str().unwrap()));
            }
        } else {
            assert_eq!(properties["Threshold"], 0, "{id}");
            watched.insert(format!("{} {}", properties["Namespace"], properties["MetricName"]).replace('"', ""));
        }
    }
    let rates = ["CsvValidatorFunction", "DataTransformerFunction", "NotificationSenderFunction"]
        .iter()
        .flat_map(|function| [format!("Errors of {function}"), format!("Invocations of {function}")]);
    let others = [
        "AWS/SQS ApproximateNumberOfMessagesVisible",
        "AWS/States ExecutionsFailed",
        "AWS/States ExecutionsTimedOut",
        "AWS/ApiGateway 5XXError",
    ];
    assert_eq!(watched, rates.chain(others.map(str::to_owned)).collect());

    // An alarm cannot publish to a topic under alias/aws/sns.
    assert_eq!(template["Resources"]["AlarmTopic"]["Properties"]["KmsMasterKeyId"], json!({"Ref": "AlarmKey"}));
    let key = template["Resources"]["AlarmKey"]["Properties"]["KeyPolicy"]["Statement"].as_array().unwrap();
    let policies = resources(&template, "AWS::SNS::TopicPolicy");
    let of_alarms =
        policies.iter().find(|(_, policy)| policy["Properties"]["Topics"] == json!([{"Ref": "AlarmTopic"}]));
    let topic = of_alarms.unwrap().1["Properties"]["PolicyDocument"]["Statement"].as_array().unwrap();
    for (service, publishes) in [("cloudwatch.amazonaws.com", true), ("events.amazonaws.com", false)] {
        let allows = |statements: &[Value], action: &str| {
            statements.iter().any(|statement| {
                statement["Effect"] == "Allow"
                    && statement["Principal"]["Service"] == service
                    && statement["Action"].as_str().is_some_and(|allowed| allowed.trim_end_matches('*') == action)
            })
        };
        assert!(allows(key, "kms:Decrypt") && allows(key, "kms:GenerateDataKey"), "{service}");
        assert!(!publishes || allows(topic, "sns:Publish"), "{service}");
    }
}

#[test]
fn a_budget_is_watched_only_if_somebody_asks() {
    let template = template();
    let (_, budget) = resource(&template, "AWS::Budgets::Budget");
    assert_eq!(budget["Condition"], "HasBudget");
    let asked = json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "MonthlyBudgetUsd"}, 0]}]});
    assert_eq!(
        (&template["Conditions"]["HasBudget"], &template["Parameters"]["MonthlyBudgetUsd"]["Default"]),
        (&asked, &json!(0))
    );
    let limit = &budget["Properties"]["Budget"]["BudgetLimit"];
    assert_eq!(limit, &json!({"Amount": {"Ref": "MonthlyBudgetUsd"}, "Unit": "USD"}));
}

#[test]
fn what_is_stored_is_encrypted_recoverable_and_closed() {
    let template = template();
    let (bucket_id, bucket) = resource(&template, "AWS::S3::Bucket");
    let bucket = &bucket["Properties"];
    assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
    assert_eq!(bucket["NotificationConfiguration"], json!({"EventBridgeConfiguration": {"EventBridgeEnabled": true}}));
    assert!(bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"].is_array());
    let blocked = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
    assert!(blocked.len() == 4 && blocked.values().all(|value| *value == true));
    let rules = bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap();
    assert!(
        rules.iter().any(|rule| rule["NoncurrentVersionExpiration"]["NoncurrentDays"].is_u64()),
        "old versions expire"
    );
    assert!(rules.iter().any(|rule| rule["Fn::If"][0] == "HasFileExpiry"), "old files expire, by parameter");
    let (_, policy) = resource(&template, "AWS::S3::BucketPolicy");
    let refusal = &policy["Properties"]["PolicyDocument"]["Statement"][0];
    assert_eq!((&refusal["Effect"], &refusal["Principal"]), (&json!("Deny"), &json!("*")));
    assert_eq!(refusal["Condition"], json!({"Bool": {"aws:SecureTransport": "false"}}));
    let arn = json!({"Fn::GetAtt": [bucket_id, "Arn"]});
    assert_eq!(refusal["Resource"], json!([arn, {"Fn::Sub": format!("${{{bucket_id}.Arn}}/*")}]));

    for (id, partition, projection) in
        [("ProcessingStatusTable", "day", "KEYS_ONLY"), ("TransactionsTable", "day_shard", "ALL")]
    {
        let table = &template["Resources"][id]["Properties"];
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{id}");
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{id}");
        assert_eq!(table["SSESpecification"]["SSEEnabled"], true, "{id}");
        let index = json!({
            "IndexName": "timestamp-index",
            "KeySchema": [
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": "timestamp", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": projection},
        });
        assert_eq!(table["GlobalSecondaryIndexes"], json!([index]), "{id}");
    }
    let (_, queue) = resource(&template, "AWS::SQS::Queue");
    assert_eq!(queue["Properties"]["MessageRetentionPeriod"], 14 * 24 * 60 * 60);
    assert_eq!(queue["Properties"]["SqsManagedSseEnabled"], true);
    assert!(
        resources(&template, "AWS::SNS::Topic")
            .iter()
            .all(|(_, topic)| !topic["Properties"]["KmsMasterKeyId"].is_null())
    );
}

#[test]
fn the_rule_hears_two_prefixes_and_nothing_that_the_workflow_writes() {
    let template = template();
    let (_, rule) = resource(&template, "AWS::Events::Rule");
    let pattern = &rule["Properties"]["EventPattern"];
    assert_eq!((&pattern["source"], &pattern["detail-type"]), (&json!(["aws.s3"]), &json!(["Object Created"])));
    assert_eq!(pattern["detail"]["object"]["key"], json!([{"prefix": "validated/"}, {"prefix": "incoming/"}]));
    assert_eq!(pattern["detail"]["bucket"]["name"], json!([{"Ref": "TransactionBucket"}]));
    let (_, machine) = resource(&template, "AWS::Serverless::StateMachine");
    let properties = &machine["Properties"];
    assert_eq!((&properties["Type"], &properties["Tracing"]["Enabled"]), (&json!("EXPRESS"), &json!(true)));
    assert_eq!(properties["Logging"]["Level"], "ALL");
}

#[test]
fn the_api_is_keyed_limited_logged_and_answers_in_one_shape() {
    let template = template();
    let (_, api) = resource(&template, "AWS::Serverless::Api");
    let properties = &api["Properties"];
    assert_eq!((&properties["StageName"], &properties["TracingEnabled"]), (&json!("prod"), &json!(true)));
    let format: Value = serde_json::from_str(properties["AccessLogSetting"]["Format"].as_str().unwrap()).unwrap();
    let fields: BTreeSet<&String> = format.as_object().unwrap().keys().collect();
    let required =
        ["requestId", "ip", "requestTime", "httpMethod", "resourcePath", "status", "protocol", "responseLength"];
    assert_eq!(fields.into_iter().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(required));

    let definition = &properties["DefinitionBody"];
    assert_eq!(definition["x-amazon-apigateway-binary-media-types"], json!(["multipart/form-data"]));
    let upload = &definition["paths"]["/upload"]["post"];
    assert_eq!(upload["security"], json!([{"api_key": []}]));
    let validator = upload["x-amazon-apigateway-request-validator"].as_str().unwrap();
    assert_eq!(definition["x-amazon-apigateway-request-validators"][validator]["validateRequestParameters"], true);
    assert!(
        upload["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .any(|found| found["name"] == "Content-Type" && found["required"] == true)
    );
    assert!(definition["paths"]["/files/{file_id}"]["get"]["security"].is_null(), "following spends no quota");
    for (kind, response) in definition["x-amazon-apigateway-gateway-responses"].as_object().unwrap() {
        let template = response["responseTemplates"]["application/json"].as_str().unwrap();
        let body: Value = serde_json::from_str(template).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let members: BTreeSet<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, BTreeSet::from(["error", "file_id", "message", "request_id"]), "{kind}");
        assert_eq!((&body["file_id"], &body["request_id"]), (&Value::Null, &json!("$context.requestId")), "{kind}");
    }
    let (_, plan) = resource(&template, "AWS::ApiGateway::UsagePlan");
    assert_eq!(plan["Properties"]["Quota"], json!({"Limit": {"Ref": "DailyQuota"}, "Period": "DAY"}));
    assert_eq!(template["Parameters"]["DailyQuota"]["Default"], 1000);
    assert!(plan["Properties"]["Throttle"].is_object());
}

#[test]
fn the_outputs_name_what_an_operator_needs() {
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
    ] {
        assert!(values.contains(&json!({"Ref": id}).to_string()), "{id}");
    }
    assert!(values.iter().any(|value| value.contains("execute-api")), "the API's endpoint");
}

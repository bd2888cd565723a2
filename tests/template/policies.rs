//! Permissions, from the template alone. The emulator enforces the roles of the functions only; those of the workflows
//! and of the rules are derived here from their definitions, and must be exactly that.

use crate::support::template::{Resources, arn_of, id_in_reference, machines, resources, template};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Actions without resource-level permissions: AWS grants them on everything or not at all.
pub(crate) const ON_EVERYTHING: [&str; 12] = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
];

/// Grants under a condition, and why.
const CONDITIONS: [(&str, &str, &str, &str); 2] = [
    (
        "CsvValidatorRole",
        "PresignUploads",
        r#"{"StringEquals":{"s3:authType":"REST-QUERY-STRING"}}"#,
        "it presigns URLs for partners, and puts no file there itself, which would start the workflow",
    ),
    (
        "NotificationSenderRole",
        "ListReceivedFiles",
        r#"{"StringLike":{"s3:prefix":["incoming/*","validated/*"]}}"#,
        "it checks whether an unfinished file was received, by the names of objects that start the workflow",
    ),
];

/// The statements of a role's own policies.
pub(crate) fn statements(role: &Value) -> Vec<Value> {
    let policies = role["Properties"]["Policies"].as_array().unwrap();
    policies.iter().flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap().clone()).collect()
}

/// The grants of a role: pairs of an action and a resource.
fn grants(role: &Value) -> BTreeSet<(String, String)> {
    let pair = |statement: Value| (statement["Action"].as_str().unwrap().to_owned(), statement["Resource"].to_string());
    statements(role).into_iter().map(pair).collect()
}

fn grant(action: &str, resource: &Value) -> (String, String) {
    (action.to_owned(), resource.to_string())
}

/// The grants for a workflow's own logs and traces.
fn grants_on_everything(service: &str) -> impl Iterator<Item = (String, String)> {
    ON_EVERYTHING.into_iter().filter(move |action| action.starts_with(service)).map(|action| grant(action, &json!("*")))
}

/// Every rule's targets, each with the rule's logical id.
pub(crate) fn targets(template: &Value) -> Resources {
    let rules = resources(template, "AWS::Events::Rule").into_iter();
    let of_rule = |(id, rule): (String, Value)| {
        let targets = rule["Properties"]["Targets"].as_array().unwrap().clone();
        targets.into_iter().map(move |target| (id.clone(), target))
    };
    rules.flat_map(of_rule).collect()
}

#[test]
fn a_policy_statement_is_one_action_on_one_resource() {
    let template = template();
    for (id, role) in resources(&template, "AWS::IAM::Role") {
        let mut sids = BTreeSet::new();
        for statement in statements(&role) {
            let mut names: BTreeSet<&str> = statement.as_object().unwrap().keys().map(String::as_str).collect();
            let condition = CONDITIONS.iter().find(|(role, sid, ..)| *role == id && statement["Sid"] == *sid);
            if let Some((_, _, condition, _)) = condition {
                assert_eq!(statement["Condition"].to_string(), *condition, "{id}: {statement}");
                names.remove("Condition");
            }
            assert_eq!(names, BTreeSet::from(["Action", "Effect", "Resource", "Sid"]), "{id}: {statement}");
            assert_eq!(statement["Effect"], "Allow", "{id}: {statement}");
            let action = statement["Action"].as_str().unwrap_or_else(|| panic!("{id}: one action, not {statement}"));
            let resource = &statement["Resource"];
            assert!(resource.is_string() || resource.is_object(), "{id}: one resource, not {statement}");
            assert_eq!(*resource == "*", ON_EVERYTHING.contains(&action), "{id}: {statement}");
            assert!(sids.insert(statement["Sid"].to_string()), "{id}: {} twice", statement["Sid"]);
        }
        assert_eq!(grants(&role).len(), statements(&role).len(), "{id}: the same grant twice");
        for other_source in ["ManagedPolicyArns", "PermissionsBoundary"] {
            assert!(role["Properties"][other_source].is_null(), "{id} has {other_source}");
        }
    }
    for kind in ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"] {
        assert!(resources(&template, kind).is_empty(), "grants are in their role alone");
    }
}

#[test]
fn each_role_has_one_user_and_trusts_only_its_service() {
    let template = template();
    let mut users = BTreeMap::<String, Vec<&str>>::new();
    let mut add = |role: &Value, service| users.entry(id_in_reference(role).to_owned()).or_default().push(service);
    for (_, function) in resources(&template, "AWS::Lambda::Function") {
        add(&function["Properties"]["Role"], "lambda.amazonaws.com");
    }
    for machine in machines(&template) {
        add(&machine.properties["RoleArn"], "states.amazonaws.com");
    }
    for (_, target) in targets(&template).iter().filter(|(_, target)| !target["RoleArn"].is_null()) {
        add(&target["RoleArn"], "events.amazonaws.com");
    }
    assert_eq!(users.len(), resources(&template, "AWS::IAM::Role").len(), "every role is used");
    for (role, services) in users {
        assert_eq!(services.len(), 1, "{role} is shared");
        let trust = &template["Resources"][&role]["Properties"]["AssumeRolePolicyDocument"]["Statement"];
        let mut expected = json!({
            "Effect": "Allow", "Principal": {"Service": services[0]}, "Action": "sts:AssumeRole",
        });
        // Lambda assumes the role of a function of this account, and names no source. The others are protected from use
        // for another account.
        if services[0] != "lambda.amazonaws.com" {
            expected["Condition"] = json!({"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}});
        }
        assert_eq!(*trust, json!([expected]), "{role}");
    }
}

#[test]
fn a_workflow_may_do_exactly_what_its_states_need() {
    let template = template();
    for machine in machines(&template) {
        let mut expected = BTreeSet::new();
        for (name, state) in machine.tasks() {
            match state["Resource"].as_str().unwrap() {
                "arn:aws:states:::lambda:invoke" => {
                    let function = machine.substituted(&state["Parameters"]["FunctionName"]);
                    expected.insert(grant("lambda:InvokeFunction", function));
                }
                "arn:aws:states:::sqs:sendMessage" => {
                    let queue = machine.substituted(&state["Parameters"]["QueueUrl"]);
                    expected.insert(grant("sqs:SendMessage", &arn_of(id_in_reference(queue))));
                }
                "arn:aws:states:::sns:publish" => {
                    let topic = machine.substituted(&state["Parameters"]["TopicArn"]);
                    expected.insert(grant("sns:Publish", topic));
                    expected.extend(grants_of_key(&template, id_in_reference(topic)));
                }
                other => panic!("{name} calls {other}: its grants are not known here"),
            }
        }
        if machine.properties["LoggingConfiguration"]["Level"] != "OFF" {
            expected.extend(grants_on_everything("logs:"));
        }
        if machine.properties["TracingConfiguration"]["Enabled"] == true {
            expected.extend(grants_on_everything("xray:"));
        }
        let role = &template["Resources"][id_in_reference(&machine.properties["RoleArn"])];
        assert_eq!(grants(role), expected, "{}", machine.id);
    }
}

/// The grants for publishing to a topic under a key of ours.
fn grants_of_key(template: &Value, topic: &str) -> Vec<(String, String)> {
    let key = &template["Resources"][topic]["Properties"]["KmsMasterKeyId"];
    if key["Ref"].is_null() {
        return Vec::new();
    }
    ["kms:GenerateDataKey", "kms:Decrypt"].map(|action| grant(action, &arn_of(id_in_reference(key)))).to_vec()
}

#[test]
fn a_target_may_be_invoked_only_by_its_rule() {
    let template = template();
    for (rule, target) in targets(&template).iter().filter(|(_, target)| target["RoleArn"].is_null()) {
        let source = arn_of(rule);
        if let Some(arn) = target["Arn"]["Fn::Sub"].as_str() {
            let group = arn.rsplit_once("${").unwrap().1.trim_end_matches('}');
            let policies = resources(&template, "AWS::Logs::ResourcePolicy");
            let text = policies[0].1["Properties"]["PolicyDocument"]["Fn::Sub"].as_str().unwrap();
            let policy: Value = serde_json::from_str(text).unwrap();
            let statements = &policy["Statement"];
            for (statement, action) in [(0, "logs:CreateLogStream"), (1, "logs:PutLogEvents")] {
                let statement = &statements[statement];
                assert_eq!((&statement["Action"], &statement["Effect"]), (&json!(action), &json!("Allow")), "{rule}");
                assert_eq!(statement["Resource"], format!("${{{group}.Arn}}"), "{rule}");
            }
            let source = &statements[1]["Condition"]["ArnEquals"]["aws:SourceArn"];
            assert_eq!(*source, format!("${{{rule}.Arn}}"), "{rule}");
            assert_eq!(statements.as_array().unwrap().len(), 2, "{rule}");
            continue;
        }
        let called = id_in_reference(&target["Arn"]);
        let allowed = if template["Resources"][called]["Type"] == "AWS::SNS::Topic" {
            resources(&template, "AWS::SNS::TopicPolicy").iter().any(|(_, policy)| {
                let properties = &policy["Properties"];
                properties["Topics"] == json!([{"Ref": called}])
                    && properties["PolicyDocument"]["Statement"].as_array().unwrap().iter().any(|statement| {
                        statement["Action"] == "sns:Publish"
                            && statement["Principal"] == json!({"Service": "events.amazonaws.com"})
                    })
            })
        } else {
            resources(&template, "AWS::Lambda::Permission").iter().any(|(_, permission)| {
                let properties = &permission["Properties"];
                id_in_reference(&properties["FunctionName"]) == called
                    && properties["Principal"] == "events.amazonaws.com"
                    && properties["SourceArn"] == source
            })
        };
        assert!(allowed, "{rule} may not call {called}");
    }
}

#[test]
fn a_rule_may_do_exactly_what_its_targets_need() {
    let template = template();
    let mut expected = BTreeMap::<&str, BTreeSet<_>>::new();
    let targets = targets(&template);
    for (rule, target) in &targets {
        let log_group = target["Arn"]["Fn::Sub"].as_str().is_some_and(|arn| arn.contains(":logs:"));
        let kind = if log_group {
            ""
        } else {
            template["Resources"][id_in_reference(&target["Arn"])]["Type"].as_str().unwrap()
        };
        match kind {
            "AWS::StepFunctions::StateMachine" => {
                let grants = expected.entry(id_in_reference(&target["RoleArn"])).or_default();
                grants.insert(grant("states:StartExecution", &target["Arn"]));
            }
            // These have a resource policy of their own.
            "" | "AWS::SNS::Topic" | "AWS::Lambda::Function" => assert!(target["RoleArn"].is_null(), "{rule}"),
            other => panic!("{rule} calls {other}: its grants are not known here"),
        }
    }
    for (role, expected) in expected {
        assert_eq!(grants(&template["Resources"][role]), expected, "{role}");
    }
}

#[test]
fn a_function_may_use_only_its_log_group_traces_and_queue() {
    let template = template();
    for (id, function) in resources(&template, "AWS::Lambda::Function") {
        let properties = &function["Properties"];
        let group = id_in_reference(&properties["LoggingConfig"]["LogGroup"]);
        let name = properties["FunctionName"]["Fn::Sub"].as_str().unwrap();
        let group_name = &template["Resources"][group]["Properties"]["LogGroupName"]["Fn::Sub"];
        assert_eq!(group_name, &json!(format!("/aws/lambda/{name}")), "{id}");
        let mut expected = BTreeSet::new();
        expected.extend(["logs:CreateLogStream", "logs:PutLogEvents"].map(|action| grant(action, &arn_of(group))));
        expected.extend(["xray:PutTraceSegments", "xray:PutTelemetryRecords"].map(|action| grant(action, &json!("*"))));
        expected.insert(grant("sqs:SendMessage", &properties["DeadLetterConfig"]["TargetArn"]));
        let mut found = grants(&template["Resources"][id_in_reference(&properties["Role"])]);
        let by_lambda_itself = ["logs:", "xray:", "sqs:"];
        found.retain(|(action, _)| by_lambda_itself.iter().any(|service| action.starts_with(service)));
        assert_eq!(found, expected, "{id}");
    }
}

#[test]
fn a_function_may_use_only_the_keys_of_its_topics() {
    let template = template();
    for (id, function) in resources(&template, "AWS::Lambda::Function") {
        let role = &template["Resources"][id_in_reference(&function["Properties"]["Role"])];
        let topics = statements(role).into_iter().filter(|statement| statement["Action"] == "sns:Publish");
        let expected: BTreeSet<_> =
            topics.flat_map(|statement| grants_of_key(&template, id_in_reference(&statement["Resource"]))).collect();
        let mut found = grants(role);
        found.retain(|(action, _)| action.starts_with("kms:"));
        assert_eq!(found, expected, "{id}");
    }
}

/// Actions with a wildcard in the policy of a resource, and why. No role has any.
const WILDCARD_ACTIONS: [(&str, &str, &str); 3] = [
    ("AWS::S3::BucketPolicy", "s3:*", "it denies: a denial of plain HTTP has to cover everything"),
    ("AWS::KMS::Key", "kms:*", "for the account itself; AWS warns that nobody could manage a key without it"),
    ("AWS::KMS::Key", "kms:GenerateDataKey*", "with or without its plain text, as the service that encrypts decides"),
];

/// Resources with a wildcard that a role may have, and why.
const WILDCARD_RESOURCES: [(&str, &str, &str); 1] = [(
    "WebhookValidatorRole",
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:webhook-signing/${EnvironmentSuffix}/*",
    "providers come and go without a deployment, and Secrets Manager ends each ARN in characters of its own",
)];

#[test]
fn a_wildcard_is_only_where_aws_requires_it() {
    let template = template();
    for (id, resource) in template["Resources"].as_object().unwrap() {
        let kind = resource["Type"].as_str().unwrap();
        for statement in all_statements(resource) {
            let is_deny = statement["Effect"] == "Deny";
            for action in texts(&statement["Action"]).iter().filter(|action| action.contains('*')) {
                let known = WILDCARD_ACTIONS.iter().any(|(on, text, _)| *on == kind && text == action);
                assert!(known && (is_deny || kind == "AWS::KMS::Key"), "{id}: {statement}");
            }
            for resource in texts(&statement["Resource"]).iter().filter(|resource| resource.contains('*')) {
                // In a key's own policy "*" is that key.
                let everything = *resource == "*"
                    && (kind == "AWS::KMS::Key"
                        || statement["Action"].as_str().is_some_and(|action| ON_EVERYTHING.contains(&action)));
                let listed = WILDCARD_RESOURCES.iter().any(|(role, text, _)| *role == id && text == resource);
                assert!(everything || listed || names_objects(&template, resource), "{id}: {statement}");
            }
            let names_anybody = texts(&statement["Principal"]).iter().any(|name| name.contains('*'));
            assert!(!names_anybody || is_deny, "{id}: {statement}");
            for inverted in ["NotAction", "NotResource", "NotPrincipal"] {
                assert!(statement[inverted].is_null(), "{id}: {statement}");
            }
        }
    }
}

/// Every statement of every policy of a resource, wherever it is.
fn all_statements(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(all_statements).collect(),
        Value::Object(members) => {
            let here = members.get("Statement").and_then(Value::as_array).into_iter().flatten();
            here.chain(members.values().flat_map(all_statements)).collect()
        }
        _ => Vec::new(),
    }
}

/// Every text in a value, but for the names of its members.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Whether a text is the ARN of all objects in a bucket of the template, or of those under one prefix: objects are not
/// resources of a template.
fn names_objects(template: &Value, text: &str) -> bool {
    let bucket = text.strip_prefix("${").and_then(|rest| rest.split_once(".Arn}/"));
    bucket.is_some_and(|(id, rest)| {
        template["Resources"][id]["Type"] == "AWS::S3::Bucket"
            && rest.ends_with('*')
            && rest.matches('*').count() == 1
            && (rest == "*" || rest.ends_with("/*"))
    })
}

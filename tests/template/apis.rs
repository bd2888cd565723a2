//! The APIs of the template: who may call what, the limits, and the shape of a gateway's own errors.

use crate::support::template::{id_in_reference, resources, template};
use api::problem::{self, Code};
use domain::UploadRequest;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The methods that need no key, and why.
const WITHOUT_A_KEY: [(&str, &str, &str); 6] = [
    ("TransactionApi", "GET /errors", "a client that is rejected, even for a missing key, may read why"),
    ("TransactionApi", "GET /openapi.json", "it says nothing that the repository does not"),
    ("TransactionApi", "GET /", "the page says the same to everybody, and asks for the key itself"),
    (
        "TransactionApi",
        "GET /files/{file_id}",
        "following a file must not spend the quota, which counts every request with a key; the token in its query opens it",
    ),
    ("WebhookApi", "GET /errors", "the types of its errors link there"),
    ("WebhookApi", "POST /webhook", "a provider proves itself by its signature, which the function checks"),
];

/// The member of each API's errors that is null in those of the gateway.
const SUBJECTS: [(&str, &str); 2] = [("TransactionApi", "file_id"), ("WebhookApi", "transaction_id")];

/// Every method of an API, as `POST /upload`, with its definition.
pub(crate) fn methods(api: &Value) -> Vec<(String, &Value)> {
    let paths = api["Properties"]["Body"]["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, methods)| {
        methods
            .as_object()
            .unwrap()
            .iter()
            .map(move |(verb, method)| (format!("{} {path}", verb.to_uppercase()), method))
    });
    methods.collect()
}

#[test]
fn every_method_needs_a_key_but_those_listed() {
    let template = template();
    let mut open = BTreeSet::new();
    for (id, api) in resources(&template, "AWS::ApiGateway::RestApi") {
        let body = &api["Properties"]["Body"];
        if methods(&api).iter().any(|(_, method)| !method["security"].is_null()) {
            assert_eq!(body["x-amazon-apigateway-api-key-source"], "HEADER", "{id}");
            let scheme = json!({"type": "apiKey", "name": "x-api-key", "in": "header"});
            assert_eq!(body["components"]["securitySchemes"]["api_key"], scheme, "{id}");
        }
        for (name, method) in methods(&api) {
            if method["security"] != json!([{"api_key": []}]) {
                open.insert((id.clone(), name));
            }
        }
    }
    let listed = WITHOUT_A_KEY.map(|(api, method, _)| (api.to_owned(), method.to_owned()));
    assert_eq!(open, BTreeSet::from(listed));
}

/// A key without a usage plan opens nothing, and a plan without a quota limits nobody.
#[test]
fn keys_have_a_daily_quota_and_a_rate() {
    let template = template();
    let plans = resources(&template, "AWS::ApiGateway::UsagePlan");
    for (id, api) in resources(&template, "AWS::ApiGateway::RestApi") {
        let keyed = methods(&api).iter().any(|(_, method)| !method["security"].is_null());
        let of_api = |plan: &Value| plan["Properties"]["ApiStages"][0]["ApiId"] == json!({"Ref": id});
        assert!(!keyed || plans.iter().any(|(_, plan)| of_api(plan)), "{id}");
    }
    for (id, plan) in &plans {
        let plan = &plan["Properties"];
        assert_eq!(plan["Quota"], json!({"Limit": {"Ref": "DailyQuota"}, "Period": "DAY"}), "{id}");
        assert!(!plan["Throttle"]["RateLimit"].is_null() && !plan["Throttle"]["BurstLimit"].is_null(), "{id}");
    }
    assert_eq!(template["Parameters"]["DailyQuota"]["Default"], 1000);
}

#[test]
fn every_api_has_one_throttled_and_logged_stage() {
    let template = template();
    let stages = resources(&template, "AWS::ApiGateway::Stage");
    for (id, deployment) in resources(&template, "AWS::ApiGateway::Deployment") {
        let stage = &deployment["Properties"]["StageName"];
        assert!(stage.is_null(), "{id}: without OpenApiVersion SAM makes a stage {stage} that is not needed");
    }
    for (id, _) in resources(&template, "AWS::ApiGateway::RestApi") {
        let of_api: Vec<&Value> = stages
            .iter()
            .map(|(_, stage)| &stage["Properties"])
            .filter(|stage| stage["RestApiId"] == json!({"Ref": id}))
            .collect();
        assert_eq!(of_api.len(), 1, "{id}");
        let stage = of_api[0];
        assert_eq!(stage["StageName"], "prod", "{id}");
        let settings = &stage["MethodSettings"][0];
        assert_eq!((&settings["ResourcePath"], &settings["HttpMethod"]), (&json!("/*"), &json!("*")), "{id}");
        let is_limit =
            |limit: &Value| limit.is_u64() || template["Parameters"][id_in_reference(limit)]["Default"].is_u64();
        assert!(is_limit(&settings["ThrottlingRateLimit"]) && is_limit(&settings["ThrottlingBurstLimit"]), "{id}");
        // It would write whole requests, with keys and contents, into the log.
        assert!(settings["DataTraceEnabled"] != true && settings["LoggingLevel"].is_null(), "{id}");
        let format: Value = serde_json::from_str(stage["AccessLogSetting"]["Format"].as_str().unwrap()).unwrap();
        let fields: BTreeSet<&str> = format.as_object().unwrap().keys().map(String::as_str).collect();
        let required =
            ["requestId", "ip", "requestTime", "httpMethod", "resourcePath", "status", "protocol", "responseLength"];
        assert_eq!(fields, BTreeSet::from(required), "{id}");
    }
}

/// SAM makes the permissions from a function's events, and the calls are in the API's definition: both must agree.
#[test]
fn a_function_may_be_invoked_only_by_its_methods() {
    let template = template();
    let mut calls = BTreeSet::new();
    for (api_id, api) in resources(&template, "AWS::ApiGateway::RestApi") {
        for (name, method) in methods(&api) {
            let integration = &method["x-amazon-apigateway-integration"];
            assert_eq!(integration["type"], "aws_proxy", "{name}");
            let uri = integration["uri"]["Fn::Sub"].as_str().unwrap();
            let function = uri.split_once("functions/${").and_then(|(_, rest)| rest.split_once(".Arn}/")).unwrap().0;
            // In the ARN of a method, a part of the path that varies is a star.
            let path: String = name
                .split('/')
                .map(|part| if part.starts_with('{') { "*" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            calls.insert((function.to_owned(), api_id.clone(), path.replace(' ', "")));
        }
    }
    let mut permitted = BTreeSet::new();
    for (id, permission) in resources(&template, "AWS::Lambda::Permission") {
        let permission = &permission["Properties"];
        assert_eq!(permission["Action"], "lambda:InvokeFunction", "{id}");
        if permission["Principal"] == "events.amazonaws.com" {
            continue;
        }
        assert_eq!(permission["Principal"], "apigateway.amazonaws.com", "{id}: say here who else calls a function");
        let source = &permission["SourceArn"]["Fn::Sub"];
        let path = source[0].as_str().unwrap().split_once("${__ApiId__}/${__Stage__}/").unwrap().1;
        let api = id_in_reference(&source[1]["__ApiId__"]).to_owned();
        permitted.insert((id_in_reference(&permission["FunctionName"]).to_owned(), api, path.to_owned()));
    }
    assert_eq!(permitted, calls);
}

#[test]
fn gateway_responses_have_the_shape_of_the_functions() {
    for (id, api) in resources(&template(), "AWS::ApiGateway::RestApi") {
        let responses = &api["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"];
        let (_, subject) = SUBJECTS.into_iter().find(|(api, _)| *api == id).unwrap();
        for (kind, response) in responses.as_object().unwrap() {
            let text = response["responseTemplates"]["application/json"].as_str().unwrap();
            let body: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{id}, {kind}: {error}"));
            let code = body["error"].as_str().unwrap();
            let code = Code::named(code).unwrap_or_else(|| panic!("{id}, {kind}: the table lacks {code}"));
            let status = code.status().as_u16();
            // The same members in the same order as in `api::gateway`.
            let expected = json!({
                "error": code.as_str(),
                "message": body["message"],
                "type": code.type_uri("/$context.stage"),
                "title": code.title(),
                "status": status,
                "detail": body["message"],
                "instance": "urn:uuid:$context.requestId",
                "request_id": "$context.requestId",
                subject: null,
            });
            assert_eq!(text, expected.to_string(), "{id}, {kind}");
            assert_eq!(response["statusCode"], status, "{id}, {kind}");
            let content_type = &response["responseParameters"]["gatewayresponse.header.Content-Type"];
            assert_eq!(content_type, &json!(format!("'{}'", problem::CONTENT_TYPE)), "{id}, {kind}");
        }
        assert!(responses["DEFAULT_4XX"].is_object() && responses["DEFAULT_5XX"].is_object(), "{id}");
    }
}

#[test]
fn an_upload_is_binary_and_requires_a_content_type() {
    let template = template();
    let body = &template["Resources"]["TransactionApi"]["Properties"]["Body"];
    assert_eq!(body["x-amazon-apigateway-binary-media-types"], json!(["multipart/form-data"]));
    let upload = &body["paths"]["/upload"]["post"];
    let validator = upload["x-amazon-apigateway-request-validator"].as_str().unwrap();
    assert_eq!(body["x-amazon-apigateway-request-validators"][validator]["validateRequestParameters"], true);
    let parameters = upload["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|found| found["name"] == "Content-Type" && found["required"] == true));
}

/// The function may reject what the gateway passes on; but no model may reject what the function accepts.
#[test]
fn the_model_of_created_uploads_is_what_the_function_reads() {
    let template = template();
    let body = &template["Resources"]["TransactionApi"]["Properties"]["Body"];
    let create_upload = &body["paths"]["/uploads"]["post"];
    let model = &create_upload["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(model, "#/components/schemas/UploadRequest");
    let validator = create_upload["x-amazon-apigateway-request-validator"].as_str().unwrap();
    let checks = json!({"validateRequestParameters": true, "validateRequestBody": true});
    assert_eq!(body["x-amazon-apigateway-request-validators"][validator], checks);
    let schema = json!({
        "type": "object", "required": ["size", "sha256"], "additionalProperties": false,
        "properties": {
            "size": {"type": "integer", "minimum": 1},
            "sha256": {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"},
            "expected_rows": {"type": "integer", "minimum": 0},
            "expected_totals": {
                "type": "object", "minProperties": 1,
                "additionalProperties": {"type": "string", "pattern": "^-?[0-9]+([.][0-9]+)?$"},
            },
        },
    });
    assert_eq!(body["components"]["schemas"]["UploadRequest"], schema);
    // For each rule of the model, the function's error for a body that breaks it.
    let sha256 = "0123456789abcdefABCDEF".repeat(3)[..64].to_owned();
    for (body, expected) in [
        (json!({"size": 1, "sha256": sha256}), None),
        (json!({"size": 1, "sha256": sha256, "expected_rows": 0, "expected_totals": {"EUR": "-9.3"}}), None),
        (json!({"size": 1, "sha256": sha256, "expected_rows": "2"}), Some("expected_rows_malformed")),
        (json!({"size": 1, "sha256": sha256, "expected_rows": -1}), Some("expected_rows_malformed")),
        (json!({"size": 1, "sha256": sha256, "expected_totals": {}}), Some("expected_totals_malformed")),
        (json!({"size": 1, "sha256": sha256, "expected_totals": []}), Some("expected_totals_malformed")),
        (json!({"size": 1, "sha256": sha256, "expected_totals": {"EUR": 9}}), Some("expected_totals_malformed")),
        (json!({"size": 1, "sha256": sha256, "expected_totals": {"EUR": "1e3"}}), Some("expected_totals_malformed")),
        (json!([]), Some("object_missing")),
        (json!({"sha256": sha256}), Some("size_missing")),
        (json!({"size": 1}), Some("sha256_missing")),
        (json!({"size": 1, "sha256": sha256, "name": "day.csv"}), Some("member_unexpected")),
        (json!({"size": "1", "sha256": sha256}), Some("size_malformed")),
        (json!({"size": 0, "sha256": sha256}), Some("size_malformed")),
        (json!({"size": 1, "sha256": 1}), Some("sha256_malformed")),
        (json!({"size": 1, "sha256": &sha256[1..]}), Some("sha256_malformed")),
        (json!({"size": 1, "sha256": sha256.replace('f', "g")}), Some("sha256_malformed")),
    ] {
        let code = UploadRequest::read(body.to_string().as_bytes()).err().map(|fault| fault.code.as_str());
        assert_eq!(code, expected, "{body}");
    }
}

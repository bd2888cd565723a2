//! `openapi/openapi.json` describes both APIs: the same methods, parameters and models as the template, the same codes
//! as the table of problems and the rules, and every response in this suite.

use crate::support::template::{resources, template, text_of};
use crate::support::upload::ApiResponse;
use crate::template::apis::methods;
use api::problem::{self, Code};
use api::routes;
use domain::FileStatus;
use domain::csv::{Column, ErrorCode};
use domain::limits::{
    BUCKET_FILE_BYTES_MAX, CUSTOMER_ID_CHARS_MAX, DAY_FILES_MAX, ERRORS_IN_DRY_RUN_MAX, SUPERSEDED_BY_MAX,
    TRANSACTION_ID_CHARS_MAX,
};
use domain::payments::webhook::PaymentErrorCode;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The description.
pub(crate) static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&text_of("openapi/openapi.json")).unwrap());

/// Checks that a response of one of the APIs is described: its status, its content type and its code.
#[track_caller]
pub(crate) fn assert_described(method: &Method, path: &str, response: &ApiResponse) {
    // The part before the stage names the API.
    let Some((_, route)) = path.split_once("/prod/") else { return };
    let Some(operation) = described(method.as_str(), &format!("/{route}")) else {
        assert_eq!((response.status, response.error()), (404, "route_not_found"), "{method} {path}: {}", response.body);
        return;
    };
    let described = &operation["responses"][response.status.to_string()];
    assert!(described.is_object(), "{method} {path}: {} is not described: {}", response.status, response.body);
    let content_type = response.content_type();
    let media = &described["content"][content_type];
    assert!(media.is_object(), "{method} {path}: {} as {content_type} is not described", response.status);
    if response.status >= 400 {
        let codes = codes_of(&media["schema"]);
        assert!(codes.contains(response.error()), "{method} {path}: {} is not described: {codes:?}", response.body);
    }
}

/// The described method that takes this request.
fn described(method: &str, path: &str) -> Option<&'static Value> {
    let fits = |template: &str| {
        let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
        template.len() == path.len()
            && template.iter().zip(path).all(|(part, found)| part.starts_with('{') || *part == found)
    };
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let (_, methods) = paths.iter().find(|(template, _)| fits(template))?;
    methods.get(method.to_lowercase())
}

/// The codes that an error of this schema may have.
fn codes_of(schema: &'static Value) -> BTreeSet<&'static str> {
    let schema = resolved(schema);
    let error = &schema["properties"]["error"];
    let here = error["enum"].as_array().into_iter().flatten().chain(error.get("const")).filter_map(Value::as_str);
    let others = schema["oneOf"].as_array().into_iter().flatten().flat_map(codes_of);
    here.chain(others).collect()
}

fn resolved(schema: &'static Value) -> &'static Value {
    schema["$ref"].as_str().map_or(schema, |place| DESCRIPTION.pointer(place.trim_start_matches('#')).unwrap())
}

fn schema(name: &str) -> &'static Value {
    &DESCRIPTION["components"]["schemas"][name]
}

fn texts(values: &Value) -> BTreeSet<&str> {
    values.as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

/// Every described method, as `POST /upload`.
fn operations() -> Vec<(String, &'static Value)> {
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let of_path = |(path, item): (&'static String, &'static Value)| {
        let methods = item.as_object().unwrap().iter().filter(|(name, _)| *name != "servers");
        methods.map(move |(verb, operation)| (format!("{} {path}", verb.to_uppercase()), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

fn operation(name: &str) -> &'static Value {
    operations().into_iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("{name} is not described")).1
}

#[test]
fn methods_match_the_template() {
    let template = template();
    let mut built = BTreeSet::new();
    for (api, resource) in resources(&template, "AWS::ApiGateway::RestApi") {
        for (name, method) in methods(&resource) {
            let described = operation(&name);
            assert_eq!(described["security"], method["security"], "{api}, {name}");
            parameters_are_described(&name, method, described);
            built.insert(name);
        }
    }
    let described: BTreeSet<String> = operations().into_iter().map(|(name, _)| name).collect();
    assert_eq!(described, built);
    let in_code: BTreeSet<String> = routes::all().map(|(_, route)| route.to_string()).collect();
    assert_eq!(described, in_code);
}

fn parameters_are_described(name: &str, method: &Value, described: &Value) {
    let none = Vec::new();
    let parameters = |operation: &Value| operation["parameters"].as_array().unwrap_or(&none).clone();
    for parameter in parameters(method) {
        // OpenAPI says it of the body.
        if parameter["name"] == "Content-Type" {
            assert_eq!(described["requestBody"]["required"], parameter["required"], "{name}");
            continue;
        }
        let of_same_name = |found: &Value| (&found["name"], &found["in"]) == (&parameter["name"], &parameter["in"]);
        let found = parameters(described).into_iter().find(of_same_name);
        let found = found.unwrap_or_else(|| panic!("{name}: {parameter} is not described"));
        assert_eq!(found["required"], parameter["required"], "{name}: {parameter}");
    }
    let in_path: BTreeSet<&str> = name.split(['{', '}']).skip(1).step_by(2).collect();
    let all = parameters(described);
    let described: BTreeSet<&str> =
        all.iter().filter(|found| found["in"] == "path").map(|found| found["name"].as_str().unwrap()).collect();
    assert_eq!(described, in_path, "{name}");
}

/// What the description allows the gateway lets through: the model has no member and no demand of its own.
#[test]
fn body_models_match_the_template() {
    let template = template();
    for (api, path) in [("TransactionApi", "/uploads"), ("WebhookApi", "/webhook")] {
        let body = &template["Resources"][api]["Properties"]["Body"];
        for (content_type, media) in body["paths"][path]["post"]["requestBody"]["content"].as_object().unwrap() {
            let model = media["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
            let built = &body["components"]["schemas"][model];
            let media = &operation(&format!("POST {path}"))["requestBody"]["content"][content_type];
            let described = resolved(&media["schema"]);
            assert_eq!(texts(&described["required"]), texts(&built["required"]), "{model}");
            assert_eq!(described["additionalProperties"], built["additionalProperties"], "{model}");
            for (name, property) in built["properties"].as_object().unwrap() {
                let found = resolved(&described["properties"][name]);
                assert!(found.is_object(), "{model}: {name} is not described");
                for rule in ["type", "minimum", "pattern"].into_iter().filter(|rule| !property[rule].is_null()) {
                    assert_eq!(found[rule], property[rule], "{model}: {name}");
                }
            }
        }
    }
}

#[test]
fn codes_of_each_method_match_the_problem_table() {
    for (name, described) in operations() {
        let of_name: Vec<_> = routes::all().filter(|(_, route)| route.to_string() == name).collect();
        let of_name = |operation| of_name.iter().any(|(found, _)| *found == operation);
        let codes_of_status = |status: u16| {
            let here = Code::ALL.iter().filter(|code| code.operations().any(of_name));
            here.filter(|code| code.status() == status).map(|code| code.as_str()).collect::<BTreeSet<_>>()
        };
        let responses = described["responses"].as_object().unwrap();
        for (status, response) in responses.iter().filter(|(status, _)| *status != "200") {
            let media = &response["content"][problem::CONTENT_TYPE];
            let status: u16 = status.parse().unwrap();
            let codes = codes_of_status(status);
            assert_eq!(codes_of(&media["schema"]), codes, "{name}, {status}");
            for (code, example) in media["examples"].as_object().into_iter().flatten() {
                assert!(codes.contains(code.as_str()), "{name}, {status}: {code}");
                assert_eq!(example["$ref"], format!("#/components/examples/{code}"), "{name}, {status}");
            }
        }
        let described: BTreeSet<u16> = responses.keys().filter_map(|status| status.parse().ok()).collect();
        let statuses =
            Code::ALL.iter().map(|code| code.status().as_u16()).filter(|status| !codes_of_status(*status).is_empty());
        assert_eq!(described, statuses.chain([200]).collect(), "{name}");
    }
}

#[test]
fn each_code_has_a_complete_example() {
    let examples = DESCRIPTION["components"]["examples"].as_object().unwrap();
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(examples.keys().map(String::as_str).collect::<BTreeSet<_>>(), codes);
    assert_eq!(texts(&schema("Problem")["properties"]["error"]["enum"]), codes);
    for code in Code::ALL {
        let example = &examples[code.as_str()]["value"];
        let expected = json!([
            code.as_str(),
            code.title(),
            code.status().as_u16(),
            code.type_uri("/prod"),
            example["message"],
            format!("urn:uuid:{}", example["request_id"].as_str().unwrap()),
        ]);
        let found = ["error", "title", "status", "type", "detail", "instance"].map(|member| example[member].clone());
        assert_eq!(json!(found), expected, "{code:?}");
    }
}

#[test]
fn lists_and_bounds_match_the_domain() {
    let of_files: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts(&schema("RowError")["properties"]["code"]["enum"]), of_files);
    assert_eq!(texts(&schema("InvalidCsv")["properties"]["errors_by_code"]["propertyNames"]["enum"]), of_files);
    let columns: BTreeSet<&str> = Column::ALL.iter().map(|column| column.name()).collect();
    assert_eq!(texts(&schema("RowError")["properties"]["column"]["enum"]), columns);
    let of_payments: BTreeSet<&str> = PaymentErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts(&schema("PaymentError")["properties"]["code"]["enum"]), of_payments);
    let statuses: BTreeSet<&str> = FileStatus::ALL.iter().map(|status| status.as_str()).collect();
    assert_eq!(texts(&schema("FileStatus")["enum"]), statuses);
    for (name, property, rule, bound) in [
        ("UploadRequest", "size", "maximum", BUCKET_FILE_BYTES_MAX),
        ("Payment", "transaction_id", "maxLength", TRANSACTION_ID_CHARS_MAX as u64),
        ("Payment", "customer_id", "maxLength", CUSTOMER_ID_CHARS_MAX as u64),
        ("AcceptedFile", "superseded_by", "maxItems", SUPERSEDED_BY_MAX as u64),
        ("InvalidCsv", "errors", "maxItems", ERRORS_IN_DRY_RUN_MAX as u64),
        ("Day", "files", "maxItems", DAY_FILES_MAX as u64),
    ] {
        assert_eq!(schema(name)["properties"][property][rule], bound, "{name}, {property}");
    }
}

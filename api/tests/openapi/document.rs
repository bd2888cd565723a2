//! The document: one operation for each route, with the codes that the problem table gives it.

use crate::rejections::EXAMPLES;
use crate::{bodies, schemas};
use api::Code;
use api::problem;
use api::routes::{self, Access, Content, Location, Operation, Parameter, Route, Values};
use serde_json::{Map, Value, json};

/// The request of the examples.
const REQUEST_ID: &str = "51690a3e-7f6d-4a0c-9a52-0d5c7a7c1b1e";

/// The whole document.
pub(crate) fn whole() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Transaction files and payment webhooks",
            "version": "1.0",
            "summary": "Each file and each payment is processed once.",
            "description": "Partner banks send their transactions as CSV files, payment providers send single ones as signed \
                            webhooks. Amounts stay exact, and what is sent twice is done once.\n\nEvery rejection is \
                            application/problem+json with a stable code in error; GET /errors explains each one. The \
                            response to a method or path that is not described here is 404 route_not_found.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [server_of_document()],
        "tags": [
            {"name": "files", "description": "Sending and following transaction files."},
            {"name": "days", "description": "The files received on a day, and those that are missing."},
            {"name": "payments", "description": "Webhooks of payment providers, at an API of their own."},
            {"name": "documents", "description": "What people and programs read about the API."},
        ],
        "paths": paths(),
        "components": {
            "securitySchemes": {
                "api_key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "x-api-key",
                    "description": "A partner's key, or for /days an operator's.",
                },
            },
            "schemas": schemas::all(),
            "examples": Code::ALL.iter().map(|code| (code.as_str().to_owned(), example(*code))).collect::<Map<_, _>>(),
        },
    })
}

/// A reference to a schema.
pub(crate) fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// A list of texts.
pub(crate) fn texts(texts: impl IntoIterator<Item = &'static str>) -> Value {
    texts.into_iter().collect()
}

/// A list of texts, and null.
pub(crate) fn or_null(texts: impl IntoIterator<Item = &'static str>) -> Value {
    texts.into_iter().map(Value::from).chain([Value::Null]).collect()
}

fn server_of_document() -> Value {
    json!({"url": ".", "description": "The API that serves this document"})
}

fn server_of_webhooks() -> Value {
    json!({
        "url": "https://{webhook_api}.execute-api.{region}.amazonaws.com/prod",
        "description": "The webhooks' API",
        "variables": {
            "webhook_api": {
                "default": "webhook-api-id",
                "description": "The output WebhookApiId of the stack.",
            },
            "region": {"default": "us-east-1"},
        },
    })
}

/// The operations by path. What both APIs serve is described once.
fn paths() -> Value {
    let mut paths = Map::new();
    for (operation, route) in routes::all() {
        let of_webhooks = matches!(operation, Operation::Webhooks(_));
        let method = route.method.as_str().to_lowercase();
        let is_first = !paths.contains_key(route.path);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        match (of_webhooks, is_first) {
            (false, _) => path[method] = described(operation, route),
            (true, true) => *path = json!({"servers": [server_of_webhooks()], method: described(operation, route)}),
            (true, false) => path[method]["servers"] = json!([server_of_document(), server_of_webhooks()]),
        }
    }
    paths.into()
}

fn described(operation: Operation, route: &Route) -> Value {
    let mut described = json!({
        "operationId": route.id,
        "tags": [route.tag],
        "summary": route.summary,
        "description": route.description,
    });
    if route.access == Access::ApiKey {
        described["security"] = json!([{"api_key": []}]);
    }
    if !route.parameters.is_empty() {
        described["parameters"] = route.parameters.iter().map(parameter).collect();
    }
    if let Some(content) = route.request {
        described["requestBody"] = request_body(content, bodies::of_requests(route.id));
    }
    described["responses"] = responses(operation, route);
    described
}

fn parameter(parameter: &Parameter) -> Value {
    let mut described = json!({
        "name": parameter.name,
        "in": match parameter.location {
            Location::Path => "path",
            Location::Query => "query",
            Location::Header => "header",
        },
        "required": parameter.is_required,
    });
    if !parameter.description.is_empty() {
        described["description"] = parameter.description.into();
    }
    described["schema"] = match parameter.values {
        Values::NotEmpty => json!({"type": "string", "minLength": 1}),
        Values::Pattern(pattern) => json!({"type": "string", "pattern": pattern}),
        Values::Date => json!({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
        Values::OneOf(values, None) => json!({"type": "string", "enum": values}),
        Values::OneOf(values, Some(default)) => json!({"type": "string", "enum": values, "default": default}),
    };
    if let Some(example) = parameter.example {
        described["example"] = example.into();
    }
    described
}

fn request_body(content: Content, examples: Value) -> Value {
    let mut body = json!({"required": true});
    let mut media = json!({"schema": schema(content)});
    if content == Content::Form {
        body["description"] = "A form with the file, and optionally its control totals.".into();
        media["encoding"] = json!({"file": {"contentType": "text/csv"}});
    }
    media["examples"] = examples;
    body["content"] = json!({content.media_type(): media});
    body
}

fn schema(content: Content) -> Value {
    match content {
        Content::Form => schemas::form(),
        Content::Json([name]) => reference(name),
        Content::Json(names) => json!({"oneOf": names.iter().map(|name| reference(name)).collect::<Vec<_>>()}),
        Content::Html => json!({"type": "string", "contentMediaType": "text/html"}),
        Content::OpenApi => json!({
            "type": "object",
            "required": ["openapi", "paths"],
            "properties": {"openapi": {"const": "3.1.0"}, "paths": {"type": "object"}},
        }),
    }
}

fn responses(operation: Operation, route: &Route) -> Value {
    let mut responses = Map::new();
    responses.insert("200".to_owned(), success(route));
    let codes: Vec<Code> =
        Code::ALL.iter().copied().filter(|code| code.operations().any(|found| found == operation)).collect();
    let mut statuses: Vec<u16> = codes.iter().map(|code| code.status().as_u16()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    for status in statuses {
        let of_status = codes.iter().copied().filter(|code| code.status().as_u16() == status);
        responses.insert(status.to_string(), rejection(status, &of_status.collect::<Vec<_>>(), operation));
    }
    responses.into()
}

fn success(route: &Route) -> Value {
    let mut media = json!({"schema": schema(route.response)});
    let examples = bodies::of_responses(route.id);
    if !examples.is_null() {
        media["examples"] = examples;
    }
    let mut response =
        json!({"description": route.response_description, "content": {route.response.media_type(): media}});
    if route.response == Content::Html {
        response["headers"] = json!({
            "Content-Security-Policy": {
                "description": "What the page may do: nothing but show itself.",
                "required": true,
                "schema": {"type": "string"},
            },
        });
    }
    response
}

/// The response of this status: which codes it may have, and an example of each.
fn rejection(status: u16, codes: &[Code], operation: Operation) -> Value {
    let description = match status {
        400 => "The request is wrong. error says what.",
        401 => "Nothing proves who sent the webhook.",
        403 => "The key does not open this.",
        404 => "There is nothing at this address for you.",
        409 => "It conflicts with what is known.",
        413 => "It is too large.",
        415 => "The media type is not supported.",
        429 => "Too many requests at once, or today.",
        503 => "The service is unavailable. Send the same request again in a moment.",
        _ => panic!("{status} has no description"),
    };
    let own = |code: Code| match code {
        Code::InvalidCsv => Some("InvalidCsv"),
        Code::InvalidPayment => Some("InvalidPayment"),
        _ => None,
    };
    let others: Vec<Code> = codes.iter().copied().filter(|code| own(*code).is_none()).collect();
    let others = json!({
        "allOf": [reference("Problem")],
        "properties": {"error": {"enum": texts(others.iter().map(|code| code.as_str()))}},
    });
    let mut schemas: Vec<Value> = codes.iter().filter_map(|code| own(*code)).map(reference).collect();
    schemas.push(others);
    let schema = if let [only] = &schemas[..] { only.clone() } else { json!({"oneOf": schemas}) };
    let mut media = json!({"schema": schema});
    let fits = codes.iter().filter(|code| subject(**code) == subject_of(operation));
    let examples: Map<String, Value> = fits
        .map(|code| (code.as_str().to_owned(), json!({"$ref": format!("#/components/examples/{}", code.as_str())})))
        .collect();
    if !examples.is_empty() {
        media["examples"] = examples.into();
    }
    let mut response = json!({"description": description, "content": {problem::CONTENT_TYPE: media}});
    if codes.contains(&Code::RateExceeded) {
        response["headers"] = json!({
            "Retry-After": {
                "description": "Seconds to wait. Only rate_exceeded has it.",
                "schema": {"type": "string", "pattern": "^[0-9]+$"},
            },
        });
    }
    response
}

fn subject_of(operation: Operation) -> &'static str {
    match operation {
        Operation::Files(_) => routes::files::API.subject,
        Operation::Webhooks(_) => routes::webhooks::API.subject,
    }
}

/// What the example of a code is about: a file, unless only webhooks have the code.
fn subject(code: Code) -> &'static str {
    let operation = code.operations().find(|operation| matches!(operation, Operation::Files(_)));
    operation.or_else(|| code.operations().next()).map_or("", subject_of)
}

fn example(code: Code) -> Value {
    let sent = EXAMPLES.iter().find(|example| example.code == code);
    let message = sent.unwrap_or_else(|| panic!("{code:?} has no example")).message;
    let mut value = json!({
        "error": code.as_str(),
        "message": message,
        "type": code.type_uri("/prod"),
        "title": code.title(),
        "status": code.status().as_u16(),
        "detail": message,
        "instance": format!("urn:uuid:{REQUEST_ID}"),
        "request_id": REQUEST_ID,
    });
    value[subject(code)] = Value::Null;
    for (name, member) in bodies::of_rejection(code).as_object().into_iter().flatten() {
        value[name] = member.clone();
    }
    json!({"summary": code.title(), "value": value})
}

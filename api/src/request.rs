//! A request of API Gateway as one of the `http` crate, with `lambda_http`'s extensions.

use crate::problem::Code;
use crate::rejection::Rejection;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::http::header::{AsHeaderName, HeaderMap, HeaderValue};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt};

/// The request of an event. Its body is decoded once, or moved; where the route takes none, it is dropped.
///
/// `lambda_http`'s own conversion is not for what anybody may send: it panics where the body is not base64 and where host and
/// path make no URI, and it keeps one value of a repeated header, which must be seen to be rejected.
pub(crate) fn of_event(event: ApiGatewayProxyRequest, takes_body: bool) -> Result<Request, Rejection> {
    let body = if takes_body { decoded(event.body, event.is_base64_encoded)? } else { Body::Empty };
    // The map of several values has all that the other has, where the gateway gives it.
    let query = if event.multi_value_query_string_parameters.is_empty() {
        event.query_string_parameters
    } else {
        event.multi_value_query_string_parameters
    };
    let mut request = Request::new(body)
        .with_raw_http_path(event.path.unwrap_or_default())
        .with_query_string_parameters(query)
        .with_path_parameters(event.path_parameters)
        .with_request_context(RequestContext::ApiGatewayV1(event.request_context));
    *request.method_mut() = event.http_method;
    *request.headers_mut() = every_value(event.multi_value_headers, event.headers);
    Ok(request)
}

fn decoded(body: Option<String>, is_base64_encoded: bool) -> Result<Body, Rejection> {
    match body {
        None => Ok(Body::Empty),
        Some(text) if text.is_empty() => Ok(Body::Empty),
        Some(text) if !is_base64_encoded => Ok(Body::Text(text)),
        Some(text) => STANDARD
            .decode(text)
            .map(Body::Binary)
            .map_err(|_| Rejection::new(Code::BodyNotBase64, "The body did not arrive as it was sent; send it again.")),
    }
}

/// The headers with every value of each. The other map has the last value alone.
fn every_value(mut all: HeaderMap, last: HeaderMap) -> HeaderMap {
    if all.is_empty() {
        return last;
    }
    for (name, value) in &last {
        if !all.contains_key(name) {
            all.insert(name.clone(), value.clone());
        }
    }
    all
}

/// The value of a header, the last one where it is repeated.
#[must_use]
pub fn last_header(request: &Request, name: impl AsHeaderName) -> Option<&HeaderValue> {
    request.headers().get_all(name).iter().next_back()
}

/// A part of the path that varies.
#[must_use]
pub fn path_parameter<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request.path_parameters_ref()?.first(name)
}

/// Every parameter of the query string with each of its values.
pub fn query_parameters(request: &Request) -> impl Iterator<Item = (&str, &str)> {
    request.query_string_parameters_ref().into_iter().flat_map(|parameters| parameters.iter())
}

/// The API key, which the gateway has checked.
#[must_use]
pub fn api_key(request: &Request) -> Option<&str> {
    let of_gateway = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => context.identity.api_key.as_deref(),
        _ => None,
    };
    let header = || last_header(request, "x-api-key").and_then(|key| key.to_str().ok());
    of_gateway.or_else(header).filter(|key| !key.is_empty())
}

/// Whether a `Content-Type` is that of JSON, in any case and with any parameters (RFC 9110, section 8.3.1).
#[must_use]
pub fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn request(event: Value, takes_body: bool) -> Result<Request, Code> {
        let mut whole: Value = serde_json::from_str(include_str!("../../events/webhook.json")).unwrap_or_default();
        whole
            .as_object_mut()
            .into_iter()
            .for_each(|members| members.extend(event.as_object().cloned().unwrap_or_default()));
        of_event(serde_json::from_value(whole).unwrap_or_default(), takes_body).map_err(|rejection| rejection.code)
    }

    fn body(text: Value, is_base64_encoded: bool) -> Result<Vec<u8>, Code> {
        request(json!({"body": text, "isBase64Encoded": is_base64_encoded}), true)
            .map(|request| request.body().to_vec())
    }

    #[test]
    fn decodes_a_body_and_rejects_what_is_not_base64() {
        assert_eq!(body(json!("aGk="), true), Ok(b"hi".to_vec()));
        assert_eq!(body(json!("hi"), false), Ok(b"hi".to_vec()));
        assert_eq!(body(json!(""), true), Ok(Vec::new()));
        assert_eq!(body(Value::Null, true), Ok(Vec::new()));
        for text in ["hi!", "aGk", "aGk=aGk=", "=", "aGk=\n", "\u{e9}"] {
            assert_eq!(body(json!(text), true), Err(Code::BodyNotBase64), "{text:?}");
        }
    }

    #[test]
    fn a_route_without_a_body_takes_any() {
        let request = request(json!({"body": "hi!", "isBase64Encoded": true}), false);
        assert!(request.is_ok_and(|request| request.body().is_empty()));
    }

    #[test]
    fn a_host_or_path_that_makes_no_uri_is_no_panic() {
        for host in ["", " ", "a b", "[", "a:b:c", "\u{e9}"] {
            let headers = json!({"Host": host, "X-Forwarded-Proto": host});
            for path in ["", "no-slash", "//", "/a b|\"<>", "/\u{e9}%", "http://"] {
                assert!(request(json!({"headers": headers, "path": path}), true).is_ok(), "{host:?} {path:?}");
            }
        }
    }

    #[test]
    fn every_value_of_a_repeated_header_is_kept() {
        let event = json!({"headers": {"a": "2", "b": "3"}, "multiValueHeaders": {"A": ["1", "2"]}});
        let request = request(event, true).unwrap_or_default();
        let values = |name| -> Vec<&str> {
            request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
        };
        assert_eq!((values("a"), values("b")), (vec!["1", "2"], vec!["3"]));
        let last = |name| last_header(&request, name).and_then(|value| value.to_str().ok());
        assert_eq!((last("a"), last("c")), (Some("2"), None));
    }

    #[test]
    fn every_value_of_a_parameter_is_kept() {
        let both = json!({
            "queryStringParameters": {"a": "2"},
            "multiValueQueryStringParameters": {"a": ["1", "2"]},
            "pathParameters": {"day": "2026-01-15"},
        });
        let request_of = |event| request(event, true).unwrap_or_default();
        let values = |request: &Request| -> Vec<String> {
            query_parameters(request).map(|(name, value)| format!("{name}={value}")).collect()
        };
        assert_eq!(values(&request_of(both.clone())), ["a=1", "a=2"]);
        assert_eq!(path_parameter(&request_of(both), "day"), Some("2026-01-15"));
        assert_eq!(values(&request_of(json!({"queryStringParameters": {"a": "2"}}))), ["a=2"]);
        assert_eq!(values(&request_of(json!({}))), Vec::<String>::new());
    }
}

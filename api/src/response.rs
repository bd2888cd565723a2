//! Responses: JSON, but for the few documents that people open in a browser.

use aws_lambda_events::apigw::ApiGatewayProxyResponse;
use lambda_http::Body;
use lambda_http::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS};
use lambda_http::http::{HeaderValue, StatusCode};
use serde_json::Value;

/// A response.
pub type Response = lambda_http::http::Response<Body>;

/// The response of a successful request, as JSON.
#[must_use]
pub fn json(body: &Value) -> Response {
    of_json(StatusCode::OK, "application/json", body)
}

pub(crate) fn of_json(status: StatusCode, content_type: &'static str, body: &Value) -> Response {
    // A response may hold a status token or a signed link.
    let mut response = of_text(content_type, "no-store", body.to_string());
    *response.status_mut() = status;
    response
}

/// A document, such as a page. It is the same for everybody, and is fetched anew each time it is opened, so that nobody works
/// with the one of an earlier deployment.
#[must_use]
pub fn document<const N: usize>(
    content_type: &'static str,
    body: impl Into<String>,
    headers: [(HeaderName, HeaderValue); N],
) -> Response {
    let mut response = of_text(content_type, "no-cache", body.into());
    response.headers_mut().extend(headers);
    response
}

fn of_text(content_type: &'static str, cache_control: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::Text(body));
    response.headers_mut().extend([
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CACHE_CONTROL, HeaderValue::from_static(cache_control)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]);
    response
}

/// A response in the form that API Gateway takes.
pub(crate) fn to_gateway(response: Response) -> ApiGatewayProxyResponse {
    let (parts, body) = response.into_parts();
    let mut output = ApiGatewayProxyResponse::default();
    output.status_code = i64::from(parts.status.as_u16());
    output.headers = parts.headers;
    output.is_base64_encoded = matches!(body, Body::Binary(_));
    output.body = Some(body);
    output
}

//! The page as an HTTP client sees it, and the origins that may use the bucket from a browser. What it looks like and does is
//! tested in a browser: `make test-page`.

use crate::support::cloud::Cloud;
use crate::support::template::{resources, template};
use reqwest::{Method, Response};
use serde_json::json;

/// Where `make up` and the tests open the page.
fn page_origin(cloud: &Cloud) -> String {
    cloud.stack.endpoint.replacen("127.0.0.1", "localhost", 1)
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_page_needs_no_key_and_obeys_its_content_policy() {
    let cloud = Cloud::open().await;
    for slash in ["", "/"] {
        let response = cloud.http.get(format!("{}{slash}", cloud.stack.api_url)).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
        // The bucket is the one other origin.
        assert!(policy.contains(&format!("connect-src 'self' {};", cloud.stack.endpoint)), "{policy}");
        assert!(response.text().await.unwrap().contains("<h1 id=\"upload-title\""));
    }
}

/// What a browser asks before it sends a file from a page of another origin.
async fn preflight(cloud: &Cloud, origin: &str, method: &str, headers: &str) -> Response {
    let url = format!("{}/{}/incoming/acme/day.csv", cloud.stack.endpoint, cloud.stack.bucket);
    let ask = cloud.http.request(Method::OPTIONS, url).header("origin", origin);
    let ask = ask.header("access-control-request-method", method).header("access-control-request-headers", headers);
    ask.send().await.unwrap()
}

#[tokio::test]
async fn the_bucket_allows_only_the_pages_origin() {
    let cloud = Cloud::open().await;
    let page = page_origin(&cloud);
    let allowed = preflight(&cloud, &page, "PUT", "content-type,x-amz-checksum-sha256").await;
    assert_eq!((allowed.status().as_u16(), header(&allowed, "access-control-allow-origin")), (200, page.as_str()));
    for (origin, method, headers) in [
        ("https://evil.example", "PUT", "x-amz-checksum-sha256"),
        ("null", "PUT", "x-amz-checksum-sha256"),
        // Nobody deletes from a browser, or sends what no URL of ours is signed for.
        (page.as_str(), "DELETE", ""),
        (page.as_str(), "PUT", "x-amz-tagging"),
    ] {
        let rejected = preflight(&cloud, origin, method, headers).await;
        assert_eq!(rejected.status().as_u16(), 403, "{origin} {method} {headers}");
        assert_eq!(header(&rejected, "access-control-allow-origin"), "", "{origin} {method} {headers}");
    }
}

#[test]
fn the_buckets_cors_rule_defaults_to_the_apis_addresses() {
    let template = template();
    for (id, bucket) in resources(&template, "AWS::S3::Bucket") {
        let cors = &bucket["Properties"]["CorsConfiguration"];
        if id != "TransactionBucket" {
            assert!(cors.is_null(), "{id}: no page speaks to it");
            continue;
        }
        let given = json!({"Fn::Split": [",", {"Ref": "PageOrigins"}]});
        let own = json!([{"Fn::Sub": "https://*.execute-api.${AWS::Region}.${AWS::URLSuffix}"}]);
        let rule = json!({
            "Id": "page",
            "AllowedOrigins": {"Fn::If": ["HasPageOrigins", given, own]},
            "AllowedMethods": ["GET", "PUT"],
            "AllowedHeaders": ["content-type", "range", "x-amz-checksum-sha256"],
            "ExposedHeaders": ["x-amz-request-id"],
            "MaxAge": 3600,
        });
        assert_eq!(cors["CorsRules"], json!([rule]));
    }
    assert_eq!(template["Parameters"]["PageOrigins"]["Default"], "");
}

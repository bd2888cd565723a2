//! The public documents of the APIs: their description, and the page of errors.

use crate::support::cloud::Cloud;
use crate::support::files::digest;
use crate::support::template::text_of;
use api::Code;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::csv::ErrorCode;
use domain::payments::webhook::PaymentErrorCode;

impl Cloud {
    /// The base of the webhook API.
    pub(crate) fn webhook_base(&self) -> &str {
        self.stack.webhook_url.strip_suffix("/webhook").unwrap()
    }
}

/// The hash of a text as a Content-Security-Policy writes it.
fn hash_of(text: &str) -> String {
    let digest = digest(text.as_bytes());
    let bytes: Vec<u8> = digest
        .as_str()
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    format!("'sha256-{}'", STANDARD.encode(bytes))
}

#[tokio::test]
async fn serves_the_api_description_without_a_key() {
    let cloud = Cloud::open().await;
    let response = cloud.http.get(format!("{}/openapi.json", cloud.stack.api_url)).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"].to_str().unwrap()),
        (200, &"application/json")
    );
    assert_eq!(response.text().await.unwrap(), text_of("openapi/openapi.json"));
}

#[tokio::test]
async fn each_code_links_to_its_explanation_at_both_apis() {
    let cloud = Cloud::open().await;
    for base in [&cloud.stack.api_url, cloud.webhook_base()] {
        let response = cloud.http.get(format!("{base}/errors")).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{base}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        assert_eq!(
            (header("x-content-type-options"), header("referrer-policy")),
            ("nosniff".into(), "no-referrer".into())
        );
        let policy = header("content-security-policy");
        let page = response.text().await.unwrap();
        let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).unwrap().0;
        let style_hash = hash_of(style);
        let expected = [
            "default-src 'none'",
            &format!("style-src {style_hash}"),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ];
        assert_eq!(policy.split("; ").collect::<Vec<_>>(), expected);
        for forbidden in ["<script", "style=\"", "onclick", "http://", "https://"] {
            assert!(!page.contains(forbidden), "the page has {forbidden}");
        }
        let codes = Code::ALL.iter().map(|code| code.as_str());
        let of_files = ErrorCode::ALL.iter().map(|code| code.as_str());
        let of_payments = PaymentErrorCode::ALL.iter().map(|code| code.as_str());
        for code in codes.chain(of_files).chain(of_payments) {
            assert!(page.contains(&format!("id=\"{code}\"")), "{code}");
        }
    }
}

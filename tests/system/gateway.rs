//! What the gateway rejects by itself: keys, quotas, rates, routes, headers. Always in the shape of our own rejections.

use crate::support::cloud::{Cloud, Created, unique};
use crate::support::files::{self, body, file_part, record};
use aws_sdk_apigateway::types::{ApiStage, QuotaPeriodType, QuotaSettings, ThrottleSettings};
use reqwest::Method;

impl Cloud {
    /// A usage plan of the test's own for the stack's API.
    async fn own_usage_plan(&self, quota: Option<i32>, throttle: Option<ThrottleSettings>) -> String {
        let stage = ApiStage::builder().api_id(&self.stack.api_id).stage("prod").build();
        let quota = quota.map(|limit| QuotaSettings::builder().limit(limit).period(QuotaPeriodType::Day).build());
        let plan = self.api_gateway().create_usage_plan().name(unique()).api_stages(stage);
        let id = plan.set_quota(quota).set_throttle(throttle).send().await.unwrap().id.unwrap();
        self.remove_at_end(Created::UsagePlan { id: id.clone() });
        id
    }

    /// A usage plan without a stage.
    async fn own_usage_plan_without_stage(&self) -> String {
        let id = self.api_gateway().create_usage_plan().name(unique()).send().await.unwrap().id.unwrap();
        self.remove_at_end(Created::UsagePlan { id: id.clone() });
        id
    }
}

#[tokio::test]
async fn rejects_an_upload_without_a_valid_key() {
    let cloud = Cloud::open().await;
    cloud.request(Method::POST, "/upload", None).await.assert_rejected(403, "api_key_invalid");
    cloud.request(Method::POST, "/upload", Some("acme.not-the-secret")).await.assert_rejected(403, "api_key_invalid");
    let stranger = cloud.partner_in(&cloud.own_usage_plan_without_stage().await).await;
    stranger.upload(&files::file(&[record("T1")])).await.assert_rejected(403, "api_key_invalid");
    // The same partner is rejected with another secret, and accepted with the right one.
    let bank = cloud.partner().await;
    cloud
        .request(Method::POST, "/upload", Some(&format!("{}x", bank.key)))
        .await
        .assert_rejected(403, "api_key_invalid");
    bank.upload(&files::file(&[record("T1")])).await.accepted();
}

#[tokio::test]
async fn each_key_has_its_own_quota() {
    let cloud = Cloud::open().await;
    let plan = cloud.own_usage_plan(Some(2), None).await;
    let (spender, saver) = (cloud.partner_in(&plan).await, cloud.partner_in(&plan).await);
    spender.upload(&files::file(&[record("T1")])).await.accepted();
    // A rejected file counts as well.
    assert_eq!(spender.upload(b"no csv").await.error(), "invalid_csv");
    let third = spender.upload(&files::file(&[record("T3")])).await;
    third.assert_rejected(429, "quota_exceeded");
    assert!(third.text("message").contains("tomorrow"), "{}", third.body);
    saver.upload(&files::file(&[record("T1")])).await.accepted();
    saver.upload(&files::file(&[record("T2")])).await.accepted();
    saver.upload(&files::file(&[record("T3")])).await.assert_rejected(429, "quota_exceeded");
}

#[tokio::test]
async fn rate_limit_responses_say_when_to_retry() {
    let cloud = Cloud::open().await;
    // One token in the bucket and no second one within the test.
    let throttle = ThrottleSettings::builder().burst_limit(1).rate_limit(0.001).build();
    let bank = cloud.partner_in(&cloud.own_usage_plan(None, Some(throttle)).await).await;
    bank.upload(&files::file(&[record("T1")])).await.accepted();
    let second = bank.upload(&files::file(&[record("T2")])).await;
    second.assert_rejected(429, "rate_exceeded");
    assert_eq!(second.headers["retry-after"], "1");
}

#[tokio::test]
async fn status_requests_do_not_use_up_the_quota() {
    const TIMES: usize = 1_000;
    const AT_ONCE: usize = 8;
    use futures::StreamExt;
    let cloud = Cloud::open().await;
    let bank = cloud.partner_in(&cloud.own_usage_plan(Some(2), None).await).await;
    let (response, _) = bank.upload_and_complete(&files::file(&[record("T1")])).await;
    let status_path = response.text("status_path");
    let requests = futures::stream::iter(0..TIMES).map(async |_| cloud.get(status_path).await.accepted());
    let completed = requests.buffer_unordered(AT_ONCE).filter(|response| {
        let is_completed = response.body["status"] == "completed";
        async move { is_completed }
    });
    assert_eq!(completed.count().await, TIMES);
    bank.upload(&files::file(&[record("T2")])).await.accepted();
    bank.upload(&files::file(&[record("T3")])).await.assert_rejected(429, "quota_exceeded");
}

#[tokio::test]
async fn an_unknown_route_is_not_found() {
    let cloud = Cloud::open().await;
    let key = cloud.stack.api_keys[0].as_str();
    for (method, path) in [
        (Method::GET, "/nothing-here"),
        (Method::GET, "/upload"),
        (Method::DELETE, "/upload"),
        (Method::GET, "/files"),
        (Method::POST, "/files/0123456789abcdef0123456789abcdef"),
    ] {
        for key in [None, Some(key)] {
            let response = cloud.request(method.clone(), path, key).await;
            assert_eq!(
                (response.status, response.error()),
                (404, "route_not_found"),
                "{method} {path}: {}",
                response.body
            );
            response.assert_rejected(404, "route_not_found");
        }
    }
}

#[tokio::test]
async fn the_validator_rejects_a_request_without_a_content_type() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let body = body("b", &[file_part(&files::file(&[record("T1")]))]);
    let response = bank.post(&[], body).await;
    response.assert_rejected(400, "header_missing");
    assert!(response.text("message").contains("Content-Type"), "{}", response.body);
}

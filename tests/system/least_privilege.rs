//! Each function's role has only the grants that its code needs: removing any one of them makes a scenario fail.
//!
//! The cases come from the template, so that a new grant without a scenario fails here. The emulator enforces the roles
//! of the functions; those of the workflow and the rule are derived in `policies`.

use crate::support::cloud::{Cloud, eventually, now_ms, unique};
use crate::support::files::{self, file_id, record};
use crate::support::template::{resources, template};
use crate::support::upload::{ApiResponse, Uploader};
use crate::system::least_payments::{self, PAYMENT_SCENARIOS, PaymentScenario};
use crate::system::presigned_uploads;
use crate::template::policies::statements;
use domain::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write;

/// A scenario, run with and without a grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scenario {
    /// A valid file is uploaded and processed.
    GoodUpload,
    /// An invalid file is uploaded and rejected.
    BadUpload,
    /// An invalid file is uploaded and its report is read by its link.
    ReadReport,
    /// An invalid file is uploaded, and its correctable file is read by its link.
    Correctable,
    /// A valid file is under `validated/` before the API has recorded it.
    EarlyEvent,
    /// A valid file is under `incoming/`.
    Incoming,
    /// A presigned upload of a valid file is created, and the file is put to its URL.
    PresignedUpload,
    /// A failure of the workflow is recorded.
    RecordFailure,
    /// An operator reads a day of all partners.
    DayOfAll,
    /// A partner reads its own day, which has a file.
    OwnDay,
    /// A day is reported on which an expected file arrived.
    ReportMissing,
    /// A check for unfinished files runs; one of them is an expired presigned upload.
    Reconcile,
    /// A scenario of the payment functions.
    Payment(PaymentScenario),
}

const SCENARIOS: [Scenario; 12] = [
    Scenario::GoodUpload,
    Scenario::BadUpload,
    Scenario::ReadReport,
    Scenario::Correctable,
    Scenario::EarlyEvent,
    Scenario::Incoming,
    Scenario::PresignedUpload,
    Scenario::RecordFailure,
    Scenario::DayOfAll,
    Scenario::OwnDay,
    Scenario::ReportMissing,
    Scenario::Reconcile,
];

const WORKS: &str = "works";
const TWO_HOURS_MS: u64 = 2 * 60 * 60 * 1000;
const UNAVAILABLE: &str = "returned 503 service_unavailable";

/// For a grant (function, action, end of the resource): the scenario, and how it must fail without the grant.
fn expectation(function: &str, action: &str, resource: &str) -> Option<(Scenario, &'static str)> {
    use Scenario::{BadUpload, Correctable, DayOfAll, EarlyEvent, GoodUpload, PresignedUpload};
    use Scenario::{Incoming, OwnDay, ReadReport, Reconcile, RecordFailure, ReportMissing};
    Some(match (function, action, resource) {
        ("CsvValidatorFunction", "s3:PutObject", "validated/*") => (GoodUpload, UNAVAILABLE),
        ("CsvValidatorFunction", "s3:PutObject", "rejected/*" | "reports/*") => (BadUpload, UNAVAILABLE),
        ("CsvValidatorFunction", "s3:PutObject", "incoming/*") => (PresignedUpload, "the URL returns 403"),
        ("CsvValidatorFunction", "s3:PutObject", "corrections/*") => (Correctable, UNAVAILABLE),
        // S3 denies access to a missing object in the same way.
        ("CsvValidatorFunction", "s3:GetObjectVersion", "rejected/*") => {
            (Correctable, "returned 409 nothing_to_correct")
        }
        ("CsvValidatorFunction", "s3:GetObject", "corrections/*") => (Correctable, "the link returns 403"),
        ("CsvValidatorFunction", "s3:GetObject", "reports/*") => (ReadReport, "the link returns 403"),
        ("CsvValidatorFunction", "s3:GetObjectVersion", "validated/*") => {
            (EarlyEvent, "AccessDenied, then validation_failed")
        }
        ("CsvValidatorFunction", "s3:GetObjectVersion", "incoming/*") => (Incoming, "AccessDenied, then no status"),
        ("CsvValidatorFunction", "dynamodb:GetItem", "ProcessingStatusTable") => {
            (EarlyEvent, "AccessDenied, then validation_failed")
        }
        ("CsvValidatorFunction", "dynamodb:UpdateItem", "ProcessingStatusTable") => (GoodUpload, UNAVAILABLE),
        ("CsvValidatorFunction", "dynamodb:Query", "index/timestamp-index") => (DayOfAll, UNAVAILABLE),
        ("CsvValidatorFunction", "dynamodb:Query", "index/partner-index") => (OwnDay, UNAVAILABLE),
        ("CsvValidatorFunction", "dynamodb:BatchGetItem", "ProcessingStatusTable") => (OwnDay, UNAVAILABLE),
        ("NotificationSenderFunction", "dynamodb:Query", "index/partner-index")
        | ("NotificationSenderFunction", "dynamodb:BatchGetItem", "ProcessingStatusTable") => {
            (ReportMissing, "the function fails with AccessDenied")
        }
        ("NotificationSenderFunction", "dynamodb:Query", "index/unfinished-index")
        | ("NotificationSenderFunction", "s3:ListBucket", "TransactionBucket") => {
            (Reconcile, "the function fails with AccessDenied")
        }
        ("DataTransformerFunction", "s3:GetObjectVersion", "validated/*") => {
            (GoodUpload, "AccessDenied, then processing_failed")
        }
        ("DataTransformerFunction", "s3:GetObjectVersion", "incoming/*") => {
            (Incoming, "AccessDenied, then processing_failed")
        }
        ("DataTransformerFunction", "dynamodb:PutItem", "TransactionsTable") => {
            (GoodUpload, "AccessDenied, then processing_failed")
        }
        ("DataTransformerFunction", "dynamodb:UpdateItem", "ProcessingStatusTable") => {
            (GoodUpload, "AccessDenied, then processing_failed")
        }
        ("NotificationSenderFunction", "dynamodb:GetItem", "ProcessingStatusTable") => {
            (RecordFailure, "the function fails with AccessDenied")
        }
        // It cannot even record its failure.
        ("NotificationSenderFunction", "dynamodb:UpdateItem", "ProcessingStatusTable") => {
            (GoodUpload, "AccessDenied, then processing")
        }
        ("NotificationSenderFunction", "sns:Publish", "NotificationTopic") => {
            (GoodUpload, "AccessDenied, then notification_failed")
        }
        _ => {
            let (scenario, failure) = least_payments::expectation(function, action, resource)?;
            (Scenario::Payment(scenario), failure)
        }
    })
}

/// One grant of one role, and what becomes visible without it.
struct Case {
    function: String,
    statement: Value,
    scenario: Scenario,
    failure: &'static str,
}

/// Every grant of every function, except those for logs, traces and the queue of failed events, which Lambda itself
/// uses, and those for a key, which the emulator denies to everybody. `policies` checks these against the function's
/// settings.
fn cases() -> Vec<Case> {
    let template = template();
    let mut cases = Vec::new();
    let mut unknown = String::new();
    for (function, found) in resources(&template, "AWS::Lambda::Function") {
        let role = found["Properties"]["Role"]["Fn::GetAtt"][0].as_str().unwrap();
        for statement in statements(&template["Resources"][role]) {
            let action = statement["Action"].as_str().unwrap();
            if ["logs:", "xray:", "kms:", "sqs:"].iter().any(|service| action.starts_with(service)) {
                continue;
            }
            let resource = resource_name(&statement["Resource"]);
            match expectation(&function, action, &resource) {
                Some((scenario, failure)) => {
                    cases.push(Case { function: function.clone(), statement: statement.clone(), scenario, failure });
                }
                None => writeln!(unknown, "{function}: {action} on {resource}").unwrap(),
            }
        }
    }
    assert!(unknown.is_empty(), "say in `expectation` what shows that these are needed:\n{unknown}");
    cases
}

/// The prefix in the bucket, or the logical id of a table or topic.
fn resource_name(resource: &Value) -> String {
    let sub = resource["Fn::Sub"].as_str().map(|text| text.split_once('/').unwrap().1);
    let id = resource["Fn::GetAtt"][0].as_str().or_else(|| resource["Ref"].as_str());
    sub.or(id).unwrap_or_else(|| panic!("{resource}")).to_owned()
}

#[tokio::test]
async fn removing_any_grant_makes_a_scenario_fail() {
    let cases = cases();
    let cloud = Cloud::of_stack("least").await;
    let mut deviations = String::new();
    let scenarios = || SCENARIOS.into_iter().chain(PAYMENT_SCENARIOS.map(Scenario::Payment));
    for scenario in scenarios() {
        let outcome = scenario.outcome(&cloud).await;
        assert_eq!(outcome, WORKS, "{scenario:?}, with all grants");
    }
    for case in &cases {
        let role = Role::of(&cloud, &case.function).await;
        role.put_without(&case.statement["Sid"]).await;
        let outcome = case.scenario.outcome(&cloud).await;
        role.put_whole().await;
        if case.scenario == Scenario::Payment(PaymentScenario::WebhookMuchLater) {
            // The validator caches for a second that it could not read the secrets.
            let works = async || (case.scenario.outcome(&cloud).await == WORKS).then_some(());
            eventually("the secrets to be read again", works).await;
        }
        if outcome != case.failure {
            let (function, sid) = (&case.function, &case.statement["Sid"]);
            let (scenario, expected) = (case.scenario, case.failure);
            writeln!(deviations, "{function} without {sid}, {scenario:?}: expected {expected:?}, got {outcome:?}")
                .unwrap();
        }
    }
    assert!(deviations.is_empty(), "{deviations}");
    for scenario in scenarios() {
        assert_eq!(scenario.outcome(&cloud).await, WORKS, "{scenario:?}, with all grants again");
    }
}

/// The deployed role of a function.
struct Role<'c> {
    cloud: &'c Cloud,
    role: String,
    policy: String,
    document: Value,
}

impl<'c> Role<'c> {
    async fn of(cloud: &'c Cloud, function_id: &str) -> Self {
        let template = template();
        let role_id = template["Resources"][function_id]["Properties"]["Role"]["Fn::GetAtt"][0].as_str().unwrap();
        let properties = &template["Resources"][role_id]["Properties"];
        let role =
            properties["RoleName"]["Fn::Sub"].as_str().unwrap().replace("${EnvironmentSuffix}", &cloud.stack.suffix);
        let policy = properties["Policies"][0]["PolicyName"].as_str().unwrap().to_owned();
        let found = cloud.iam().get_role_policy().role_name(&role).policy_name(&policy).send().await.unwrap();
        let document = serde_json::from_str(&percent_decoded(&found.policy_document)).unwrap();
        Self { cloud, role, policy, document }
    }

    async fn put_without(&self, sid: &Value) {
        let mut document = self.document.clone();
        let statements = document["Statement"].as_array_mut().unwrap();
        let before = statements.len();
        statements.retain(|statement| statement["Sid"] != *sid);
        assert_eq!(statements.len(), before - 1, "{} has {sid} once", self.role);
        self.put(&document).await;
    }

    async fn put_whole(&self) {
        self.put(&self.document).await;
    }

    async fn put(&self, document: &Value) {
        let put = self.cloud.iam().put_role_policy().role_name(&self.role).policy_name(&self.policy);
        put.policy_document(document.to_string()).send().await.unwrap();
    }
}

/// IAM returns a policy URL-encoded.
fn percent_decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (code, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).unwrap());
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

impl Scenario {
    /// Runs the scenario and describes the outcome in a few words.
    async fn outcome(self, cloud: &Cloud) -> String {
        let bank = cloud.partner().await;
        let good = files::file(&[record(&unique())]);
        let bad = files::file(&[record(&unique()).replace("USD", "usd")]);
        match self {
            Self::Payment(scenario) => scenario.outcome(cloud).await,
            Self::GoodUpload => match bank.upload(&good).await {
                ApiResponse { status: 200, body, .. } => {
                    end_of(cloud, body["s3_key"].as_str().unwrap(), body["file_id"].as_str().unwrap()).await
                }
                rejected => rejection_of(&rejected),
            },
            Self::BadUpload => match bank.upload(&bad).await {
                ApiResponse { status: 400, .. } => WORKS.to_owned(),
                rejected => rejection_of(&rejected),
            },
            Self::ReadReport => read_report(&bank, &bad).await,
            Self::Correctable => read_correctable(&bank, &bad).await,
            Self::EarlyEvent => {
                let id = file_id(&bank.partner, &good);
                let key = format!("validated/{id}.csv");
                cloud.put_stored(&bank.partner, &good, 1_768_471_200_123).await;
                end_of(cloud, &key, &id).await
            }
            Self::Incoming => {
                let partner = &cloud.stack.bucket_partners[0];
                let key = format!("incoming/{partner}/{}.csv", unique());
                cloud.put_object(&key, &good, &[]).await;
                end_of(cloud, &key, &file_id(partner, &good)).await
            }
            Self::PresignedUpload => match bank.create_upload(&good).await {
                ApiResponse { status: 200, body, .. } => {
                    match presigned_uploads::put(cloud, &body["upload"], &good).await.0 {
                        200 => end_of(cloud, body["s3_key"].as_str().unwrap(), body["file_id"].as_str().unwrap()).await,
                        status => format!("the URL returns {status}"),
                    }
                }
                rejected => rejection_of(&rejected),
            },
            Self::RecordFailure => {
                let event =
                    json!({"detail": {"object": {"key": format!("validated/{}.csv", file_id(&bank.partner, &good))}}});
                let state = json!({"error": {"Error": "StoreUnavailable", "Cause": "none"}});
                notify(cloud, &json!({"step": "record_failure", "state": state, "event": event})).await
            }
            Self::DayOfAll => seen(&cloud.operator().await.day("2001-02-03").await),
            Self::OwnDay => {
                bank.upload(&good).await;
                seen(&bank.day(&today()).await)
            }
            Self::ReportMissing => {
                let early = cloud.partner_named("early-bank", &cloud.stack.usage_plan_id).await;
                early.upload(&good).await;
                notify(cloud, &json!({"step": "report_missing", "day": today()})).await
            }
            Self::Reconcile => {
                let created = bank.create_upload(&good).await.accepted();
                cloud.unfinished_for(created.text("file_id"), TWO_HOURS_MS).await;
                notify(cloud, &json!({"step": "reconcile"})).await
            }
        }
    }
}

fn today() -> String {
    Timestamp::from_unix_milliseconds(now_ms()).day()
}

fn seen(response: &ApiResponse) -> String {
    if response.status == 200 { WORKS.to_owned() } else { rejection_of(response) }
}

async fn notify(cloud: &Cloud, step: &Value) -> String {
    match cloud.invoke("notification-sender", step).await {
        Ok(_) => WORKS.to_owned(),
        Err(error) => format!("the function fails with {}", error["errorType"].as_str().unwrap_or_default()),
    }
}

fn rejection_of(response: &ApiResponse) -> String {
    format!("returned {} {}", response.status, response.error())
}

async fn read_report(bank: &Uploader<'_>, bad: &[u8]) -> String {
    let rejected = bank.upload(bad).await;
    let status = bank.cloud.get(rejected.text("status_path")).await;
    let Some(link) = status.body["report_url"].as_str() else {
        return rejection_of(&status);
    };
    opened(bank, link).await
}

async fn read_correctable(bank: &Uploader<'_>, bad: &[u8]) -> String {
    let rejected = bank.upload(bad).await;
    let made = bank.correctable(rejected.text("file_id"), "").await;
    match made.body["url"].as_str() {
        Some(link) => opened(bank, link).await,
        None => rejection_of(&made),
    }
}

async fn opened(bank: &Uploader<'_>, link: &str) -> String {
    match bank.cloud.http.get(link).send().await.unwrap().status().as_u16() {
        200 => WORKS.to_owned(),
        other => format!("the link returns {other}"),
    }
}

/// Waits until a file is completed or has a dead letter, and says which.
async fn end_of(cloud: &Cloud, key: &str, file_id: &str) -> String {
    let status = async || cloud.status_row(file_id).await.map(|row| row["status"].as_str().unwrap().to_owned());
    let error = eventually(&format!("the outcome of {key}"), async || {
        if status().await.as_deref() == Some("completed") {
            return Some(None);
        }
        cloud.dead_letter_now(key).await.map(Some)
    })
    .await;
    let Some(dead_letter) = error else {
        return WORKS.to_owned();
    };
    cloud.execution_ended(dead_letter["execution"].as_str().unwrap()).await;
    let then = status().await.unwrap_or_else(|| "no status".to_owned());
    format!("{}, then {then}", dead_letter["error"]["Error"].as_str().unwrap())
}

//! A message of a dead-letter queue, and what it is about.

use domain::{FileId, Partner};
use serde_json::Value;

/// Errors of the file itself, which its sender has to correct. Another attempt fails again.
const FILE_ERRORS: [&str; 3] = ["InvalidCsv", "FileTooLarge", "ContentDiffers"];

/// The error of an object that no known partner put there.
const UNKNOWN_PARTNER: &str = "UnknownPartner";

const NO_JSON: &str = "the message is not JSON";
/// The detail types of a published payment and of a scheduled run.
const PAYMENT_PUBLISHED: &str = "Transaction Created";
const SCHEDULED_EVENT: &str = "Scheduled Event";
/// The step or task in the input of the hourly checks, which is the message if a check fails.
const HOURLY_CHECK: &str = "reconcile";

/// A dead letter, by what it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum DeadLetter {
    /// The workflow failed on an object, or was not started for it.
    Object(Object),
    /// The file itself has errors.
    InvalidFile(Object),
    /// The workflow failed on a payment.
    Payment(Payment),
    /// The event of a payment was not delivered.
    Undelivered(Payment),
    /// A scheduled run could not start, or failed.
    ScheduledRun,
    /// A message that this command cannot repeat, and why.
    Unknown(&'static str),
}

/// An object of the bucket whose processing failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Object {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version_id: String,
    /// The event that the workflow is started with.
    pub(crate) event: Value,
    pub(crate) failure: Failure,
}

/// A stored payment whose processing failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Payment {
    pub(crate) transaction_id: String,
    pub(crate) provider: String,
    /// The event by which it was published.
    pub(crate) event: Value,
    pub(crate) failure: Failure,
}

/// Why a message is in the queue, if it says so.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Failure {
    /// The error name.
    pub(crate) error: Option<String>,
    /// The cause.
    pub(crate) cause: Option<String>,
}

impl Failure {
    pub(crate) fn new(error: Option<String>, cause: Option<String>) -> Self {
        Self { error, cause: cause.map(plain_cause) }
    }

    fn of(message: &Value) -> Self {
        Self::new(text(&message["error"]["Error"]), text(&message["error"]["Cause"]))
    }
}

impl DeadLetter {
    /// Parses a message of the queue of files. The workflow writes `input` and `error`; a rule writes the event that it could
    /// not deliver, and a function writes the input of a failed asynchronous call.
    pub(crate) fn of_files(body: &str) -> Self {
        let Ok(message) = serde_json::from_str::<Value>(body) else {
            return Self::Unknown(NO_JSON);
        };
        if message["step"] == HOURLY_CHECK {
            return Self::ScheduledRun;
        }
        let event = [&message["input"], &message["event"], &message];
        let Some(event) = event.into_iter().find(|event| event["detail"]["object"]["key"].is_string()) else {
            return Self::Unknown("the message names no object of a bucket");
        };
        let (object, bucket) = (&event["detail"]["object"], &event["detail"]["bucket"]["name"]);
        let found = (text(bucket), text(&object["key"]), text(&object["version-id"]));
        let (Some(bucket), Some(key), Some(version_id)) = found else {
            return Self::Unknown("the event names no bucket or no version of its object");
        };
        let failure = Failure::of(&message);
        let is_invalid_file = failure.error.as_deref().is_some_and(|error| FILE_ERRORS.contains(&error));
        let object = Object { bucket, key, version_id, event: event.clone(), failure };
        if is_invalid_file { Self::InvalidFile(object) } else { Self::Object(object) }
    }

    /// Parses a message of the queue of payments. The workflow writes `input` and `error`; a rule writes the event that it
    /// could not deliver, and the archival writes its event.
    pub(crate) fn of_payments(body: &str) -> Self {
        let Ok(message) = serde_json::from_str::<Value>(body) else {
            return Self::Unknown(NO_JSON);
        };
        if message["detail-type"] == SCHEDULED_EVENT || message["task"] == HOURLY_CHECK {
            return Self::ScheduledRun;
        }
        let failed = message["input"].is_object();
        let event = if failed { &message["input"] } else { &message };
        let detail = &event["detail"];
        let found = (text(&detail["transaction_id"]), text(&detail["provider"]));
        let (PAYMENT_PUBLISHED, (Some(transaction_id), Some(provider))) =
            (event["detail-type"].as_str().unwrap_or_default(), found)
        else {
            return Self::Unknown("the message is not about a payment");
        };
        let payment = Payment { transaction_id, provider, event: event.clone(), failure: Failure::of(&message) };
        if failed { Self::Payment(payment) } else { Self::Undelivered(payment) }
    }

    /// The object that it is about.
    pub(crate) fn object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) | Self::InvalidFile(object) => Some(object),
            _ => None,
        }
    }

    /// The payment that it is about.
    pub(crate) fn payment(&self) -> Option<&Payment> {
        match self {
            Self::Payment(payment) | Self::Undelivered(payment) => Some(payment),
            _ => None,
        }
    }

    /// Why it is in the queue.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.object().map(|object| &object.failure).or(self.payment().map(|payment| &payment.failure))
    }

    /// Whether both are about the same object, payment or schedule.
    pub(crate) fn has_same_subject(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Payment(one), Self::Payment(other)) | (Self::Undelivered(one), Self::Undelivered(other)) => {
                (&one.transaction_id, &one.provider) == (&other.transaction_id, &other.provider)
            }
            (Self::ScheduledRun, Self::ScheduledRun) => true,
            _ => match (self.object(), other.object()) {
                (Some(one), Some(other)) => one.is_same(other),
                _ => false,
            },
        }
    }
}

/// The execution that left a message, if one did.
pub(crate) fn execution_of(body: &str) -> Option<String> {
    text(&serde_json::from_str::<Value>(body).ok()?["execution"])
}

impl Object {
    /// The input of the workflow.
    pub(crate) fn input(&self) -> String {
        let mut event = self.event.clone();
        event["redrive"] = true.into();
        event.to_string()
    }

    /// The file whose id is the name of an object under `validated/`. Only the API can write there.
    pub(crate) fn validated_file(&self) -> Option<FileId> {
        FileId::parse(self.key.strip_prefix("validated/")?.strip_suffix(".csv")?)
    }

    /// The file whose id is the name of an object under `incoming/`. Either its upload was created with that key, or a partner
    /// chose the name.
    pub(crate) fn incoming_file(&self) -> Option<FileId> {
        FileId::parse(self.key.strip_prefix("incoming/")?.split_once('/')?.1.strip_suffix(".csv")?)
    }

    /// The partner that put it under `incoming/`.
    pub(crate) fn partner(&self) -> Option<Partner> {
        Partner::named(self.key.strip_prefix("incoming/")?.split_once('/')?.0)
    }

    /// Whether the workflow rejected it because its partner is not known. It is accepted once the partner is added.
    pub(crate) fn has_unknown_partner(&self) -> bool {
        self.failure.error.as_deref() == Some(UNKNOWN_PARTNER)
    }

    /// Whether both are the same version of the same object.
    fn is_same(&self, other: &Self) -> bool {
        (&self.bucket, &self.key, &self.version_id) == (&other.bucket, &other.key, &other.version_id)
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The error message of a function, which Step Functions wraps into JSON.
fn plain_cause(cause: String) -> String {
    let wrapped = serde_json::from_str::<Value>(&cause).ok();
    wrapped.and_then(|wrapped| wrapped["errorMessage"].as_str().map(str::to_owned)).unwrap_or(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(key: &str) -> Value {
        json!({"detail-type": "Object Created", "detail": {
            "bucket": {"name": "b"}, "object": {"key": key, "version-id": "v", "size": 3}}})
    }

    fn published() -> Value {
        json!({"detail-type": "Transaction Created", "detail": {"transaction_id": "T1", "provider": "acme-pay", "amount": "20000"}})
    }

    fn object(body: &Value) -> Object {
        match DeadLetter::of_files(&body.to_string()) {
            DeadLetter::Object(object) => object,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn finds_the_event_in_every_kind_of_message() {
        let id = "a6815dd816c576b5ac85ee4e2e8f5fc5";
        let event = event(&format!("validated/{id}.csv"));
        let failed = json!({"input": event, "error": {"Error": "StoreUnavailable", "Cause": "x"}, "execution": "e"});
        assert_eq!(execution_of(&failed.to_string()).as_deref(), Some("e"));
        for body in [failed, event.clone(), json!({"step": "validate", "event": event})] {
            let object = object(&body);
            assert_eq!(object.validated_file().unwrap().as_str(), id);
            let input: Value = serde_json::from_str(&object.input()).unwrap();
            assert_eq!((&input["detail"], &input["redrive"]), (&event["detail"], &json!(true)));
        }
        for body in ["", "[]", "{}", r#"{"input": {"detail": {"object": {"key": "x"}}}}"#] {
            assert!(matches!(DeadLetter::of_files(body), DeadLetter::Unknown(_)), "{body}");
            assert_eq!(execution_of(body), None, "{body}");
        }
    }

    #[test]
    fn parses_messages_of_payments() {
        let failed = json!({"input": published(), "error": {"Error": "AccessDenied", "Cause": "c"}, "execution": "e"});
        let of = |body: &Value| DeadLetter::of_payments(&body.to_string());
        let DeadLetter::Payment(payment) = of(&failed) else { panic!("{failed}") };
        assert_eq!((payment.transaction_id.as_str(), payment.provider.as_str()), ("T1", "acme-pay"));
        assert_eq!((&payment.event, payment.failure.error.as_deref()), (&published(), Some("AccessDenied")));
        let DeadLetter::Undelivered(payment) = of(&published()) else { panic!("{}", published()) };
        assert_eq!((&payment.event, payment.failure), (&published(), Failure::default()));
        assert_eq!(of(&json!({"detail-type": "Scheduled Event", "source": "aws.events"})), DeadLetter::ScheduledRun);
        assert_eq!(of(&json!({"task": "reconcile"})), DeadLetter::ScheduledRun);
        assert_eq!(DeadLetter::of_files(r#"{"step": "reconcile"}"#), DeadLetter::ScheduledRun);
        assert!(matches!(DeadLetter::of_files(r#"{"step": "report_missing"}"#), DeadLetter::Unknown(_)));
        for body in
            [json!({}), json!([]), event("validated/x.csv"), json!({"input": {"detail-type": "Transaction Created"}})]
        {
            assert!(matches!(of(&body), DeadLetter::Unknown(_)), "{body}");
        }
        assert!(of(&failed).has_same_subject(&of(&failed)) && !of(&failed).has_same_subject(&of(&published())));
    }

    #[test]
    fn a_file_with_errors_is_not_processed_again() {
        let body = |error: &str| json!({"input": event("incoming/acme/a.csv"), "error": {"Error": error}}).to_string();
        assert!(matches!(DeadLetter::of_files(&body("InvalidCsv")), DeadLetter::InvalidFile(_)));
        // The partner may have been added meanwhile.
        let DeadLetter::Object(object) = DeadLetter::of_files(&body("UnknownPartner")) else {
            panic!("it is processed again")
        };
        assert!(object.has_unknown_partner());
        let DeadLetter::Object(object) = DeadLetter::of_files(&body("StoreUnavailable")) else {
            panic!("it is processed again")
        };
        assert!(!object.has_unknown_partner());
    }

    #[test]
    fn a_dead_letter_has_its_cause() {
        let of = |cause: &str| {
            let body =
                json!({"input": event("incoming/acme/a.csv"), "error": {"Error": "StoreUnavailable", "Cause": cause}});
            object(&body).failure.cause.unwrap()
        };
        assert_eq!(of("the table is away"), "the table is away");
        assert_eq!(of(r#"{"errorType": "StoreUnavailable", "errorMessage": "it is away"}"#), "it is away");
        assert_eq!(object(&event("incoming/acme/a.csv")).failure, Failure::default());
    }

    #[test]
    fn a_key_names_the_file_or_the_partner() {
        let of = |key: &str| object(&event(key));
        let id = "a6815dd816c576b5ac85ee4e2e8f5fc5";
        let uploaded = of(&format!("incoming/acme/{id}.csv"));
        assert_eq!((uploaded.validated_file(), uploaded.incoming_file()), (None, FileId::parse(id)));
        let other = of("incoming/acme/2026/january.csv");
        assert_eq!((other.incoming_file(), other.partner()), (None, Partner::named("acme")));
        assert_eq!(of("else/where.csv").partner(), None);
    }
}

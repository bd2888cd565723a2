//! A message of a dead-letter queue: what it is about, and what can be done.

use domain::{FileId, Partner};
use serde_json::Value;

/// Refusals that stay the same however often the file is tried: its sender has to mend it.
const OF_THE_FILE_ITSELF: [&str; 3] = ["InvalidCsv", "FileTooLarge", "ContentDiffers"];

/// What the workflow calls an object that no partner of ours put there.
const UNKNOWN_PARTNER: &str = "UnknownPartner";

const NO_JSON: &str = "the message is not JSON";
/// What EventBridge calls a payment that was published, and a run by a schedule.
const PAYMENT_PUBLISHED: &str = "Transaction Created";
const BY_SCHEDULE: &str = "Scheduled Event";
/// What the hourly looks are called with, which a rule or a function leaves as it is.
const LOOK: &str = "reconcile";

/// What a message is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Letter {
    /// The workflow failed on an object, or was never started for it.
    Object(Object),
    /// A file that is wrong in itself.
    OfTheFile(Object),
    /// The workflow failed on a payment.
    Payment(Payment),
    /// No rule could deliver a payment.
    Undelivered(Payment),
    /// A run by a schedule could not be started, or failed.
    BySchedule,
    /// Nothing that this command knows how to repeat.
    Other(&'static str),
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

/// A payment that was stored, and got stuck on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Payment {
    pub(crate) transaction_id: String,
    pub(crate) provider: String,
    /// The event by which it was published.
    pub(crate) event: Value,
    pub(crate) failure: Failure,
}

/// Why something is in the queue, as far as its message says.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Failure {
    /// What the workflow called it.
    pub(crate) error: Option<String>,
    /// What it said about it.
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

impl Letter {
    /// Reads a message of the queue of files. The workflow writes `input` and `error`; a rule that could not deliver leaves the
    /// event itself, and a function that failed on a call that nobody waited for leaves what it was called with.
    pub(crate) fn of_files(body: &str) -> Self {
        let Ok(message) = serde_json::from_str::<Value>(body) else {
            return Self::Other(NO_JSON);
        };
        if message["step"] == LOOK {
            return Self::BySchedule;
        }
        let event = [&message["input"], &message["event"], &message];
        let Some(event) = event.into_iter().find(|event| event["detail"]["object"]["key"].is_string()) else {
            return Self::Other("the message names no object of a bucket");
        };
        let (object, bucket) = (&event["detail"]["object"], &event["detail"]["bucket"]["name"]);
        let found = (text(bucket), text(&object["key"]), text(&object["version-id"]));
        let (Some(bucket), Some(key), Some(version_id)) = found else {
            return Self::Other("the event names no bucket or no version of its object");
        };
        let failure = Failure::of(&message);
        let is_of_the_file = failure.error.as_deref().is_some_and(|error| OF_THE_FILE_ITSELF.contains(&error));
        let object = Object { bucket, key, version_id, event: event.clone(), failure };
        if is_of_the_file { Self::OfTheFile(object) } else { Self::Object(object) }
    }

    /// Reads a message of the queue of payments. The workflow writes `input` and `error`; a rule that could not deliver leaves
    /// the event itself, and so does the archival.
    pub(crate) fn of_payments(body: &str) -> Self {
        let Ok(message) = serde_json::from_str::<Value>(body) else {
            return Self::Other(NO_JSON);
        };
        if message["detail-type"] == BY_SCHEDULE || message["task"] == LOOK {
            return Self::BySchedule;
        }
        let failed = message["input"].is_object();
        let event = if failed { &message["input"] } else { &message };
        let detail = &event["detail"];
        let found = (text(&detail["transaction_id"]), text(&detail["provider"]));
        let (PAYMENT_PUBLISHED, (Some(transaction_id), Some(provider))) =
            (event["detail-type"].as_str().unwrap_or_default(), found)
        else {
            return Self::Other("the message is not about a payment");
        };
        let payment = Payment { transaction_id, provider, event: event.clone(), failure: Failure::of(&message) };
        if failed { Self::Payment(payment) } else { Self::Undelivered(payment) }
    }

    /// The object that it is about.
    pub(crate) fn object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) | Self::OfTheFile(object) => Some(object),
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

    /// Why it is there.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.object().map(|object| &object.failure).or(self.payment().map(|payment| &payment.failure))
    }

    /// Whether both ask for the same to be done.
    pub(crate) fn is_about_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Payment(one), Self::Payment(other)) | (Self::Undelivered(one), Self::Undelivered(other)) => {
                (&one.transaction_id, &one.provider) == (&other.transaction_id, &other.provider)
            }
            (Self::BySchedule, Self::BySchedule) => true,
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
    /// What the workflow is started with.
    pub(crate) fn input(&self) -> String {
        let mut event = self.event.clone();
        event["redrive"] = true.into();
        event.to_string()
    }

    /// The file whose id is the name of what the API stored under `validated/`. Nobody else can write there.
    pub(crate) fn validated_file(&self) -> Option<FileId> {
        FileId::parse(self.key.strip_prefix("validated/")?.strip_suffix(".csv")?)
    }

    /// The file whose id is the name of what lies under `incoming/`: the one that was announced under that key, or somebody's
    /// who happens to call its file so.
    pub(crate) fn incoming_file(&self) -> Option<FileId> {
        FileId::parse(self.key.strip_prefix("incoming/")?.split_once('/')?.1.strip_suffix(".csv")?)
    }

    /// Who put it under `incoming/`.
    pub(crate) fn partner(&self) -> Option<Partner> {
        Partner::named(self.key.strip_prefix("incoming/")?.split_once('/')?.0)
    }

    /// Whether the workflow rejected it because it is of no partner: it is again, unless somebody adds the partner.
    pub(crate) fn is_of_nobody(&self) -> bool {
        self.failure.error.as_deref() == Some(UNKNOWN_PARTNER)
    }

    /// Whether both are about the same bytes.
    fn is_same(&self, other: &Self) -> bool {
        (&self.bucket, &self.key, &self.version_id) == (&other.bucket, &other.key, &other.version_id)
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// What a function said when it failed. Step Functions wraps that into JSON.
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
        match Letter::of_files(&body.to_string()) {
            Letter::Object(object) => object,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_shape_of_a_message_leads_to_its_event() {
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
            assert!(matches!(Letter::of_files(body), Letter::Other(_)), "{body}");
            assert_eq!(execution_of(body), None, "{body}");
        }
    }

    #[test]
    fn a_letter_of_payments_is_one_of_three_kinds() {
        let failed = json!({"input": published(), "error": {"Error": "AccessDenied", "Cause": "c"}, "execution": "e"});
        let of = |body: &Value| Letter::of_payments(&body.to_string());
        let Letter::Payment(payment) = of(&failed) else { panic!("{failed}") };
        assert_eq!((payment.transaction_id.as_str(), payment.provider.as_str()), ("T1", "acme-pay"));
        assert_eq!((&payment.event, payment.failure.error.as_deref()), (&published(), Some("AccessDenied")));
        let Letter::Undelivered(payment) = of(&published()) else { panic!("{}", published()) };
        assert_eq!((&payment.event, payment.failure), (&published(), Failure::default()));
        assert_eq!(of(&json!({"detail-type": "Scheduled Event", "source": "aws.events"})), Letter::BySchedule);
        assert_eq!(of(&json!({"task": "reconcile"})), Letter::BySchedule);
        assert_eq!(Letter::of_files(r#"{"step": "reconcile"}"#), Letter::BySchedule);
        assert!(matches!(Letter::of_files(r#"{"step": "report_missing"}"#), Letter::Other(_)));
        for body in
            [json!({}), json!([]), event("validated/x.csv"), json!({"input": {"detail-type": "Transaction Created"}})]
        {
            assert!(matches!(of(&body), Letter::Other(_)), "{body}");
        }
        assert!(of(&failed).is_about_the_same(&of(&failed)) && !of(&failed).is_about_the_same(&of(&published())));
    }

    #[test]
    fn a_file_that_is_wrong_in_itself_is_not_tried_again() {
        let body = |error: &str| json!({"input": event("incoming/acme/a.csv"), "error": {"Error": error}}).to_string();
        assert!(matches!(Letter::of_files(&body("InvalidCsv")), Letter::OfTheFile(_)));
        // Its partner may have been added meanwhile.
        let Letter::Object(object) = Letter::of_files(&body("UnknownPartner")) else { panic!("it is tried again") };
        assert!(object.is_of_nobody());
        let Letter::Object(object) = Letter::of_files(&body("StoreUnavailable")) else { panic!("it is tried again") };
        assert!(!object.is_of_nobody());
    }

    #[test]
    fn a_letter_tells_why_it_failed() {
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
    fn a_key_tells_the_file_or_whose_it_is() {
        let of = |key: &str| object(&event(key));
        let id = "a6815dd816c576b5ac85ee4e2e8f5fc5";
        let announced = of(&format!("incoming/acme/{id}.csv"));
        assert_eq!((announced.validated_file(), announced.incoming_file()), (None, FileId::parse(id)));
        let other = of("incoming/acme/2026/january.csv");
        assert_eq!((other.incoming_file(), other.partner()), (None, Partner::named("acme")));
        assert_eq!(of("else/where.csv").partner(), None);
    }
}

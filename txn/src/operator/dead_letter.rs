//! A message of the dead-letter queue of files: what it is about, and what can be done.

use domain::{FileId, Partner};
use serde_json::Value;

/// Refusals that stay the same however often the file is tried: its sender has to mend it.
const OF_THE_FILE_ITSELF: [&str; 3] = ["InvalidCsv", "FileTooLarge", "ContentDiffers"];

/// What a message is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Letter {
    /// The workflow failed on an object, or was never started for it.
    Object(Object),
    /// A file that is wrong in itself.
    OfTheFile(Object),
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
    /// What the workflow called its failure, if it was the workflow.
    pub(crate) error: Option<String>,
    /// What it said about that.
    pub(crate) cause: Option<String>,
}

impl Letter {
    /// Reads a message's body. The workflow writes `input` and `error`; a rule that could not deliver leaves the event itself,
    /// and a function that failed on a call that nobody waited for leaves what it was called with.
    pub(crate) fn read(body: &str) -> Self {
        let Ok(message) = serde_json::from_str::<Value>(body) else {
            return Self::Other("the message is not JSON");
        };
        let event = [&message["input"], &message["event"], &message];
        let Some(event) = event.into_iter().find(|event| event["detail"]["object"]["key"].is_string()) else {
            return Self::Other("the message names no object of a bucket");
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (object, bucket) = (&event["detail"]["object"], &event["detail"]["bucket"]["name"]);
        let found = (text(bucket), text(&object["key"]), text(&object["version-id"]));
        let (Some(bucket), Some(key), Some(version_id)) = found else {
            return Self::Other("the event names no bucket or no version of its object");
        };
        let error = text(&message["error"]["Error"]);
        let is_of_the_file = error.as_deref().is_some_and(|error| OF_THE_FILE_ITSELF.contains(&error));
        let cause = text(&message["error"]["Cause"]).map(plain_cause);
        let object = Object { bucket, key, version_id, event: event.clone(), error, cause };
        if is_of_the_file { Self::OfTheFile(object) } else { Self::Object(object) }
    }
}

impl Letter {
    /// The object that it is about.
    pub(crate) fn object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) | Self::OfTheFile(object) => Some(object),
            Self::Other(_) => None,
        }
    }
}

impl Object {
    /// What the workflow is started with.
    pub(crate) fn input(&self) -> String {
        let mut event = self.event.clone();
        event["redrive"] = true.into();
        event.to_string()
    }

    /// The file's id, where the key tells it: what the API stored, or was announced to it.
    pub(crate) fn file_id(&self) -> Option<FileId> {
        let name = self.key.strip_suffix(".csv")?;
        name.strip_prefix("validated/").map_or_else(
            || name.strip_prefix("incoming/")?.split_once('/').and_then(|(_, name)| FileId::parse(name)),
            FileId::parse,
        )
    }

    /// Who put it there, where no id tells whose file it is.
    pub(crate) fn partner(&self) -> Option<Partner> {
        Partner::named(self.key.strip_prefix("incoming/")?.split_once('/')?.0)
    }

    /// Whether both are about the same bytes.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.bucket, &self.key, &self.version_id) == (&other.bucket, &other.key, &other.version_id)
    }
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

    fn object(body: &Value) -> Object {
        match Letter::read(&body.to_string()) {
            Letter::Object(object) => object,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_shape_of_a_message_leads_to_its_event() {
        let id = "a6815dd816c576b5ac85ee4e2e8f5fc5";
        let event = event(&format!("validated/{id}.csv"));
        let failed = json!({"input": event, "error": {"Error": "StoreUnavailable", "Cause": "x"}, "execution": "e"});
        for body in [failed, event.clone(), json!({"step": "validate", "event": event})] {
            let object = object(&body);
            assert_eq!(object.file_id().unwrap().as_str(), id);
            let input: Value = serde_json::from_str(&object.input()).unwrap();
            assert_eq!((&input["detail"], &input["redrive"]), (&event["detail"], &json!(true)));
        }
        for body in ["", "[]", "{}", r#"{"input": {"detail": {"object": {"key": "x"}}}}"#] {
            assert!(matches!(Letter::read(body), Letter::Other(_)), "{body}");
        }
    }

    #[test]
    fn a_file_that_is_wrong_in_itself_is_not_tried_again() {
        let body = |error: &str| json!({"input": event("incoming/acme/a.csv"), "error": {"Error": error}}).to_string();
        assert!(matches!(Letter::read(&body("InvalidCsv")), Letter::OfTheFile(_)));
        assert!(matches!(Letter::read(&body("UnknownPartner")), Letter::Object(_)));
    }

    #[test]
    fn a_letter_tells_why_it_failed() {
        let of = |cause: &str| {
            let body =
                json!({"input": event("incoming/acme/a.csv"), "error": {"Error": "StoreUnavailable", "Cause": cause}});
            object(&body).cause.unwrap()
        };
        assert_eq!(of("the table is away"), "the table is away");
        assert_eq!(of(r#"{"errorType": "StoreUnavailable", "errorMessage": "it is away"}"#), "it is away");
        assert_eq!(object(&event("incoming/acme/a.csv")).cause, None);
    }

    #[test]
    fn a_key_tells_the_file_or_whose_it_is() {
        let of = |key: &str| object(&event(key));
        assert_eq!(
            of("incoming/acme/a6815dd816c576b5ac85ee4e2e8f5fc5.csv").file_id().map(|id| id.to_string()).as_deref(),
            Some("a6815dd816c576b5ac85ee4e2e8f5fc5")
        );
        let other = of("incoming/acme/2026/january.csv");
        assert_eq!((other.file_id(), other.partner()), (None, Partner::named("acme")));
        assert_eq!(of("else/where.csv").partner(), None);
    }
}

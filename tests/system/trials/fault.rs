//! The faults of calls, and the error of each service when it fails.

use super::call::{Call, Service};
use super::chance::Chance;
use crate::simulators::relay::Response;
use serde_json::json;

/// From this call on there are no more faults of the same operation on the same subject, so that everything ends.
const FAULTS_OF_SUBJECT_MAX: u32 = 10;

/// The percentage of faults of calls about nobody in particular.
const SHARED_PERCENT: u64 = 10;

/// A part of the id of a row that the table rejects until the trial lifts that.
pub(super) const POISON: &str = "POISON";

/// The fault of a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Fault {
    /// None.
    None,
    /// It takes so many milliseconds longer.
    Delayed(u64),
    /// The connection ends before the service has received it.
    Dropped,
    /// The service responds with a 5xx and does nothing.
    ServerError,
    /// The service is too busy, and does nothing.
    Throttled,
    /// It is done, and the connection ends before the response.
    ResponseLost,
    /// The connection ends, and it is done so many milliseconds later.
    Late(u64),
    /// It is done twice, as when a repeat and what it repeats both arrive.
    Twice,
    /// The handler is killed before the service has received it.
    Killed,
    /// It is done, and the handler is killed before the response.
    KilledAfter,
    /// Half of the response arrives.
    ResponseCut,
    /// A part of a batch is not processed.
    Partial,
}

impl Fault {
    /// The fault of the `number`th call, from 0, of this operation on this subject.
    pub(super) fn of(seed: u64, call: &Call, number: u32) -> Self {
        // Secrets are shared by all rounds: so they fail rarely, and then permanently.
        let is_shared = call.service == Service::SecretsManager;
        if number >= FAULTS_OF_SUBJECT_MAX && !is_shared {
            return Self::None;
        }
        // Most subjects meet few faults, and some meet many.
        let weather = *Chance::of(seed, &["weather", &call.subject]).pick(&[0, 0, 6, 6, 15, 15, 35, 70]);
        let percent = if is_shared { SHARED_PERCENT } else { weather };
        let mut chance = Chance::of(seed, &["fault", &call.subject, &call.operation, &number.to_string()]);
        if chance.percent(percent) { Self::pick(call, &mut chance) } else { Self::None }
    }

    fn pick(call: &Call, chance: &mut Chance) -> Self {
        let mut choices = vec![
            Self::Delayed(chance.between(5, 400)),
            Self::Dropped,
            Self::ServerError,
            Self::Throttled,
            Self::ResponseLost,
            Self::Killed,
        ];
        if call.is_write() {
            choices.extend([Self::Late(chance.between(20, 1500)), Self::Twice, Self::KilledAfter, Self::ResponseLost]);
        }
        if ["GET", "Query", "BatchGetItem"].contains(&call.operation.as_str()) {
            choices.extend([Self::ResponseCut, Self::ResponseCut]);
        }
        if ["BatchGetItem", "PutEvents"].contains(&call.operation.as_str()) {
            choices.extend([Self::Partial, Self::Partial, Self::Partial]);
        }
        // Longer than a try of a call may take.
        if chance.percent(2) { Self::Delayed(3_200) } else { *chance.pick(&choices) }
    }

    /// Its name, without its numbers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Delayed(_) => "delayed",
            Self::Dropped => "dropped",
            Self::ServerError => "responded with 500",
            Self::Throttled => "throttled",
            Self::ResponseLost => "done, and the response lost",
            Self::Late(_) => "done late",
            Self::Twice => "done twice",
            Self::Killed => "handler killed before",
            Self::KilledAfter => "handler killed after",
            Self::ResponseCut => "response cut",
            Self::Partial => "batch done in part",
        }
    }
}

/// A service's response that it is out of order.
pub(super) fn server_error(service: Service) -> Response {
    match service {
        Service::DynamoDb => dynamodb(500, "InternalServerError"),
        Service::S3 => s3(500, "InternalError"),
        Service::Sns => sns(500, "InternalError"),
        Service::EventBridge => json_1_1(500, "InternalException"),
        Service::SecretsManager => json_1_1(500, "InternalServiceError"),
    }
}

/// A service's response that it throttles.
pub(super) fn throttling(service: Service) -> Response {
    match service {
        Service::DynamoDb => dynamodb(400, "ProvisionedThroughputExceededException"),
        Service::S3 => s3(503, "SlowDown"),
        Service::Sns => sns(400, "Throttled"),
        Service::EventBridge | Service::SecretsManager => json_1_1(400, "ThrottlingException"),
    }
}

fn dynamodb(status: u16, code: &str) -> Response {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "by the fault proxy"});
    Response::new(status, "application/x-amz-json-1.0", &body.to_string())
}

fn json_1_1(status: u16, code: &str) -> Response {
    let body = json!({"__type": code, "message": "by the fault proxy"});
    Response::new(status, "application/x-amz-json-1.1", &body.to_string())
}

fn s3(status: u16, code: &str) -> Response {
    let body =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>by the fault proxy</Message></Error>");
    Response::new(status, "application/xml", &body)
}

fn sns(status: u16, code: &str) -> Response {
    let error = format!("<Error><Type>Receiver</Type><Code>{code}</Code><Message>by the fault proxy</Message></Error>");
    let body = format!("<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">{error}</ErrorResponse>");
    Response::new(status, "text/xml", &body)
}

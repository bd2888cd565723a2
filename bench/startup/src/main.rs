//! `make bench-startup`: how long each function takes from the start of its process to its first request for an event, and to
//! its first response; at a full core and at the share of a core that Lambda gives to 512 MB. In the same run: an empty
//! function on the same runtime, and functions in Python that create the same clients and make the same calls.

mod aws;
mod report;
mod subject;

use domain::payments::webhook::Secret;
use domain::payments::webhook::signature::{self, ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use report::Report;
use serde_json::{Value, json};
use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use stubs::process::built;
use stubs::{CpuLimit, SHARE_PERCENT, in_repository};
use subject::{Stage, Subject};

/// How often everything is started, in turns, so that a busy moment of the machine affects all alike.
const ROUNDS: usize = 15;

/// Each function, its event, and what the response must contain.
const FUNCTIONS: [(&str, &str, &str); 6] = [
    ("csv-validator", "upload.json", "\"statusCode\":200"),
    ("data-transformer", "transform.json", "\"rows\":12"),
    ("notification-sender", "notify.json", "\"published\":true"),
    ("webhook-validator", "webhook.json", "\"statusCode\":200"),
    ("fraud-detector", "assess.json", "\"medium_risk\""),
    ("transaction-archival", "archive.json", "\"done\""),
];

fn main() -> ExitCode {
    match measure() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("The start of the functions could not be measured: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints. Returns whether every bound holds.
fn measure() -> Result<bool, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "Usage: startup PYTHON, where PYTHON is an interpreter that has boto3";
    let python = arguments.next().ok_or(usage)?;
    let aws = aws::start(fs::read(in_repository("local/samples/transactions.csv"))?)?;
    let stage = Stage { trusted: aws.trusted("startup")?, aws };
    let subjects = subjects(&python)?;
    let mut holds = true;
    for percent in [100, SHARE_PERCENT] {
        let limit = match CpuLimit::of(percent) {
            Ok(limit) => limit,
            Err(note) => {
                println!("{note}");
                continue;
            }
        };
        let mut report = Report::new(subjects.iter().map(|subject| subject.name.clone()));
        for _ in 0..ROUNDS {
            for subject in &subjects {
                report.add(&subject.name, stage.start(subject, limit.as_ref())?);
            }
        }
        holds &= report.print(percent);
    }
    Ok(holds)
}

/// The event with a new signature of its provider, if it is a webhook.
fn signed(event: String) -> Result<String, Box<dyn Error>> {
    let mut parsed: Value = serde_json::from_str(&event)?;
    let (Some(id), Some(body)) = (parsed["headers"][ID_HEADER].as_str(), parsed["body"].as_str()) else {
        return Ok(event);
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let signature = signature::sign(&Secret::parse(aws::SIGNING_SECRET)?, id, now, body.as_bytes());
    for (name, value) in [(TIMESTAMP_HEADER, now.to_string()), (SIGNATURE_HEADER, signature)] {
        parsed["headers"][name] = json!(value);
        parsed["multiValueHeaders"][name] = json!([value]);
    }
    Ok(parsed.to_string())
}

/// The empty function, then each function followed by its version in Python.
fn subjects(python: &str) -> Result<Vec<Subject>, Box<dyn Error>> {
    let handler = in_repository("bench/startup/python/handler.py").display().to_string();
    let empty = built(report::EMPTY)?;
    let mut subjects =
        vec![Subject { name: report::EMPTY.to_owned(), command: empty, event: "{}".to_owned(), expected: "{}" }];
    for (name, event, expected) in FUNCTIONS {
        let event = signed(fs::read_to_string(in_repository("events").join(event))?)?;
        let in_python = vec![python.to_owned(), handler.clone(), name.to_owned()];
        subjects.push(Subject { name: name.to_owned(), command: built(name)?, event: event.clone(), expected });
        subjects.push(Subject { name: report::in_python(name), command: in_python, event, expected: "" });
    }
    Ok(subjects)
}

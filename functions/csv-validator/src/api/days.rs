//! `GET /days/{day}`: the files received on a day, of one partner or of all, and those that were expected and are missing.
//!
//! A partner's key sees that partner alone. An operator's sees all, or the one that it names.

use crate::Ports;
use crate::api::caller::caller_of;
use crate::api::upload::path_to_status;
use adapters::{Failure, FailureKind, Tracer};
use api::{ApiError, Code, Rejection, Response, request, response};
use domain::files::partner_day::{DayFile, DayTally};
use domain::limits::{DAY_FILES_BYTES_MAX, DAY_FILES_MAX};
use domain::{Caller, Day, Partner};
use lambda_http::Request;
use serde_json::{Value, json};

pub(crate) async fn show(request: &Request, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Response, ApiError> {
    let caller = caller_of(request)?;
    let named = partner_in_query(request)?;
    let day = request::path_parameter(request, "day").and_then(Day::parse).ok_or_else(day_malformed)?;
    let is_operator = caller == Caller::Operator;
    let partner = in_view(caller, named)?;
    let partner = partner.as_ref().map(Partner::as_str);
    let mut view = View::default();
    match partner {
        Some(partner) => view.tally.include(partner),
        None => ports.schedules.partners(day).for_each(|partner| view.tally.include(partner)),
    }
    let lists_files = partner.is_some();
    let reading = ports.status.files_of_day(day, partner, |file| view.add(file.shown_at(now_ms), lists_files));
    tracer.step("read day", reading).await?;
    let mut body = json!({
        "day": day.to_string(),
        "partners": view.tally.finish(&ports.schedules, day),
        "files": lists_files.then_some(view.files),
        "files_truncated": view.truncated,
    });
    if is_operator && !ports.schedules.errors().is_empty() {
        body["schedule_errors"] = ports.schedules.errors().into();
    }
    Ok(response::json(&body))
}

/// Whose files are shown: one partner's, or everybody's.
fn in_view(caller: Caller, named: Option<Partner>) -> Result<Option<Partner>, Rejection> {
    match caller {
        Caller::Operator => Ok(named),
        Caller::Partner(own) if named.as_ref().is_none_or(|named| *named == own) => Ok(Some(own)),
        Caller::Partner(_) => {
            Err(query_malformed("A partner's key shows that partner's own day; leave the parameter partner out."))
        }
    }
}

/// The partner that the query names. Whoever misspells a parameter must not take the response for what it asked for.
fn partner_in_query(request: &Request) -> Result<Option<Partner>, Rejection> {
    if request::query_parameters(request).any(|(name, _)| name != "partner") {
        return Err(query_malformed("The only parameter of a day is partner, which an operator's key may send."));
    }
    let mut names = request::query_parameters(request).map(|(_, value)| value);
    match (names.next(), names.next()) {
        (None, _) => Ok(None),
        (Some(name), None) => Partner::named(name).map(Some).ok_or_else(|| {
            let form = "A partner's name has 1 to 63 small letters, digits and hyphens, and begins with no hyphen.";
            query_malformed(form)
        }),
        (Some(_), Some(_)) => Err(query_malformed("Send the parameter partner once.")),
    }
}

fn query_malformed(message: &str) -> Rejection {
    Rejection::new(Code::QueryMalformed, message)
}

fn day_malformed() -> Rejection {
    Rejection::new(Code::DayMalformed, "A day is written as in /days/2026-01-15, and is a day of the calendar, in UTC.")
}

/// What a response is made of.
#[derive(Default)]
struct View {
    tally: DayTally,
    files: Vec<Value>,
    bytes: usize,
    truncated: bool,
}

impl View {
    /// Counts a file, and lists it if files are listed and there is room.
    fn add(&mut self, file: DayFile, is_listed: bool) -> Result<(), Failure> {
        self.tally.add(&file).map_err(|currency| {
            Failure::new(FailureKind::InvalidInput, format!("item of the status table: its sum in {currency}"))
        })?;
        if !is_listed || self.truncated {
            return Ok(());
        }
        let listed = listed(&file);
        self.bytes += listed.to_string().len();
        self.truncated = self.files.len() == DAY_FILES_MAX || self.bytes > DAY_FILES_BYTES_MAX;
        if !self.truncated {
            self.files.push(listed);
        }
        Ok(())
    }
}

fn listed(file: &DayFile) -> Value {
    json!({
        "file_id": file.file_id,
        "partner": file.partner,
        "received_at": file.received_at,
        "status": file.status,
        "attempt": file.attempt,
        "row_count": file.rows,
        "error_count": file.error_count.unwrap_or_default(),
        "totals": file.totals,
        "rows_superseded": file.rows_not_in_effect(),
        "rows_replaced": file.rows_replaced.unwrap_or_default(),
        "status_path": path_to_status(&file.file_id, file.token.as_ref()),
    })
}

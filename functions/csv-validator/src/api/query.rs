//! The parameters of the query string.
//!
//! Anything that might be meant as a parameter and is written otherwise is rejected: whoever believes in a dry run must never
//! get a real one.

use api::request::query_parameters;
use api::{Code, Rejection};
use domain::csv::RowSelection;
use domain::files::lifecycle::Intent;
use lambda_http::Request;

/// Most digits of an attempt's number.
const ATTEMPT_DIGITS_MAX: usize = 9;

/// Whether the request is a dry run.
///
/// # Errors
/// It has the parameter, or one that looks like it, with anything but one value of the two.
pub(crate) fn dry_run(request: &Request) -> Result<bool, Rejection> {
    flag(request, "dry_run").ok_or_else(|| {
        let message = "Nothing was done. For a dry run, which stores nothing, write the query parameter dry_run=true, \
                       exactly as written here; for the upload itself leave it out, or write dry_run=false.";
        Rejection::new(Code::QueryMalformed, message)
    })
}

/// What is to be done with the file: `reprocess_attempt=N` is to process the file once more after the attempt N, which its sender
/// has seen. The number makes a repeat of the request harmless.
///
/// # Errors
/// It has the parameter, or one that looks like it, with anything but one whole number.
pub(crate) fn intent(request: &Request) -> Result<Intent, Rejection> {
    let mut seen = None;
    for (name, value) in query_parameters(request).filter(|(name, _)| letters(name).starts_with("reprocess")) {
        let digits =
            !value.is_empty() && value.len() <= ATTEMPT_DIGITS_MAX && value.bytes().all(|byte| byte.is_ascii_digit());
        let attempt = value.parse::<u32>().ok().filter(|attempt| digits && *attempt > 0 && name == "reprocess_attempt");
        if attempt.is_none() || seen.is_some_and(|before| Some(before) != attempt) {
            let message = "Nothing was done. For a file that was processed before to be processed again, write the query \
                           parameter reprocess_attempt=1, with the number of the attempt that you have seen: the member \
                           attempt of the file's status. Otherwise leave it out.";
            return Err(Rejection::new(Code::QueryMalformed, message));
        }
        seen = attempt;
    }
    Ok(Intent::of(seen))
}

/// What the parameter `name` says: `true`, or `false` as where it is not there. Nothing if it says anything else, says
/// both, or is written otherwise.
fn flag(request: &Request, name: &str) -> Option<bool> {
    let mut asked = None;
    for (given, value) in query_parameters(request).filter(|(given, _)| letters(given) == letters(name)) {
        let value = match value {
            "true" => true,
            "false" => false,
            _ => return None,
        };
        if given != name || asked.is_some_and(|before| before != value) {
            return None;
        }
        asked = Some(value);
    }
    Some(asked.unwrap_or_default())
}

/// The letters of a parameter's name, so that one that is written otherwise is seen.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Which rows of a rejected file are wanted: the rejected ones, unless the request says otherwise.
///
/// # Errors
/// It is neither `rejected` nor `all`.
pub(crate) fn row_selection(request: &Request) -> Result<RowSelection, Rejection> {
    let mut selection = None;
    for (_, value) in query_parameters(request).filter(|(name, _)| *name == "rows") {
        let asked = match value {
            "rejected" => RowSelection::Rejected,
            "all" => RowSelection::All,
            _ => return Err(rows_malformed()),
        };
        if selection.is_some_and(|before| before != asked) {
            return Err(rows_malformed());
        }
        selection = Some(asked);
    }
    Ok(selection.unwrap_or(RowSelection::Rejected))
}

fn rows_malformed() -> Rejection {
    let message = "Write the query parameter rows=rejected for the rows with errors, or rows=all for all rows.";
    Rejection::new(Code::QueryMalformed, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_http::{Body, RequestExt};
    use std::collections::HashMap;

    fn request(parameters: &[(&str, &[&str])]) -> Request {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let parameters = parameters.iter().map(|(name, all)| ((*name).to_owned(), values(all)));
        Request::new(Body::Empty).with_query_string_parameters(parameters.collect::<HashMap<String, Vec<String>>>())
    }

    #[test]
    fn a_dry_run_is_written_in_one_way() {
        let asked = |parameters: &[(&str, &[&str])]| dry_run(&request(parameters)).map_err(|rejection| rejection.code);
        assert_eq!(asked(&[]), Ok(false));
        assert_eq!(asked(&[("dry_run", &["true"])]), Ok(true));
        assert_eq!(asked(&[("dry_run", &["true", "true"]), ("reprocess", &["true"])]), Ok(true));
        assert_eq!(asked(&[("dry_run", &["false"])]), Ok(false));
        for value in ["", "True", "TRUE", "1", "yes", " true", "on"] {
            assert_eq!(asked(&[("dry_run", &[value])]), Err(Code::QueryMalformed), "{value}");
        }
        for name in ["dryrun", "dry-run", "dryRun", "DRY_RUN", "Dry_Run"] {
            assert_eq!(asked(&[(name, &["true"])]), Err(Code::QueryMalformed), "{name}");
        }
        assert_eq!(asked(&[("dry_run", &["true", "false"])]), Err(Code::QueryMalformed));
        assert_eq!(asked(&[("dry", &["run"])]), Ok(false));
    }

    #[test]
    fn a_file_is_processed_again_only_after_an_attempt_that_is_named() {
        let asked = |parameters: &[(&str, &[&str])]| intent(&request(parameters)).map_err(|rejection| rejection.code);
        assert_eq!(asked(&[("dry_run", &["true"])]), Ok(Intent::Process));
        assert_eq!(asked(&[("reprocess_attempt", &["12"])]), Ok(Intent::Reprocess { seen_attempt: 12 }));
        assert_eq!(asked(&[("reprocess_attempt", &["1", "1"])]), Ok(Intent::Reprocess { seen_attempt: 1 }));
        for value in ["", "0", "-1", "+1", "1.0", "true", " 1", "4294967296", "99999999999"] {
            assert_eq!(asked(&[("reprocess_attempt", &[value])]), Err(Code::QueryMalformed), "{value}");
        }
        for name in ["reprocess", "reprocess-attempt", "reprocessAttempt", "Reprocess_Attempt", "re-process"] {
            assert_eq!(asked(&[(name, &["1"])]), Err(Code::QueryMalformed), "{name}");
        }
        assert_eq!(asked(&[("reprocess_attempt", &["1", "2"])]), Err(Code::QueryMalformed));
    }

    #[test]
    fn rows_are_the_rejected_ones_or_all() {
        let asked =
            |parameters: &[(&str, &[&str])]| row_selection(&request(parameters)).map_err(|rejection| rejection.code);
        assert_eq!(asked(&[]), Ok(RowSelection::Rejected));
        assert_eq!(asked(&[("rows", &["rejected"])]), Ok(RowSelection::Rejected));
        assert_eq!(asked(&[("rows", &["all"])]), Ok(RowSelection::All));
        assert_eq!(asked(&[("rows", &["All"])]), Err(Code::QueryMalformed));
        assert_eq!(asked(&[("rows", &["all", "rejected"])]), Err(Code::QueryMalformed));
    }
}

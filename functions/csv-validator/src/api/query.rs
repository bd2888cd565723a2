//! What stands in a request's query string.
//!
//! Anything that might be meant as a parameter and is written otherwise is rejected: whoever believes in a dry run must never
//! get a real one.

use api::gateway::Refusal;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use domain::csv::RowSelection;
use domain::files::lifecycle::Intent;

/// Most digits of an attempt's number.
const ATTEMPT_DIGITS_MAX: usize = 9;

/// Whether the request asks for a dry run.
///
/// # Errors
/// It has the parameter, or one that looks like it, with anything but one value of the two.
pub(crate) fn dry_run(request: &ApiGatewayProxyRequest) -> Result<bool, Refusal> {
    flag(request, "dry_run").ok_or_else(|| {
        let message = "Nothing was done. For a dry run, which stores nothing, write the query parameter dry_run=true, in \
                       exactly these letters; for the upload itself leave it out, or write dry_run=false.";
        Refusal::new(400, "query_malformed", message)
    })
}

/// What the request asks for: `reprocess_attempt=N` is to process the file once more after the attempt N, which its sender
/// has seen. The number makes a repeat of the request harmless.
///
/// # Errors
/// It has the parameter, or one that looks like it, with anything but one whole number.
pub(crate) fn intent(request: &ApiGatewayProxyRequest) -> Result<Intent, Refusal> {
    let mut seen = None;
    for (name, value) in parameters(request).filter(|(name, _)| letters(name).starts_with("reprocess")) {
        let digits =
            !value.is_empty() && value.len() <= ATTEMPT_DIGITS_MAX && value.bytes().all(|byte| byte.is_ascii_digit());
        let attempt = value.parse::<u32>().ok().filter(|attempt| digits && *attempt > 0 && name == "reprocess_attempt");
        if attempt.is_none() || seen.is_some_and(|before| Some(before) != attempt) {
            let message = "Nothing was done. For a file that was processed before to be processed again, write the query \
                           parameter reprocess_attempt=1, with the number of the attempt that you have seen: the member \
                           attempt of the file's status. Otherwise leave it out.";
            return Err(Refusal::new(400, "query_malformed", message));
        }
        seen = attempt;
    }
    Ok(Intent::of(seen))
}

/// What the parameter `name` says: `true`, or `false` as where it is not there. Nothing if it says anything else, says
/// both, or is written otherwise.
fn flag(request: &ApiGatewayProxyRequest, name: &str) -> Option<bool> {
    let mut asked = None;
    for (given, value) in parameters(request).filter(|(given, _)| letters(given) == letters(name)) {
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

/// Which rows of a refused file are asked for: the rejected ones, unless something else is said.
///
/// # Errors
/// It is neither `rejected` nor `all`.
pub(crate) fn row_selection(request: &ApiGatewayProxyRequest) -> Result<RowSelection, Refusal> {
    let mut selection = None;
    for (_, value) in parameters(request).filter(|(name, _)| *name == "rows") {
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

fn rows_malformed() -> Refusal {
    let message = "Write the query parameter rows=rejected for the rows with errors, or rows=all for all rows.";
    Refusal::new(400, "query_malformed", message)
}

/// Every parameter with each of its values. The gateway gives them in two forms, of which one has the last value alone.
fn parameters(request: &ApiGatewayProxyRequest) -> impl Iterator<Item = (&str, &str)> {
    request.multi_value_query_string_parameters.iter().chain(request.query_string_parameters.iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn request(parameters: &[(&str, &[&str])]) -> ApiGatewayProxyRequest {
        let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let all = || parameters.iter().map(|(name, values)| ((*name).to_owned(), texts(values)));
        let last = all().map(|(name, values)| (name, values.last().cloned().unwrap_or_default()));
        let last: HashMap<String, String> = last.collect();
        let all: HashMap<String, Vec<String>> = all().collect();
        let mut request = ApiGatewayProxyRequest::default();
        request.query_string_parameters = last.into();
        request.multi_value_query_string_parameters = all.into();
        request
    }

    #[test]
    fn a_dry_run_is_asked_for_in_one_way() {
        let asked = |parameters: &[(&str, &[&str])]| dry_run(&request(parameters)).map_err(|refusal| refusal.code);
        assert_eq!(asked(&[]), Ok(false));
        assert_eq!(asked(&[("dry_run", &["true"])]), Ok(true));
        assert_eq!(asked(&[("dry_run", &["true", "true"]), ("reprocess", &["true"])]), Ok(true));
        assert_eq!(asked(&[("dry_run", &["false"])]), Ok(false));
        for value in ["", "True", "TRUE", "1", "yes", " true", "on"] {
            assert_eq!(asked(&[("dry_run", &[value])]), Err("query_malformed"), "{value}");
        }
        for name in ["dryrun", "dry-run", "dryRun", "DRY_RUN", "Dry_Run"] {
            assert_eq!(asked(&[(name, &["true"])]), Err("query_malformed"), "{name}");
        }
        assert_eq!(asked(&[("dry_run", &["true", "false"])]), Err("query_malformed"));
        assert_eq!(asked(&[("dry", &["run"])]), Ok(false));
    }

    #[test]
    fn a_file_is_processed_again_only_after_an_attempt_that_is_named() {
        let asked = |parameters: &[(&str, &[&str])]| intent(&request(parameters)).map_err(|refusal| refusal.code);
        assert_eq!(asked(&[("dry_run", &["true"])]), Ok(Intent::Process));
        assert_eq!(asked(&[("reprocess_attempt", &["12"])]), Ok(Intent::Reprocess { seen_attempt: 12 }));
        assert_eq!(asked(&[("reprocess_attempt", &["1", "1"])]), Ok(Intent::Reprocess { seen_attempt: 1 }));
        for value in ["", "0", "-1", "+1", "1.0", "true", " 1", "4294967296", "99999999999"] {
            assert_eq!(asked(&[("reprocess_attempt", &[value])]), Err("query_malformed"), "{value}");
        }
        for name in ["reprocess", "reprocess-attempt", "reprocessAttempt", "Reprocess_Attempt", "re-process"] {
            assert_eq!(asked(&[(name, &["1"])]), Err("query_malformed"), "{name}");
        }
        assert_eq!(asked(&[("reprocess_attempt", &["1", "2"])]), Err("query_malformed"));
    }

    #[test]
    fn rows_are_the_rejected_ones_or_all() {
        let asked =
            |parameters: &[(&str, &[&str])]| row_selection(&request(parameters)).map_err(|refusal| refusal.code);
        assert_eq!(asked(&[]), Ok(RowSelection::Rejected));
        assert_eq!(asked(&[("rows", &["rejected"])]), Ok(RowSelection::Rejected));
        assert_eq!(asked(&[("rows", &["all"])]), Ok(RowSelection::All));
        assert_eq!(asked(&[("rows", &["All"])]), Err("query_malformed"));
        assert_eq!(asked(&[("rows", &["all", "rejected"])]), Err("query_malformed"));
    }
}

//! What stands in a request's query string.
//!
//! A dry run, and a file to be processed once more, are asked for by one parameter with two values each, and anything that
//! might be meant as it is refused: whoever believes in a dry run must never get a real one.

use adapters::gateway::Refusal;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use domain::csv::RowSelection;

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

/// Whether the file is to be processed once more although it was processed before.
///
/// # Errors
/// It has the parameter, or one that looks like it, with anything but one value of the two.
pub(crate) fn reprocess(request: &ApiGatewayProxyRequest) -> Result<bool, Refusal> {
    flag(request, "reprocess").ok_or_else(|| {
        let message = "Nothing was done. For a file that was processed before to be processed again, write the query \
                       parameter reprocess=true, in exactly these letters; otherwise leave it out, or write reprocess=false.";
        Refusal::new(400, "query_malformed", message)
    })
}

/// What the parameter `name` says: `true`, or `false` as where it is not there. Nothing if it says anything else, says
/// both, or is written otherwise.
fn flag(request: &ApiGatewayProxyRequest, name: &str) -> Option<bool> {
    let letters = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
    };
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
    fn a_file_is_processed_again_only_if_that_is_asked_for_in_one_way() {
        let asked = |parameters: &[(&str, &[&str])]| reprocess(&request(parameters)).map_err(|refusal| refusal.code);
        assert_eq!(asked(&[("dry_run", &["true"])]), Ok(false));
        assert_eq!(asked(&[("reprocess", &["true"])]), Ok(true));
        assert_eq!(asked(&[("reprocess", &["false"])]), Ok(false));
        for parameter in [("reprocess", "1"), ("reprocess", ""), ("re-process", "true"), ("Reprocess", "true")] {
            assert_eq!(asked(&[(parameter.0, &[parameter.1])]), Err("query_malformed"), "{parameter:?}");
        }
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

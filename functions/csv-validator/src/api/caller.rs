//! Whose request it is, by its API key.

use api::{Code, Rejection, request};
use domain::{Caller, Partner};
use lambda_http::Request;

/// The gateway has checked the key; here it only says whose it is. The key itself goes no further.
pub(crate) fn caller_of(request: &Request) -> Result<Caller, Rejection> {
    request::api_key(request)
        .map(Caller::of_api_key)
        .ok_or_else(|| Rejection::new(Code::ApiKeyInvalid, "Send your API key in the header x-api-key."))
}

/// The partner whose request it is, where an operator has nothing to do.
pub(crate) fn partner_of(request: &Request) -> Result<Partner, Rejection> {
    match caller_of(request)? {
        Caller::Partner(partner) => Ok(partner),
        Caller::Operator => Err(Rejection::new(
            Code::OperatorCannotUpload,
            "This is an operator's key, which shows the files of every partner and sends none. Use a partner's key.",
        )),
    }
}

//! Whose request it is, by its API key.

use api::gateway::Refusal;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use domain::{Caller, Partner};

/// The gateway has checked the key; here it only says whose it is. The key itself goes no further.
pub(crate) fn caller_of(request: &ApiGatewayProxyRequest) -> Result<Caller, Refusal> {
    let header = request.headers.get("x-api-key").and_then(|key| key.to_str().ok());
    let key = request.request_context.identity.api_key.as_deref().or(header).filter(|key| !key.is_empty());
    key.map(Caller::of_api_key)
        .ok_or_else(|| Refusal::new(403, "api_key_invalid", "Send your API key in the header x-api-key."))
}

/// The partner whose request it is, where an operator has nothing to do.
pub(crate) fn partner_of(request: &ApiGatewayProxyRequest) -> Result<Partner, Refusal> {
    match caller_of(request)? {
        Caller::Partner(partner) => Ok(partner),
        Caller::Operator => Err(Refusal::new(
            403,
            "operator_cannot_upload",
            "This is an operator's key, which shows what came of every partner and sends no file. Use a partner's key.",
        )),
    }
}

//! The API of payment webhooks.

use super::files::ERRORS;
use super::{Access, Api, Content, Parameter, Route, Values};
use lambda_http::http::Method;

/// An operation of this API.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum WebhookOperation {
    /// Receive a payment from its provider.
    Receive,
    /// Open the page of errors.
    ShowErrors,
}

/// The API.
pub const API: Api<WebhookOperation> = Api {
    routes: ROUTES,
    subject: "transaction_id",
    unavailable: "The service could not finish the request. Send the same webhook again: the payment is stored once, however often it is sent.",
};

const ROUTES: &[(WebhookOperation, Route)] = &[
    (
        WebhookOperation::Receive,
        Route {
            id: "webhook",
            method: Method::POST,
            path: "/webhook",
            access: Access::Signature,
            tag: "payments",
            summary: "Send a payment",
            description: "Takes a payment that its provider has signed by Standard Webhooks. However often it is sent, it is \
                          stored and published once. Send it again, signed anew, until the response is 200.",
            parameters: &[
                Parameter::header("webhook-id", "Names the message. The same for each attempt.", Values::NotEmpty)
                    .example("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"),
                Parameter::header(
                    "webhook-timestamp",
                    "Seconds since 1970, at most 300 away from our clock.",
                    Values::Pattern("^[0-9]+$"),
                )
                .example("1768471200"),
                Parameter::header(
                    "webhook-signature",
                    "v1, and the HMAC-SHA256 over webhook-id, webhook-timestamp and the bytes of the body, with points \
                     between them, in base64. Several are separated by spaces.",
                    Values::NotEmpty,
                )
                .example("v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
            ],
            request: Some(Content::Json(&["Payment"])),
            response: Content::Json(&["AcceptedPayment"]),
            response_description: "The payment is stored, now or before.",
        },
    ),
    (WebhookOperation::ShowErrors, ERRORS),
];

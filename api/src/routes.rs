//! The routes of both APIs. Routing, the help in messages, the operations of the problem table and `openapi/openapi.json`
//! all follow from these tables; tests hold the template against them.

pub mod files;
pub mod webhooks;

pub use files::FileOperation;
pub use webhooks::WebhookOperation;

use lambda_http::http::Method;
use std::fmt::{self, Display};

/// One API: its routes, and what its responses say of every request.
#[derive(Clone, Copy, Debug)]
pub struct Api<Operation: 'static> {
    /// Its routes.
    pub routes: &'static [(Operation, Route)],
    /// The member that names what a request is about. It is null where a request is rejected before that is known.
    pub subject: &'static str,
    /// The message of a response when the service could not finish: why it is safe to send the request again.
    pub unavailable: &'static str,
}

impl<Operation: Copy> Api<Operation> {
    /// The route of this method and path, which is written as in the table.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Option<(Operation, &'static Route)> {
        let mut routes = self.routes.iter();
        routes
            .find(|(_, route)| route.method == *method && route.path == path)
            .map(|(operation, route)| (*operation, route))
    }

    /// Every route, for the message to whoever missed them: `POST /upload, GET /errors`.
    #[must_use]
    pub fn routes_text(&self) -> String {
        self.routes.iter().map(|(_, route)| route.to_string()).collect::<Vec<_>>().join(", ")
    }
}

/// An operation of one of the APIs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Operation {
    /// Of the API of transaction files.
    Files(FileOperation),
    /// Of the API of payment webhooks.
    Webhooks(WebhookOperation),
}

/// Every route of both APIs.
pub fn all() -> impl Iterator<Item = (Operation, &'static Route)> {
    let files = files::API.routes.iter().map(|(operation, route)| (Operation::Files(*operation), route));
    files.chain(webhooks::API.routes.iter().map(|(operation, route)| (Operation::Webhooks(*operation), route)))
}

/// One route, as API Gateway and the OpenAPI document have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// The operation's id in OpenAPI.
    pub id: &'static str,
    /// The method.
    pub method: Method,
    /// The path, with a name in braces for each part that varies.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// The group that it belongs to in OpenAPI.
    pub tag: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What it does.
    pub description: &'static str,
    /// What the path, the query and the headers say.
    pub parameters: &'static [Parameter],
    /// What its body is, if it takes one.
    pub request: Option<Content>,
    /// What a successful response is.
    pub response: Content,
    /// What a successful response means.
    pub response_description: &'static str,
}

impl Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)
    }
}

/// Who may call a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Whoever has an API key, which API Gateway checks.
    ApiKey,
    /// Whoever has the file's token, which the function checks.
    Token,
    /// Whoever signs the request, which the function checks.
    Signature,
    /// Anybody.
    Anybody,
}

/// What a body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// A form with a file.
    Form,
    /// JSON of one of these schemas.
    Json(&'static [&'static str]),
    /// A page.
    Html,
    /// The OpenAPI document.
    OpenApi,
}

impl Content {
    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Form => "multipart/form-data",
            Self::Json(_) | Self::OpenApi => "application/json",
            Self::Html => "text/html",
        }
    }
}

/// Where a parameter is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Location {
    /// A part of the path.
    Path,
    /// In the query string.
    Query,
    /// A header.
    Header,
}

impl Location {
    /// The name in OpenAPI.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }
}

/// A parameter. Its value is a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Where it is.
    pub location: Location,
    /// Whether API Gateway rejects a request without it.
    pub is_required: bool,
    /// What it says, where the name does not.
    pub description: &'static str,
    /// The values that it may have.
    pub values: Values,
    /// One of them.
    pub example: Option<&'static str>,
}

/// The values that a parameter may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Values {
    /// Any text but the empty one.
    NotEmpty,
    /// What this regular expression matches.
    Pattern(&'static str),
    /// A date in the form YYYY-MM-DD.
    Date,
    /// One of these, and which one is meant where the parameter is missing.
    OneOf(&'static [&'static str], Option<&'static str>),
}

impl Parameter {
    const fn new(name: &'static str, location: Location, description: &'static str, values: Values) -> Self {
        let is_required = !matches!(location, Location::Query);
        Self { name, location, is_required, description, values, example: None }
    }

    const fn path(name: &'static str, description: &'static str, values: Values) -> Self {
        Self::new(name, Location::Path, description, values)
    }

    const fn query(name: &'static str, description: &'static str, values: Values) -> Self {
        Self::new(name, Location::Query, description, values)
    }

    const fn header(name: &'static str, description: &'static str, values: Values) -> Self {
        Self::new(name, Location::Header, description, values)
    }

    const fn example(self, example: &'static str) -> Self {
        Self { example: Some(example), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn has_each_route_once<O: Copy + Ord>(api: &Api<O>) {
        let operations: BTreeSet<_> = api.routes.iter().map(|(operation, _)| *operation).collect();
        assert_eq!(operations.len(), api.routes.len());
        for (operation, route) in api.routes {
            let found = api.find(&route.method, route.path);
            assert!(found.is_some_and(|(found, of_found)| found == *operation && of_found == route), "{route}");
        }
        assert!(api.find(&Method::DELETE, "/upload").is_none() && api.find(&Method::POST, "/").is_none());
    }

    #[test]
    fn each_operation_has_one_route() {
        has_each_route_once(&files::API);
        has_each_route_once(&webhooks::API);
        let ids: BTreeSet<_> = all().map(|(_, route)| (route.id, route.path)).collect();
        assert_eq!(ids.len() + 1, all().count(), "both APIs serve the page of errors");
    }

    #[test]
    fn path_parameters_are_those_of_the_path() {
        for (_, route) in all() {
            let in_path: Vec<&str> = route.path.split(['{', '}']).skip(1).step_by(2).collect();
            let of_path = route.parameters.iter().filter(|parameter| parameter.location == Location::Path);
            assert_eq!(of_path.map(|parameter| parameter.name).collect::<Vec<_>>(), in_path, "{route}");
        }
    }

    #[test]
    fn lists_routes_as_text() {
        assert_eq!(webhooks::API.routes_text(), "POST /webhook, GET /errors");
    }
}

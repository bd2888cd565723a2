//! The canaries of a test and everything it has seen, until that is searched.

use crate::support::cloud::{Cloud, eventually, unique};
use crate::support::upload::ApiResponse;
use crate::system::canary::{Canaries, Kind, Location};
use crate::system::logs::lines_of;

/// The canaries of a test, and all data that must not have them.
pub(crate) struct Watch<'c> {
    cloud: &'c Cloud,
    functions: [&'static str; 3],
    pub(crate) canaries: Canaries,
    seen: Vec<(Location, String, Vec<u8>)>,
    /// Texts that the log must have before it is searched.
    pub(crate) logged: Vec<String>,
}

impl<'c> Watch<'c> {
    /// Watches the log of these functions, and all data passed to it.
    pub(crate) fn begin(cloud: &'c Cloud, functions: [&'static str; 3]) -> Self {
        Self { cloud, functions, canaries: Canaries::default(), seen: Vec::new(), logged: Vec::new() }
    }

    /// A unique text of content.
    pub(crate) fn content(&mut self, what: &str) -> String {
        self.canaries.plant(Kind::Content, what, format!("kanari{}", unique()))
    }

    /// A unique text in a request that is nobody's content.
    pub(crate) fn stray(&mut self, what: &str) -> String {
        self.canaries.plant(Kind::Secret, what, format!("stray{}", unique()))
    }

    /// Keeps what was seen.
    pub(crate) fn see(&mut self, location: Location, origin: &str, what: impl Into<Vec<u8>>) {
        self.seen.push((location, origin.to_owned(), what.into()));
    }

    /// Keeps a response, and plants the data in it that only its owner may see.
    pub(crate) fn see_response(&mut self, origin: &str, response: &ApiResponse) {
        if let Some((_, token)) = response.body["status_path"].as_str().and_then(|path| path.split_once("token=")) {
            self.canaries.plant(Kind::Token, "a status token", token);
        }
        for url in [&response.body["url"], &response.body["report_url"], &response.body["upload"]["url"]] {
            for name in ["X-Amz-Signature=", "X-Amz-Security-Token="] {
                let value = url.as_str().and_then(|url| url.split_once(name)).map(|(_, rest)| rest);
                if let Some(value) = value.and_then(|rest| rest.split('&').next()) {
                    self.canaries.plant(Kind::Token, "the signature of a URL", value);
                }
            }
        }
        let is_owners = response.status < 400 || response.body["status_path"].is_string();
        let location = if is_owners { Location::OwnersResponse } else { Location::Rejection };
        self.see(location, origin, format!("{} {:?} {}", response.status, response.headers, response.body));
    }

    /// Waits until the log is complete, and searches for the canaries in all that was seen and logged.
    pub(crate) async fn end(mut self) {
        let logs = eventually("the log lines of all that was sent", async || {
            let mut logs = Vec::new();
            for function in self.functions {
                logs.extend(lines_of(self.cloud, function).await.into_iter().map(|line| (function, line)));
            }
            let reported = |text: &String| logs.iter().any(|(_, line)| line.contains(text.as_str()));
            self.logged.iter().all(reported).then_some(logs)
        })
        .await;
        // By now some processes have credentials, if this machine shows them.
        let credentials = credentials_of(&self.functions.map(|name| self.cloud.stack.function(name)));
        assert!(!credentials.is_empty() || !std::path::Path::new("/proc/self/environ").exists());
        for (kind, credential) in credentials {
            self.canaries.plant(kind, "a function's AWS credential", credential);
        }
        let logged = logs.into_iter().map(|(function, line)| (Location::Log, function.to_owned(), line.into_bytes()));
        let seen = self.seen.into_iter().chain(logged);
        let leaks: Vec<String> =
            seen.flat_map(|(location, origin, text)| self.canaries.leaks(location, &origin, &text)).collect();
        assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
    }
}

/// The credentials of these functions' processes, where this machine shows them. A session's token is a part of every
/// URL that is signed by them; without the key it is useless.
fn credentials_of(functions: &[String]) -> Vec<(Kind, String)> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let environments = processes.filter_map(|process| std::fs::read(process.path().join("environ")).ok());
    let mut found: Vec<(Kind, String)> = environments
        .map(|environment| String::from_utf8_lossy(&environment).into_owned())
        .filter(|environment| {
            let is_of = |name: &String| environment.contains(&format!("AWS_LAMBDA_FUNCTION_NAME={name}\0"));
            functions.iter().any(is_of)
        })
        .flat_map(|environment| environment.split('\0').map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|variable| {
            let (name, value) = variable.split_once('=')?;
            let kind = match name {
                "AWS_SECRET_ACCESS_KEY" => Kind::Secret,
                "AWS_SESSION_TOKEN" => Kind::Token,
                _ => return None,
            };
            (value.len() > 10).then(|| (kind, value.to_owned()))
        })
        .collect();
    found.sort_by(|one, other| one.1.cmp(&other.1));
    found.dedup();
    found
}

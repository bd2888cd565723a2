//! Settings from options, the environment and the configuration file, in this order.

use crate::cli::{Access, Cli, OperatorArguments};
use crate::problem::{Exit, Problem};
use domain::Redacted;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

const DEFAULT_PROFILE: &str = "default";
/// The largest configuration or key file, in bytes.
const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;

/// A profile in the configuration file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// The base URL of the API.
    pub(crate) endpoint: Option<String>,
    /// The API key.
    pub(crate) key: Option<Redacted<String>>,
    /// The environment, for operators.
    pub(crate) environment: Option<String>,
    pub(crate) webhook_url: Option<String>,
    pub(crate) webhook_provider: Option<String>,
    pub(crate) webhook_secret: Option<Redacted<String>>,
    pub(crate) local_cloud: Option<LocalCloud>,
}

/// How to reach the local cloud of `make up`, with its own credentials. AWS credentials are never in this file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocalCloud {
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Redacted<String>,
}

/// The settings of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) profile: Profile,
    /// The profile and its file, for messages.
    origin: String,
}

/// The API key.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) secret: Redacted<String>,
    /// Where the key was read, for messages about a wrong key.
    pub(crate) origin: String,
}

impl Settings {
    /// Reads the configuration file, if it exists or is named.
    pub(crate) fn load(cli: &Cli) -> Result<Self, Problem> {
        let profile = non_empty(cli.profile.as_deref());
        let (path, is_named) = match cli.config.as_ref().filter(|path| !path.as_os_str().is_empty()) {
            Some(path) => (path.clone(), true),
            None => match standard_path() {
                Some(path) => (path, false),
                None => return Ok(Self::default()),
            },
        };
        if !is_named && !path.exists() {
            return match profile {
                None => Ok(Self::default()),
                Some(name) => Err(Problem::usage(
                    "profile_unknown",
                    format!("No profile {name}: {} does not exist.", path.display()),
                )),
            };
        }
        Self::read(&path, profile)
    }

    fn read(path: &Path, profile: Option<&str>) -> Result<Self, Problem> {
        let text = read_private(path)?;
        let profiles: BTreeMap<String, Profile> = toml::from_str(&text).map_err(|error| {
            // The full error shows the line, which may have the key.
            let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            // For a value of the wrong type, the message shows the value, which may be the key.
            let reason = match error.message() {
                message if message.starts_with("invalid ") => {
                    "a value has the wrong type; a profile starts with its name in brackets, such as [default]"
                }
                message => message,
            };
            Problem::usage("config_malformed", format!("{}, line {line}: {reason}", path.display()))
        })?;
        let name = profile.unwrap_or(DEFAULT_PROFILE);
        match profiles.get(name) {
            Some(found) => {
                Ok(Self { profile: found.clone(), origin: format!("the profile {name} of {}", path.display()) })
            }
            None if profile.is_none() => Ok(Self::default()),
            None => {
                let names = profiles.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                let message = format!("{} has no profile {name}; it has: {names}.", path.display());
                Err(Problem::usage("profile_unknown", message))
            }
        }
    }

    /// The API's base, without a slash at the end.
    pub(crate) fn endpoint(&self, access: &Access) -> Result<String, Problem> {
        let found = non_empty(access.endpoint.as_deref()).or(self.profile.endpoint.as_deref());
        let endpoint = found.ok_or_else(|| {
            Problem::usage(
                "endpoint_missing",
                "The endpoint of the API is missing. Set --endpoint, TXN_ENDPOINT, or endpoint in the profile.",
            )
        })?;
        safe_url(endpoint)
    }

    /// The API key.
    pub(crate) fn key(&self, access: &Access) -> Result<Key, Problem> {
        if let Some(path) = &access.key_file {
            return Ok(Key { secret: read_secret(path)?, origin: path.display().to_string() });
        }
        let of_variable = variable("TXN_KEY").map(|secret| Key { secret, origin: "TXN_KEY".to_owned() });
        let of_profile = || self.profile.key.clone().map(|secret| Key { secret, origin: self.origin.clone() });
        of_variable.or_else(of_profile).ok_or_else(|| {
            Problem::usage("key_missing", "The API key is missing. Set --key-file, TXN_KEY, or key in the profile.")
        })
    }

    /// The environment of an operator.
    pub(crate) fn environment(&self, operate: &OperatorArguments) -> Result<String, Problem> {
        let found = non_empty(operate.environment.as_deref()).or(self.profile.environment.as_deref());
        found.map(str::to_owned).ok_or_else(|| {
            Problem::usage(
                "environment_missing",
                "The environment is missing. Set --env, such as --env dev, or TXN_ENV.",
            )
        })
    }
}

/// A value, if it is not empty.
pub(crate) fn non_empty(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty())
}

/// A secret in an environment variable.
pub(crate) fn variable(name: &str) -> Option<Redacted<String>> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(Redacted::new)
}

/// The secret in a file.
pub(crate) fn read_secret(path: &Path) -> Result<Redacted<String>, Problem> {
    let text = read_private(path)?;
    match text.trim() {
        "" => Err(Problem::usage("secret_empty", format!("{} is empty.", path.display()))),
        secret => Ok(Redacted::new(secret.to_owned())),
    }
}

/// Accepts a URL that a key may be sent to: HTTPS, or on this machine.
pub(crate) fn safe_url(url: &str) -> Result<String, Problem> {
    let url = url.trim_end_matches('/');
    let is_safe = url.starts_with("https://") || url.strip_prefix("http://").is_some_and(is_this_machine);
    // The part before an @ is not the host, even if it looks like one.
    if is_safe
        && !url.split_once("://").is_some_and(|(_, rest)| authority(rest).contains('@'))
        && !url.contains(|character: char| character.is_whitespace() || character.is_control())
    {
        return Ok(url.to_owned());
    }
    let message = format!(
        "A key is not sent to {}. Use a URL with https:// (http:// only on this machine).",
        crate::print::sanitized(url)
    );
    Err(Problem::usage("endpoint_malformed", message))
}

/// The authority of a URL, from the part after `://`.
fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Whether a URL, from the part after `http://`, is on this machine.
pub(crate) fn is_this_machine(rest: &str) -> bool {
    let authority = authority(rest);
    if authority.contains('@') {
        return false;
    }
    let host = authority.strip_prefix("[::1]").map_or_else(
        || authority.split_once(':').map_or(authority, |(host, _)| host),
        |port| if port.is_empty() || port.starts_with(':') { "::1" } else { port },
    );
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

/// Reads a file with a secret. A file that other users can read or change is rejected.
fn read_private(path: &Path) -> Result<String, Problem> {
    let read = || {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let mut text = String::new();
        file.take(SECRET_FILE_BYTES_MAX).read_to_string(&mut text)?;
        Ok((metadata, text))
    };
    let (metadata, text) = read().map_err(|error: std::io::Error| Problem::of_file(path, &error))?;
    reject_shared(path, &metadata)?;
    Ok(text)
}

#[cfg(unix)]
fn reject_shared(path: &Path, metadata: &std::fs::Metadata) -> Result<(), Problem> {
    use std::os::unix::fs::PermissionsExt;
    const OF_OTHERS: u32 = 0o077;
    if metadata.permissions().mode() & OF_OTHERS == 0 {
        return Ok(());
    }
    let path = path.display();
    let message = format!("Others can read or change {path}, which has a secret. Run: chmod 600 {path}");
    Err(Problem::new(Exit::Denied, "secret_file_shared", message))
}

#[cfg(not(unix))]
fn reject_shared(_: &Path, _: &std::fs::Metadata) -> Result<(), Problem> {
    Ok(())
}

fn standard_path() -> Option<PathBuf> {
    let directory = directory("XDG_CONFIG_HOME", ".config")?;
    Some(directory.join("txn").join("config.toml"))
}

/// A directory of the user by the XDG rules: a variable, or a path in the home directory.
pub(crate) fn directory(variable: &str, under_home: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    set.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(under_home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sent_by_https_or_on_this_machine() {
        for url in ["https://a.example/prod", "http://127.0.0.1:4566/x", "http://localhost", "http://[::1]:80/"] {
            assert!(safe_url(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "a.example",
            "http://a.example",
            "http://127.0.0.1.a.example",
            "http://localhost@a.example/",
            "http://localhost:80@a.example/",
            "http://[::1]:80@a.example/",
            "https://user:word@a.example/",
            "ftp://a",
            "https://a b",
            "http://[::1]a.example",
        ] {
            assert!(safe_url(url).is_err(), "{url}");
        }
        assert_eq!(safe_url("https://a.example/prod//").ok().as_deref(), Some("https://a.example/prod"));
    }

    #[test]
    fn debug_does_not_show_a_secret() {
        let shown = format!("{:?}", Profile { key: Some(Redacted::new("acme.s".to_owned())), ..Profile::default() });
        assert!(!shown.contains("acme"), "{shown}");
    }
}

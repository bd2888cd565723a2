//! Settings and keys.

use crate::process::{User, mode_of, set_mode};
use crate::service::{Reply, Service};

const PAGE: &str = r#"{"partners": [], "files": [], "files_truncated": false, "day": "2026-01-15"}"#;
const DAY: [&str; 2] = ["day", "2026-01-15"];

fn key_was(key: &str) -> impl Fn(&Service) {
    move |service| assert_eq!(service.requests()[0].header("x-api-key"), Some(key))
}

#[test]
fn options_override_the_environment_and_the_profile() {
    let service = Service::new(vec![Reply::Json(200, PAGE.to_owned()); 4]);
    let elsewhere = "http://127.0.0.1:9";
    let profile =
        format!("[default]\nendpoint = \"{}\"\nkey = \"profile.key\"\n[other]\nkey = \"other.key\"\n", service.url);
    let user = User::new();
    user.file(".config/txn/config.toml", &profile);
    user.run(&DAY).expect_code(0);
    key_was("profile.key")(&service);
    let user = User::new().with("TXN_ENDPOINT", &service.url).with("TXN_KEY", "environment.key");
    user.file(".config/txn/config.toml", profile.replace(&service.url, elsewhere));
    user.run(&DAY).expect_code(0);
    let key = user.file("key", "file.key\n");
    user.run(&[&DAY[..], &["--key-file", key.to_str().unwrap(), "--endpoint", &service.url]].concat()).expect_code(0);
    let user = User::new().with("TXN_ENDPOINT", &service.url);
    let config = user.file("other.toml", profile);
    user.run(&[&DAY[..], &["--config", config.to_str().unwrap(), "--profile", "other"]].concat()).expect_code(0);
    let keys: Vec<_> =
        service.requests().iter().map(|request| request.header("x-api-key").unwrap().to_owned()).collect();
    assert_eq!(keys, ["profile.key", "environment.key", "file.key", "other.key"]);
}

#[test]
fn rejects_a_secret_that_others_can_read() {
    let user = User::new().with("TXN_ENDPOINT", "http://127.0.0.1:9");
    for mode in [0o640, 0o604, 0o620] {
        let config = user.file(".config/txn/config.toml", "[default]\nkey = \"acme.s3cr3t\"\n");
        set_mode(&config, mode);
        let output = user.run(&DAY).expect_code(4);
        assert!(output.stderr.contains("chmod 600") && !output.stderr.contains("s3cr3t"), "{}", output.stderr);
        std::fs::remove_file(config).unwrap();
        let key = user.file("key", "acme.s3cr3t");
        set_mode(&key, mode);
        user.run(&[&DAY[..], &["--key-file", key.to_str().unwrap()]].concat()).expect_code(4);
        assert_eq!(mode_of(&key), mode);
    }
}

#[test]
fn configuration_errors_do_not_show_secrets() {
    for (config, arguments, expected) in [
        ("[default]\nkey = \"acme.s3cr3t\"\nendpoint = 1\n", &DAY[..], "line 3"),
        ("key = \"acme.s3cr3t\"\n", &DAY[..], "[default]"),
        ("[default]\nkey = \"acme.s3cr3t\n", &DAY[..], "line 2"),
        ("[default]\nkee = \"acme.s3cr3t\"\n", &DAY[..], "unknown field"),
        ("[default]\nkey = \"acme.s3cr3t\"\n", &["day", "--profile", "dev"], "it has: default"),
        ("[default]\nkey = \"acme.s3cr3t\"\n", &DAY[..], "TXN_ENDPOINT"),
        ("[default]\nendpoint = \"https://a.example\"\n", &DAY[..], "TXN_KEY"),
        ("[default]\nendpoint = \"http://a.example\"\nkey = \"acme.s3cr3t\"\n", &DAY[..], "https://"),
    ] {
        let user = User::new();
        user.file(".config/txn/config.toml", config);
        let output = user.run(arguments).expect_code(2);
        assert!(output.stderr.contains(expected) && !output.stderr.contains("s3cr3t"), "{config}: {}", output.stderr);
    }
}

#[test]
fn ignores_empty_environment_variables() {
    let service = Service::new(vec![Reply::Json(200, PAGE.to_owned())]);
    let mut user = User::new();
    for name in ["TXN_CONFIG", "TXN_PROFILE", "TXN_ENDPOINT", "TXN_KEY"] {
        user = user.with(name, "");
    }
    user.file(".config/txn/config.toml", format!("[default]\nendpoint = \"{}\"\nkey = \"profile.key\"\n", service.url));
    user.run(&DAY).expect_code(0);
    key_was("profile.key")(&service);
    let output = User::new().with("TXN_ENV", "").run(&["redrive"]).expect_code(2);
    assert!(output.stderr.contains("The environment is missing."), "{}", output.stderr);
}

#[test]
fn names_the_source_of_a_wrong_key() {
    let rejection =
        || Reply::Json(403, r#"{"error": "api_key_invalid", "message": "Send it in x-api-key."}"#.to_owned());
    let service = Service::new(vec![rejection(), rejection(), rejection()]);
    let user = User::new().with("TXN_ENDPOINT", &service.url);
    user.file(".config/txn/config.toml", "[default]\nkey = \"acme.s3cr3t\"\n");
    let key = user.file("key", "acme.s3cr3t").display().to_string();
    let text = |user: &User, arguments: &[&str], source: &str| {
        let output = user.run(&[&DAY[..], arguments].concat()).expect_code(4);
        let expected = format!("The API key from {source} is not valid here. Ask the operator for a new one.");
        assert!(output.stderr.contains(&expected) && !output.stderr.contains("s3cr3t"), "{}", output.stderr);
    };
    text(&user, &["--key-file", &key], &key);
    let config = user.home.path().join(".config/txn/config.toml");
    text(&user, &[], &format!("the profile default of {}", config.display()));
    text(&user.with("TXN_KEY", "acme.s3cr3t"), &[], "TXN_KEY");
}

#[test]
fn prints_errors_as_json() {
    let output = User::new().run(&["--json", "day"]).expect_code(2);
    let problem: serde_json::Value = serde_json::from_str(&output.stderr).unwrap();
    assert_eq!((&problem["error"], &problem["exit_code"]), (&"endpoint_missing".into(), &2.into()));
    assert_eq!(output.stdout, "");
}

#[test]
fn rejects_aws_endpoints_in_the_configuration() {
    let user = User::new();
    let cloud = "endpoint = \"https://dynamodb.us-east-1.amazonaws.com\"\nregion = \"us-east-1\"";
    user.file(
        ".config/txn/config.toml",
        format!("[default.local_cloud]\n{cloud}\naccess_key_id = \"a\"\nsecret_access_key = \"s3cr3t\"\n"),
    );
    let output = user.run(&["redrive", "--env", "dev"]).expect_code(2);
    assert!(output.stderr.contains("not on this machine"), "{}", output.stderr);
}

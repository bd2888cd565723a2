//! Where to send and who sends.

use crate::process::{Person, mode_of, set_mode};
use crate::service::{Reply, Service};

const PAGE: &str = r#"{"partners": [], "files": [], "files_truncated": false, "day": "2026-01-15"}"#;
const DAY: [&str; 2] = ["day", "2026-01-15"];

fn asked_with(key: &str) -> impl Fn(&Service) {
    move |service| assert_eq!(service.asked()[0].header("x-api-key"), Some(key))
}

#[test]
fn options_come_before_the_environment_and_that_before_the_profile() {
    let service = Service::new(vec![Reply::Json(200, PAGE.to_owned()); 4]);
    let elsewhere = "http://127.0.0.1:9";
    let profile =
        format!("[default]\nendpoint = \"{}\"\nkey = \"profile.key\"\n[other]\nkey = \"other.key\"\n", service.url);
    let person = Person::new();
    person.file(".config/txn/config.toml", &profile);
    person.run(&DAY).ended(0);
    asked_with("profile.key")(&service);
    let person = Person::new().with("TXN_ENDPOINT", &service.url).with("TXN_KEY", "environment.key");
    person.file(".config/txn/config.toml", profile.replace(&service.url, elsewhere));
    person.run(&DAY).ended(0);
    let key = person.file("key", "file.key\n");
    person.run(&[&DAY[..], &["--key-file", key.to_str().unwrap(), "--endpoint", &service.url]].concat()).ended(0);
    let person = Person::new().with("TXN_ENDPOINT", &service.url);
    let config = person.file("other.toml", profile);
    person.run(&[&DAY[..], &["--config", config.to_str().unwrap(), "--profile", "other"]].concat()).ended(0);
    let keys: Vec<_> = service.asked().iter().map(|asked| asked.header("x-api-key").unwrap().to_owned()).collect();
    assert_eq!(keys, ["profile.key", "environment.key", "file.key", "other.key"]);
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    let person = Person::new().with("TXN_ENDPOINT", "http://127.0.0.1:9");
    for mode in [0o640, 0o604, 0o620] {
        let config = person.file(".config/txn/config.toml", "[default]\nkey = \"acme.s3cr3t\"\n");
        set_mode(&config, mode);
        let ran = person.run(&DAY).ended(4);
        assert!(ran.stderr.contains("chmod 600") && !ran.stderr.contains("s3cr3t"), "{}", ran.stderr);
        std::fs::remove_file(config).unwrap();
        let key = person.file("key", "acme.s3cr3t");
        set_mode(&key, mode);
        person.run(&[&DAY[..], &["--key-file", key.to_str().unwrap()]].concat()).ended(4);
        assert_eq!(mode_of(&key), mode);
    }
}

#[test]
fn what_is_wrong_with_the_configuration_is_told_without_its_secrets() {
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
        let person = Person::new();
        person.file(".config/txn/config.toml", config);
        let ran = person.run(arguments).ended(2);
        assert!(ran.stderr.contains(expected) && !ran.stderr.contains("s3cr3t"), "{config}: {}", ran.stderr);
    }
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    let service = Service::new(vec![Reply::Json(200, PAGE.to_owned())]);
    let mut person = Person::new();
    for name in ["TXN_CONFIG", "TXN_PROFILE", "TXN_ENDPOINT", "TXN_KEY"] {
        person = person.with(name, "");
    }
    person
        .file(".config/txn/config.toml", format!("[default]\nendpoint = \"{}\"\nkey = \"profile.key\"\n", service.url));
    person.run(&DAY).ended(0);
    asked_with("profile.key")(&service);
    let ran = Person::new().with("TXN_ENV", "").run(&["redrive"]).ended(2);
    assert!(ran.stderr.contains("Which environment?"), "{}", ran.stderr);
}

#[test]
fn a_wrong_key_is_told_with_its_place() {
    let refusal = || Reply::Json(403, r#"{"error": "api_key_invalid", "message": "Send it in x-api-key."}"#.to_owned());
    let service = Service::new(vec![refusal(), refusal(), refusal()]);
    let person = Person::new().with("TXN_ENDPOINT", &service.url);
    person.file(".config/txn/config.toml", "[default]\nkey = \"acme.s3cr3t\"\n");
    let key = person.file("key", "acme.s3cr3t").display().to_string();
    let told = |person: &Person, arguments: &[&str], place: &str| {
        let ran = person.run(&[&DAY[..], arguments].concat()).ended(4);
        let expected = format!("(it came from {place}); ask the operator for a new one.");
        assert!(ran.stderr.contains(&expected) && !ran.stderr.contains("s3cr3t"), "{}", ran.stderr);
    };
    told(&person, &["--key-file", &key], &key);
    let config = person.home.path().join(".config/txn/config.toml");
    told(&person, &[], &format!("the profile default of {}", config.display()));
    told(&person.with("TXN_KEY", "acme.s3cr3t"), &[], "TXN_KEY");
}

#[test]
fn a_problem_is_json_for_a_script() {
    let ran = Person::new().run(&["--json", "day"]).ended(2);
    let problem: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!((&problem["error"], &problem["exit_code"]), (&"endpoint_missing".into(), &2.into()));
    assert_eq!(ran.stdout, "");
}

#[test]
fn credentials_of_aws_never_stand_in_the_configuration() {
    let person = Person::new();
    let cloud = "endpoint = \"https://dynamodb.us-east-1.amazonaws.com\"\nregion = \"us-east-1\"";
    person.file(
        ".config/txn/config.toml",
        format!("[default.local_cloud]\n{cloud}\naccess_key_id = \"a\"\nsecret_access_key = \"s3cr3t\"\n"),
    );
    let ran = person.run(&["redrive", "--env", "dev"]).ended(2);
    assert!(ran.stderr.contains("not on this machine"), "{}", ran.stderr);
}

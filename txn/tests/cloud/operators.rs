//! Whose environment an operator's command is about.

use crate::process::Person;
use crate::{person, stack};

#[test]
fn an_environment_that_is_not_there_ends_with_2() {
    let person = person(&stack());
    for command in [&["redrive"][..], &["transactions", "--from", "2011-04-02"]] {
        let ran = person.run(&[command, &["--env", "nowhere"]].concat()).ended(2);
        assert!(ran.stderr.contains("--env"), "{}", ran.stderr);
    }
}

/// Without the profile's own credentials those of the shell count, and its endpoint.
#[test]
fn the_shell_names_the_cloud() {
    let stack = stack();
    let of = |name: &str| stack[name].as_str().unwrap().to_owned();
    let shell = || Person::new().with("AWS_ENDPOINT_URL", &of("endpoint")).with("AWS_REGION", &of("region"));
    let list = ["transactions", "--env", &of("suffix"), "--from", "2011-04-03"];
    let person =
        shell().with("AWS_ACCESS_KEY_ID", &of("access_key_id")).with("AWS_SECRET_ACCESS_KEY", &of("secret_access_key"));
    person.run(&list).ended(0);
    let wrong = shell().with("AWS_ACCESS_KEY_ID", "AKIAWRONG").with("AWS_SECRET_ACCESS_KEY", "wrong");
    wrong.run(&list).ended(4);
}

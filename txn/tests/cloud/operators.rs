//! The environment of an operator's command.

use crate::process::User;
use crate::{stack, user};

#[test]
fn an_unknown_environment_exits_with_2() {
    let user = user(&stack());
    for command in [&["redrive"][..], &["transactions", "--from", "2011-04-02"]] {
        let output = user.run(&[command, &["--env", "nowhere"]].concat()).expect_code(2);
        assert!(output.stderr.contains("--env"), "{}", output.stderr);
    }
}

/// A profile without a local cloud uses the credentials and the endpoint of the shell.
#[test]
fn without_a_profile_the_shell_sets_credentials_and_endpoint() {
    let stack = stack();
    let of = |name: &str| stack[name].as_str().unwrap().to_owned();
    let shell = || User::new().with("AWS_ENDPOINT_URL", &of("endpoint")).with("AWS_REGION", &of("region"));
    let list = ["transactions", "--env", &of("suffix"), "--from", "2011-04-03"];
    let user =
        shell().with("AWS_ACCESS_KEY_ID", &of("access_key_id")).with("AWS_SECRET_ACCESS_KEY", &of("secret_access_key"));
    user.run(&list).expect_code(0);
    let wrong = shell().with("AWS_ACCESS_KEY_ID", "AKIAWRONG").with("AWS_SECRET_ACCESS_KEY", "wrong");
    wrong.run(&list).expect_code(4);
}

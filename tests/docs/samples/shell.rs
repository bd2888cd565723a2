//! Runs the blocks of a page in one shell, in a directory of its own.

use super::compare;
use super::page::{Page, Run, Step};
use crate::docs::root;
use crate::support::cloud::{Stack, unique};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Where a page finds the service.
pub(super) struct Setting {
    /// What the file `.local/stack.json` has.
    stack: serde_json::Value,
    partner: String,
    /// The variables that the reader has set.
    variables: Vec<(&'static str, String)>,
}

impl Setting {
    /// For a partner with this key.
    pub(super) fn new(stack: &Stack, partner: &str, key: &str, names_variables: bool) -> Self {
        let provider = &stack.provider;
        let members = [
            ("api_url", "API_URL", stack.api_url.as_str()),
            ("api_key", "API_KEY", key),
            ("webhook_url", "WEBHOOK_URL", stack.webhook_url.as_str()),
            ("webhook_secret", "WEBHOOK_SECRET", provider[1].as_str()),
        ];
        let file = members.iter().map(|(member, _, value)| ((*member).to_owned(), (*value).into())).collect();
        let variables = members.iter().filter(|_| names_variables).map(|(_, name, value)| (*name, (*value).to_owned()));
        Self { stack: serde_json::Value::Object(file), partner: partner.to_owned(), variables: variables.collect() }
    }
}

/// Runs a page. Returns what is not as it says.
pub(super) fn run(page: &Page, setting: &Setting) -> Vec<String> {
    let directory = std::env::temp_dir().join(format!("samples-{}", unique()));
    let (work, steps) = (directory.join("work"), directory.join("steps"));
    prepare(&work, setting);
    std::fs::create_dir(&steps).unwrap();
    let script = write_steps(page, &work, &steps);
    execute(&script, &work, &steps, setting, &page.name);
    let mut differences = Vec::new();
    let mut text = page.text.clone();
    for (number, step) in page.steps.iter().enumerate() {
        if let Step::Run(run) = step {
            differences.extend(judge(&mut text, page, run, &steps.join(number.to_string()), &setting.partner));
        }
    }
    if text != page.text {
        std::fs::write(root().join(&page.name), text).unwrap();
    }
    std::fs::remove_dir_all(&directory).unwrap();
    differences
}

/// Makes the directory: with the sample files, and with what `make up` writes.
fn prepare(work: &Path, setting: &Setting) {
    let samples = work.join("local/samples");
    std::fs::create_dir_all(&samples).unwrap();
    for entry in std::fs::read_dir(root().join("local/samples")).unwrap().map(|entry| entry.unwrap()) {
        std::fs::copy(entry.path(), samples.join(entry.file_name())).unwrap();
    }
    std::fs::create_dir(work.join(".local")).unwrap();
    std::fs::write(work.join(".local/stack.json"), setting.stack.to_string()).unwrap();
}

/// Writes a file for each step, and the script that runs them. A step that fails ends it.
fn write_steps(page: &Page, work: &Path, steps: &Path) -> String {
    let mut script = String::new();
    for (number, step) in page.steps.iter().enumerate() {
        let step_file = steps.join(number.to_string());
        let path = step_file.display();
        match step {
            Step::Write { name, text } => {
                std::fs::write(&step_file, text).unwrap();
                script += &format!("cp '{path}' '{}'\n", work.join(name).display());
            }
            Step::Run(run) => {
                std::fs::write(&step_file, &run.script).unwrap();
                // With `set -e` the first command that fails ends the block, and with it the page.
                let flag = if run.exit_code == 0 { 'e' } else { '-' };
                let option = if flag == 'e' { "set -e" } else { "set +e" };
                script += &format!("{option}\n. '{path}' >'{path}.out' 2>&1\necho $? >'{path}.code'\n");
            }
        }
    }
    script
}

fn execute(script: &str, work: &Path, steps: &Path, setting: &Setting, name: &str) {
    let log = std::fs::File::create(steps.join("log")).unwrap();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).current_dir(work).env_clear().stdin(Stdio::null());
    shell.stdout(log.try_clone().unwrap()).stderr(log);
    let path = std::env::var("PATH").unwrap_or_default();
    shell.env("PATH", format!("{}:{path}", binaries().display())).env("HOME", work).env("LC_ALL", "C.UTF-8");
    shell.envs(setting.variables.iter().map(|(name, value)| (name, value)));
    let mut child = shell.spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{name} took more than {} s; what it printed is in {}", PATIENCE.as_secs(), steps.display());
        }
        std::thread::sleep(LOOK_AGAIN_AFTER);
    }
}

/// Where cargo puts binaries: above the directory of this test.
fn binaries() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let directory = test.ancestors().nth(2).unwrap().to_owned();
    assert!(directory.join("txn").exists(), "the samples need the command line: cargo build -p txn");
    directory
}

/// Compares what a block printed with its page. With `UPDATE_DOCS`, writes it into the text of the page.
fn judge(text: &mut String, page: &Page, run: &Run, step: &Path, partner: &str) -> Option<String> {
    let place = format!("{}:{}", page.name, run.line);
    let read = |ending: &str| std::fs::read_to_string(format!("{}.{ending}", step.display())).ok();
    let printed = compare::as_in_documents(&read("out").unwrap_or_default(), partner);
    let code = read("code").and_then(|code| code.trim().parse::<i32>().ok());
    if code != Some(run.exit_code) {
        let end = code.map_or("did not get to its end".to_owned(), |code| format!("ended with exit code {code}"));
        return Some(format!("{place}: the block {end}. It printed:\n{printed}"));
    }
    let output = run.output.as_ref()?;
    if compare::matches(output, &printed) {
        return None;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() && !compare::leaves_out(output) {
        *text = Page::with_output(text, run, &compare::rendered(output, &printed));
        return None;
    }
    Some(format!("{place}: the page says\n{}and the block printed\n{printed}", output.text))
}

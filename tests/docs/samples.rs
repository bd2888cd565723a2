//! Runs the samples of the documents against the local cloud, and compares what they print with what the documents say.
//!
//! Each page is run from top to bottom, in one shell and in a directory of its own. Every `sh` block is run, unless a comment
//! before it says why not. The block after it is what it prints: `json` is compared without regard to white space, anything
//! else line by line. Ids, times and addresses are compared by their shape, and `…` stands for any text.
//!
//! | comment before a block | meaning |
//! | --- | --- |
//! | `<!-- not run: why -->` | the block is not run |
//! | `<!-- exit code 1 -->` | the block ends with this exit code, not with 0 |
//! | `<!-- file: name -->` | the block is a file that later blocks use |
//!
//! `UPDATE_DOCS=1` writes the outputs that differ into the pages, except those that leave members or lines out by `…`.

mod compare;
mod page;
mod shell;

use super::root;
use crate::support::cloud::Cloud;
use crate::support::template::text_of;
use page::Page;

/// The pages whose readers set the variables from `.local/stack.json`.
const PAGES_WITHOUT_VARIABLES: [&str; 2] = ["README.md", "docs/getting-started.md"];

/// The pages of a directory, by name.
fn pages_of(directory: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(directory)).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".md"));
    let mut pages: Vec<String> = names.map(|name| format!("{directory}/{name}")).collect();
    pages.sort();
    pages
}

/// Runs the pages one after another, each for a partner of its own, and reports every block that does not do what its page
/// says.
async fn check(prefix: &str, pages: &[String]) {
    let cloud = Cloud::open().await;
    let mut differences = Vec::new();
    for (number, name) in pages.iter().enumerate() {
        let page = Page::parse(name, &text_of(name)).unwrap_or_else(|error| panic!("{error}"));
        if page.runs() == 0 {
            continue;
        }
        // As long as "acme", which the documents use, so that tables have the same columns.
        let partner = cloud.partner_named(&format!("{prefix}{number:02}"), &cloud.stack.usage_plan_id).await;
        let names_variables = !PAGES_WITHOUT_VARIABLES.contains(&name.as_str());
        let setting = shell::Setting::new(&cloud.stack, &partner.partner, &partner.key, names_variables);
        let outcome = tokio::task::spawn_blocking(move || shell::run(&page, &setting)).await.unwrap();
        differences.extend(outcome);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn the_first_samples_run_as_written() {
    check("dr", &PAGES_WITHOUT_VARIABLES.map(str::to_owned)).await;
}

#[tokio::test]
async fn the_samples_for_partners_run_as_written() {
    check("dp", &pages_of("docs/partners")).await;
}

#[tokio::test]
async fn the_samples_for_providers_run_as_written() {
    check("dw", &pages_of("docs/providers")).await;
}

#[tokio::test]
async fn the_samples_of_the_reference_run_as_written() {
    check("df", &pages_of("docs/reference")).await;
}

//! Links between the documents lead somewhere: to a file of the repository, and to a heading of it.

use crate::template::text_of;
use regex_lite::Regex;
use std::path::{Component, Path, PathBuf};

/// The directories whose pages are checked, with the pages below them.
const DIRECTORIES: [&str; 1] = ["docs"];
const PAGES: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "schema/README.md",
    "txn/README.md",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pages_below(directory: &Path, pages: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root().join(directory)).unwrap().map(|entry| entry.unwrap()) {
        let path = directory.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            pages_below(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

/// The path without `..` in it.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, component| {
        match component {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            other => path.push(other),
        }
        path
    })
}

/// The text without its blocks of code.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What leads to a heading: small letters, digits, hyphens and underscores, with a hyphen for each blank.
fn anchor_of(heading: &str) -> String {
    let link = Regex::new(r"\[([^\]]*)\]\([^)]*\)").unwrap();
    let heading = link.replace_all(heading.trim(), "$1").to_lowercase().replace(' ', "-");
    heading.chars().filter(|character| character.is_alphanumeric() || matches!(character, '-' | '_')).collect()
}

fn has_anchor(text: &str, anchor: &str) -> bool {
    let mut headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    text.contains(&format!("id=\"{anchor}\"")) || headings.any(|heading| anchor_of(heading.trim_start_matches('#')) == anchor)
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut pages: Vec<PathBuf> = PAGES.iter().map(PathBuf::from).collect();
    DIRECTORIES.iter().for_each(|directory| pages_below(Path::new(directory), &mut pages));
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut broken = Vec::new();
    for page in &pages {
        let text = prose(&text_of(page.to_str().unwrap()));
        for target in link.captures_iter(&text).map(|found| found[1].to_owned()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let to = if path.is_empty() { page.clone() } else { normal(&page.parent().unwrap().join(path)) };
            let is_there = root().join(&to).exists();
            if !is_there || (!anchor.is_empty() && !has_anchor(&prose(&text_of(to.to_str().unwrap())), anchor)) {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn an_anchor_is_made_as_github_makes_it() {
    assert_eq!(anchor_of("`object_rejected`"), "object_rejected");
    assert_eq!(anchor_of("What is it? A [link](to.md), and more"), "what-is-it-a-link-and-more");
}

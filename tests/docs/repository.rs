//! The files of the repository, as documents name them.

use super::root;
use crate::support::template::text_of;
use std::path::Path;

/// Directories that tools make, or fill.
const SKIPPED: [&str; 4] = ["target", "fuzz/corpus", "fuzz/target", "fuzz/artifacts"];

/// Every file, by its path from the root, in order. Hidden directories are skipped, but for that of GitHub's workflows.
pub(super) fn files() -> Vec<String> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    found.sort();
    found
}

fn collect(directory: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        let is_hidden = path.starts_with('.') && !path.starts_with(".github");
        if !entry.file_type().unwrap().is_dir() {
            found.push(path);
        } else if !is_hidden && !SKIPPED.contains(&path.as_str()) {
            collect(&entry.path(), &format!("{path}/"), found);
        }
    }
}

/// Every Markdown file: its path and its text.
pub(super) fn markdown() -> Vec<(String, String)> {
    let documents = files().into_iter().filter(|path| path.ends_with(".md"));
    documents.map(|path| (path.clone(), text_of(&path))).collect()
}

/// The lines of a document, from 1, each with whether it is in a block of code.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let mut is_code = false;
    (1..).zip(text.lines()).map(move |(number, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (number, line, is_code || is_fence)
    })
}

/// The parts between single backquotes in a line.
pub(super) fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

//! What the tests of the documents read out of a page: code, commands, names and links.

use crate::support::template::text_of;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A page of the documents.
pub(crate) struct Page {
    /// From the root of the repository.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn open(path: &str) -> Self {
        Self { path: path.to_owned(), text: text_of(path) }
    }

    /// The files that the page links to, from the root of the repository, without their anchors.
    pub(crate) fn linked_files(&self) -> BTreeSet<String> {
        let targets = inline_links(&self.text).chain(link_definitions(&self.text));
        let files = targets.map(|target| target.split('#').next().unwrap()).filter(|path| !path.is_empty());
        files.filter(|path| !path.contains("://")).map(|path| self.resolve(path)).collect()
    }

    /// A path of the page, from the root of the repository.
    fn resolve(&self, path: &str) -> String {
        let mut parts: Vec<&str> = self.path.split('/').collect();
        parts.pop();
        for part in path.split('/') {
            if part == ".." {
                parts.pop().unwrap_or_else(|| panic!("{}: {path} leaves the repository", self.path));
            } else {
                parts.push(part);
            }
        }
        parts.join("/")
    }
}

fn inline_links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap())
}

/// The targets of lines such as `[name]: runbook.md#name`.
fn link_definitions(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| line.starts_with('['))
        .filter_map(|line| line.split_once("]: "))
        .map(|(_, target)| target)
}

/// Every page of a folder.
pub(crate) fn pages_of(folder: &str) -> Vec<Page> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let entries = std::fs::read_dir(root.join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".md")).collect();
    names.sort_unstable();
    names.iter().map(|name| Page::open(&format!("{folder}/{name}"))).collect()
}

/// The parts between single backquotes, outside of blocks of code.
pub(crate) fn quoted(text: &str) -> Vec<&str> {
    let outside = text.split("```").step_by(2);
    outside.flat_map(|text| text.split('`').skip(1).step_by(2)).collect()
}

/// The lines of all blocks of code.
pub(crate) fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").skip(1).step_by(2).flat_map(str::lines)
}

/// Every command of a page that begins with this program, up to the end of its line or its quotes.
pub(crate) fn commands<'t>(text: &'t str, program: &str) -> Vec<&'t str> {
    let begins = |command: &&str| command.strip_prefix(program).is_some_and(|rest| rest.starts_with(' '));
    code_lines(text).map(str::trim).chain(quoted(text)).filter(begins).collect()
}

/// Of what follows each `start` in the text, the word that it begins with.
pub(crate) fn words_after<'t>(text: &'t str, start: &str, is_part: fn(char) -> bool) -> BTreeSet<&'t str> {
    let rests = text.split(start).skip(1);
    let words = rests.map(|rest| &rest[..rest.find(|letter| !is_part(letter)).unwrap_or(rest.len())]);
    words.filter(|word| !word.is_empty()).collect()
}

/// The names that a page assigns in `PARAMETERS='Name=value …'`.
pub(crate) fn assigned_parameters(text: &str) -> BTreeSet<&str> {
    let lists = text.split("PARAMETERS='").skip(1).map(|rest| rest.split('\'').next().unwrap());
    lists.flat_map(str::split_whitespace).filter_map(|assignment| Some(assignment.split_once('=')?.0)).collect()
}

/// Whether a text is written as parameters and outputs of a template are.
pub(crate) fn is_camel_case(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_alphanumeric())
        && text.starts_with(|letter: char| letter.is_ascii_uppercase())
        && text.contains(char::is_lowercase)
}

/// Whether a text is the path of a file of the repository.
pub(crate) fn is_path(text: &str) -> bool {
    let is_ending = |ending: &str| ["rs", "py", "toml", "yml", "yaml", "md", "json", "csv", "sh"].contains(&ending);
    !text.contains([' ', '{', '*', '…'])
        && text.rsplit_once('.').is_some_and(|(name, ending)| !name.is_empty() && is_ending(ending))
}

//! Whatever a document points to is there: files, headings, commands, paths and tests.

use super::repository::{files, lines, markdown, spans};
use super::root;
use crate::support::template::text_of;
use std::collections::{BTreeMap, BTreeSet};

/// The beginnings of keys in the bucket, which look like paths of the repository.
const KEYS: [&str; 6] = ["validated/", "incoming/", "rejected/", "reports/", "corrections/", "payments/"];

/// What the names of sources end in.
const ENDINGS: [&str; 14] =
    ["rs", "py", "md", "toml", "yml", "yaml", "json", "js", "html", "css", "svg", "csv", "c", "sh"];

/// Files that tools write when they are run.
const MADE: [&str; 3] = ["target/", ".local/", "fuzz/artifacts/"];

/// A line without its parts between backquotes.
fn prose(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// The targets of a document's links, each with its line.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line, is_code) in lines(text) {
        if is_code {
            continue;
        }
        let line = prose(line);
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        let defined = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target.trim());
        found.extend(inline.chain(defined).map(|target| (number, target.to_owned())));
    }
    found
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let without_links = heading.split("](").map(|part| part.split_once(')').map_or(part, |(_, rest)| rest));
    let text: String = if heading.contains("](") { without_links.collect() } else { heading.to_owned() };
    let kept = text.trim().chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Every anchor of a document: its headings and what it names itself.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for (_, line, is_code) in lines(text) {
        if !is_code && line.starts_with('#') {
            let name = anchor(line.trim_start_matches('#'));
            let count = counts.entry(name.clone()).or_default();
            found.insert(if *count == 0 { name } else { format!("{name}-{count}") });
            *count += 1;
        }
        let named = line.split("<a id=\"").skip(1).chain(line.split("<a name=\"").skip(1));
        found.extend(named.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
    found
}

/// A path as it is written in a document at `from`, as a path from the root.
fn resolved(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn each_link_leads_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    for (path, text) in markdown() {
        for (number, target) in links(&text).into_iter().filter(|(_, target)| !target.contains(':')) {
            let (file, heading) = target.split_once('#').map_or((target.as_str(), None), |(a, b)| (a, Some(b)));
            let file = if file.is_empty() { path.clone() } else { resolved(&path, file) };
            let is_there = root().join(&file).exists();
            let is_headed = |heading: &str| !file.ends_with(".md") || anchors(&text_of(&file)).contains(heading);
            if !is_there || !heading.is_none_or(is_headed) {
                broken.push(format!("{path}:{number}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

/// The commands `make …` in a line of code.
fn targets(code: &str) -> impl Iterator<Item = &str> {
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '-';
    let starts =
        code.match_indices("make ").filter(|(at, _)| !code[..*at].ends_with(|before: char| before.is_alphanumeric()));
    let names = starts.map(move |(at, start)| {
        let rest = &code[at + start.len()..];
        &rest[..rest.find(|letter| !is_name(letter)).unwrap_or(rest.len())]
    });
    names.filter(|name| !name.is_empty())
}

#[test]
fn each_make_target_is_one_of_the_makefile() {
    let makefile = text_of("Makefile");
    let mut unknown = Vec::new();
    let mut count = 0;
    for (path, text) in markdown() {
        for (number, line, is_code) in lines(&text) {
            let code: Vec<&str> = if is_code { vec![line.split('#').next().unwrap()] } else { spans(line).collect() };
            for target in code.into_iter().flat_map(targets) {
                count += 1;
                if !makefile.contains(&format!("\n{target}:")) {
                    unknown.push(format!("{path}:{number}: make {target}"));
                }
            }
        }
    }
    assert!(count > 20 && unknown.is_empty(), "the Makefile has no such targets:\n{}", unknown.join("\n"));
}

/// Whether a text between backquotes is meant as a path of the repository, given the directories at its root.
fn is_path(text: &str, rooms: &BTreeSet<&str>) -> bool {
    let is_plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-/*".contains(letter));
    let is_other = text.starts_with(['/', '*']) || KEYS.iter().chain(&MADE).any(|key| text.starts_with(key));
    if !is_plain || is_other {
        return false;
    }
    let is_source = text.rsplit_once('.').is_some_and(|(name, ending)| !name.is_empty() && ENDINGS.contains(&ending));
    is_source || text.split_once('/').is_some_and(|(room, _)| rooms.contains(room))
}

/// Whether there is such a file or directory. What does not begin at the root may be the end of a path, and a part with a star
/// is any.
fn is_there(path: &str, files: &[String]) -> bool {
    let (fixed, is_pattern) = path.split_once('*').map_or((path, false), |(fixed, _)| (fixed, true));
    if is_pattern {
        return files.iter().any(|file| file.starts_with(fixed));
    }
    if root().join(path).exists() {
        return true;
    }
    let directory = format!("{}/", path.trim_end_matches('/'));
    let end = format!("/{path}");
    files.iter().any(|file| file.ends_with(&end) || file.contains(&format!("/{directory}")))
}

#[test]
fn each_path_is_that_of_a_file_or_directory() {
    let files = files();
    let rooms: BTreeSet<&str> = files.iter().filter_map(|path| Some(path.split_once('/')?.0)).collect();
    let mut missing = Vec::new();
    // What has changed names what is no more.
    for (path, text) in markdown().iter().filter(|(path, _)| path != "CHANGELOG.md") {
        for (number, line, is_code) in lines(text) {
            if !is_code {
                let named = spans(line).map(|text| text.split("::").next().unwrap());
                let named = named.filter(|text| is_path(text, &rooms) && !is_there(text, &files));
                missing.extend(named.map(|name| format!("{path}:{number}: {name}")));
            }
        }
    }
    assert!(missing.is_empty(), "paths of nothing:\n{}", missing.join("\n"));
}

#[test]
fn each_test_that_caught_a_mutation_exists() {
    let sources = files().into_iter().filter(|path| path.ends_with(".rs"));
    let sources: Vec<(String, String)> = sources.map(|path| (path.clone(), text_of(&path))).collect();
    let document = text_of("docs/developers/mutation-tests.md");
    // `module::test` itself says how they are written.
    let tests = document.lines().flat_map(spans).filter(|span| span.contains("::") && *span != "module::test");
    let tests: Vec<&str> = tests.collect();
    assert!(tests.len() > 30, "{tests:?}");
    for test in tests {
        let (module, name) = (test.split("::").next().unwrap(), test.rsplit("::").next().unwrap());
        let is_there = sources
            .iter()
            .any(|(path, source)| path.contains(&format!("/{module}")) && source.contains(&format!("fn {name}(")));
        assert!(is_there, "there is no test {test}");
    }
}

#[test]
fn headings_have_the_anchors_of_github() {
    for (heading, expected) in [
        ("How a file is processed", "how-a-file-is-processed"),
        ("`transaction-files-missing`", "transaction-files-missing"),
        ("Name `https://*.execute-api.{region}` in", "name-httpsexecute-apiregion-in"),
        ("`domain/`", "domain"),
        ("Idempotency: what happens twice", "idempotency-what-happens-twice"),
    ] {
        assert_eq!(anchor(heading), expected);
    }
    assert_eq!(anchors("# A\n## A\n```\n# no\n```\n<a id=\"b\"></a>"), ["a", "a-1", "b"].map(str::to_owned).into());
}

//! One word for one thing. The glossary lists the words that we do not use; none of them is in anything that people read.

use super::repository::{files, markdown};
use crate::support::template::text_of;
use regex_lite::Regex;

const GLOSSARY: &str = "docs/developers/glossary.md";
const HEADING: &str = "\n## Words that we do not use\n";

/// What is right although it has one of the words: where (the beginning of paths), a pattern, and why.
const EXCEPTIONS: [(&str, &str, &str); 13] = [
    ("", r"dead(-|\s+)letters?", "the queue's own name"),
    ("", r"(capital|small|lowercase|uppercase|ASCII) letters|letters(,| and| or) digits|letters beyond", "characters"),
    ("", r"(policy|bank|SQL) statements?", "what others call so"),
    ("", r"(?-i:\bStatement\b:?)|\bstatement of a (policy|role)\b", "the element of a policy"),
    ("", r"rejected-webhooks", "the name of a saved query"),
    ("", r"make faults|faults,least|FAULTS_\w+|\bfaults:|faults?[- ]injection|injected\s+faults?", "what is injected"),
    ("", r"\bfaults(\.rs|::)|`faults`", "the tests and the stack with injected faults"),
    ("Makefile", r"\bfaults\b", "the command"),
    ("docs/developers/", r"faults?", "what is injected"),
    ("", r"t(ell|ells|old) apart", "an expression"),
    ("page/", r"announce[sd]?", "what screen readers do"),
    ("docs/operators/first-deployment.md", r"answers?", "what a person types"),
    ("CHANGELOG.md", r"`[^`]*`", "names as they were"),
];

/// A pattern of a word in all its forms, or of a phrase.
fn pattern(word: &str) -> Regex {
    let phrase = word.split(' ').collect::<Vec<_>>().join(r"\s+");
    let forms = match phrase.strip_suffix('e') {
        _ if word.contains(' ') => phrase,
        Some(stem) => format!("{stem}(e|es|ed|ing|er|able|ation|ations)"),
        None => format!("{phrase}(s|es|ed|ing|al|y)?"),
    };
    Regex::new(&format!(r"(?i)\b{forms}\b")).unwrap()
}

/// The second column of the glossary's last table.
fn unused_words() -> Vec<Regex> {
    let glossary = text_of(GLOSSARY);
    let (_, section) = glossary.split_once(HEADING).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(2);
    let words = rows.filter_map(|row| row.split('|').nth(2)).flat_map(|cell| cell.split(','));
    let words: Vec<Regex> = words.map(|word| pattern(word.trim())).collect();
    assert!(words.len() > 30, "{words:?}");
    words
}

/// What people read: each file with its text.
fn texts() -> Vec<(String, String)> {
    let mut texts = markdown();
    // What was measured has the names of its day.
    texts.retain(|(path, _)| path != "docs/developers/bench.md");
    for (path, text) in &mut texts {
        // What was released is history. The glossary itself has the words.
        let end = match path.as_str() {
            "CHANGELOG.md" => text.match_indices("\n## ").nth(1).map(|(at, _)| at),
            GLOSSARY => text.find(HEADING),
            _ => None,
        };
        text.truncate(end.unwrap_or(text.len()));
    }
    let is_read = |path: &String| {
        ["Makefile", "template.yaml", "bootstrap.yaml"].contains(&path.as_str())
            || path.ends_with("/openapi.json")
            || (path.starts_with("page/") && (path.ends_with(".html") || path.ends_with(".js")))
            || (path.starts_with("txn/tests/golden/") && path.ends_with(".txt"))
    };
    texts.extend(files().into_iter().filter(is_read).map(|path| (path.clone(), text_of(&path))));
    texts
}

/// The text with blanks in the place of what is right, so that every offset stays what it is.
fn without_exceptions(path: &str, mut text: String) -> String {
    for (_, exception, _) in EXCEPTIONS.iter().filter(|(place, ..)| path.starts_with(place)) {
        let exception = Regex::new(&format!("(?i){exception}")).unwrap();
        text = exception.replace_all(&text, |found: &regex_lite::Captures<'_>| " ".repeat(found[0].len())).into_owned();
    }
    text
}

#[test]
fn no_word_is_used_that_the_glossary_replaces() {
    let words = unused_words();
    let mut found = Vec::new();
    for (path, text) in texts() {
        let text = without_exceptions(&path, text);
        for word in &words {
            found.extend(word.find_iter(&text).map(|word| {
                let line = 1 + text[..word.start()].matches('\n').count();
                (path.clone(), line, word.as_str().to_owned())
            }));
        }
    }
    found.sort();
    let found: Vec<String> = found.iter().map(|(path, line, word)| format!("{path}:{line}: {word}")).collect();
    assert!(found.is_empty(), "{} words that {GLOSSARY} replaces:\n{}", found.len(), found.join("\n"));
}

#[test]
fn words_are_found_in_all_their_forms() {
    for (word, text, is_found) in [
        ("refuse", "it was Refused", true),
        ("refuse", "`request_refused`", false),
        ("recognise", "recognisable", true),
        ("road", "broad", false),
        ("road", "two roads", true),
        ("what came", "what\n  came", true),
        ("fault", "default", false),
        ("letter", "letters", true),
    ] {
        assert_eq!(pattern(word).is_match(text), is_found, "{word} in {text}");
    }
}

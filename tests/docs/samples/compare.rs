//! Compares what a block printed with what its page says.

use super::page::Output;
use regex_lite::Regex;
use serde_json::Value;

const WIDTH_MAX: usize = 120;
/// An object or a list that is no longer is written in one line.
const INLINE_MAX: usize = 118;
const INDENT: usize = 4;

/// What differs from run to run, with what replaces it in a comparison.
const SHAPES: [(&str, &str); 7] = [
    (r#"https?://[^\s"]+"#, "<url>"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<uuid>"),
    (r"\b[0-9a-f]{32}\b", "<id>"),
    (r"\b(pay-|txn-test-)[0-9a-f]{16,24}\b", "<payment>"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<time>"),
    (r#""day":"\d{4}-\d\d-\d\d""#, "<day>"),
    (r"\b\d{4}-\d\d-\d\d \(UTC\)", "<day>"),
];

/// What was printed, with the names that the documents use: of the partner, and of the bucket's addresses.
pub(super) fn as_in_documents(printed: &str, partner: &str) -> String {
    let printed = printed.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace(partner, "acme");
    Regex::new(r#"https?://[^\s"]+"#)
        .unwrap()
        .replace_all(&printed, "https://transaction-csv-files-dev-….s3.us-east-1.amazonaws.com/…")
        .into_owned()
}

/// Whether a block printed what its page says.
pub(super) fn matches(output: &Output, printed: &str) -> bool {
    let shape = if output.is_json { compact } else { squeezed };
    let expected = with_shapes(&shape(&output.text));
    Regex::new(&pattern_of(&expected)).unwrap().is_match(&with_shapes(&shape(printed)))
}

/// Whether an output leaves out members or lines, so that it cannot be written anew.
pub(super) fn leaves_out(output: &Output) -> bool {
    output.text.lines().any(|line| line.trim().trim_end_matches(',') == "…")
}

/// What was printed, as it is written into a page.
pub(super) fn rendered(output: &Output, printed: &str) -> String {
    let text = match serde_json::from_str::<Value>(printed) {
        Ok(value) if output.is_json => pretty(&value, 0, ""),
        _ => printed.trim_end().to_owned(),
    };
    let lines = text.lines().map(|line| match line.char_indices().nth(WIDTH_MAX) {
        Some(_) => shortened(line, output.is_json),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn with_shapes(text: &str) -> String {
    SHAPES.iter().fold(text.to_owned(), |text, (pattern, shape)| {
        Regex::new(pattern).unwrap().replace_all(&text, *shape).into_owned()
    })
}

/// JSON without white space outside of strings.
fn compact(json: &str) -> String {
    let (mut is_in_string, mut is_escaped) = (false, false);
    let kept = json.chars().filter(|character| {
        let is_in_string_before = is_in_string;
        if *character == '"' && !is_escaped {
            is_in_string = !is_in_string;
        }
        is_escaped = *character == '\\' && !is_escaped;
        is_in_string_before || !character.is_whitespace()
    });
    kept.collect()
}

/// Text whose lines have single blanks and none at their ends. The width of columns follows from what is in them.
fn squeezed(text: &str) -> String {
    let lines = text.trim().lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

/// A pattern in which `…` stands for any text: alone in a line for any lines, elsewhere for the rest of a string or line.
fn pattern_of(expected: &str) -> String {
    let mut pattern = String::from("^");
    let mut rest = expected;
    while let Some((before, after)) = rest.split_once('…') {
        pattern += &regex_lite::escape(before);
        let begins_line = before.is_empty() || before.ends_with(['\n', ',', '{', '[']);
        let ends_line = after.is_empty() || after.starts_with(['\n', ',', '}', ']']);
        pattern += if begins_line && ends_line { r"[\s\S]*?" } else { r#"(?:[^"\n\\]|\\.|"[^,:}\]\n])*?"# };
        rest = after;
    }
    pattern + &regex_lite::escape(rest) + "$"
}

/// JSON as the documents write it.
fn pretty(value: &Value, depth: usize, key: &str) -> String {
    let inline = inline(value);
    let width = depth * INDENT + key.chars().count() + inline.chars().count();
    let (open, close, members): (char, char, Vec<String>) = match value {
        Value::Object(members) if depth == 0 || width > INLINE_MAX => {
            let member = |(name, value): (&String, &Value)| {
                pretty(value, depth + 1, &format!("{}: ", Value::from(name.as_str())))
            };
            ('{', '}', members.iter().map(member).collect())
        }
        Value::Array(items) if width > INLINE_MAX => {
            ('[', ']', items.iter().map(|item| pretty(item, depth + 1, "")).collect())
        }
        _ => return format!("{}{key}{inline}", " ".repeat(depth * INDENT)),
    };
    let margin = " ".repeat(depth * INDENT);
    format!("{margin}{key}{open}\n{}\n{margin}{close}", members.join(",\n"))
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members =
                members.iter().map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), inline(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        scalar => scalar.to_string(),
    }
}

/// A line that is too long, up to a blank, with `…` for its rest.
fn shortened(line: &str, is_json: bool) -> String {
    let ending = match (is_json, line.ends_with(',')) {
        (false, _) => "…",
        (true, true) => "…\",",
        (true, false) => "…\"",
    };
    let kept: String = line.chars().take(WIDTH_MAX - ending.chars().count()).collect();
    let kept = kept.rsplit_once(' ').map_or(kept.as_str(), |(kept, _)| kept);
    format!("{kept} {ending}")
}

#[cfg(test)]
fn output(is_json: bool, text: &str) -> Output {
    Output { is_json, text: text.to_owned() }
}

#[test]
fn what_differs_from_run_to_run_is_compared_by_its_shape() {
    let page = output(
        true,
        "{\n  \"file_id\": \"a6815dd816c576b5ac85ee4e2e8f5fc5\", \"rows\": 2,\n  \"why\": \"A file, …\"\n}\n",
    );
    let printed = |id: &str, rows: u8, why: &str| format!(r#"{{"file_id":"{id}","rows":{rows},"why":"{why}"}}"#);
    let id = "00000000000000000000000000000000";
    assert!(matches(&page, &printed(id, 2, "A file, \\\"quoted\\\"")));
    assert!(!matches(&page, &printed(id, 3, "A file, too")));
    assert!(!matches(&page, &printed("0", 2, "A file, too")));
    assert!(!matches(&page, &printed(id, 2, "No file")));
    assert!(!matches(&page, &printed(id, 2, "A file, \",\"more\":\"")));
}

#[test]
fn dots_alone_in_a_line_stand_for_any_lines() {
    let page = output(false, "first   line\n…\nlast …\n");
    assert!(matches(&page, "first line\n\nsecond\nlast one\n"));
    assert!(!matches(&page, "first line\nsecond\nlast one\nand more\n"));
    assert!(leaves_out(&page) && !leaves_out(&output(false, "last …\n")));
}

#[test]
fn json_is_written_as_in_the_documents() {
    let long = "word ".repeat(40);
    let printed = format!(r#"{{"totals":{{"EUR":"9.30"}},"message":"{long}","list":[]}}"#);
    let written = rendered(&output(true, ""), &printed);
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(
        (lines[0], lines[1], lines[3], lines[4]),
        ("{", "    \"totals\": {\"EUR\": \"9.30\"},", "    \"list\": []", "}")
    );
    assert!(lines[2].chars().count() <= WIDTH_MAX && lines[2].ends_with(" …\","), "{written}");
    assert!(matches(&output(true, &written), &printed));
}

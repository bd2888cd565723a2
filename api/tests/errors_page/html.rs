//! The page that a stack serves.

use crate::content::{Entry, Section};

/// A rejection with all its members.
pub(crate) const WHOLE_EXAMPLE: &str = r#"{
  "error": "file_not_found",
  "message": "No file has this id and token; use the status_path of the upload's response.",
  "type": "/prod/errors#file_not_found",
  "title": "The file was not found",
  "status": 404,
  "detail": "No file has this id and token; use the status_path of the upload's response.",
  "instance": "urn:uuid:51690a3e-7f6d-4a0c-9a52-0d5c7a7c1b1e",
  "request_id": "51690a3e-7f6d-4a0c-9a52-0d5c7a7c1b1e",
  "file_id": null
}"#;

const STYLE: &str = include_str!("../../src/reference/errors.css");

/// The whole page as HTML. It has no script, and its style is in it, under the hash that the policy names.
pub(crate) fn page(sections: &[Section]) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Errors</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>Errors</h1>\n\
         <p>Every code of the APIs: what it means, what to do, and an example of what was sent and of the \
         response.</p>\n</header>\n"
    );
    page += "<nav aria-label=\"Contents\">\n";
    for (place, section) in sections.iter().enumerate() {
        page += &format!("<details>\n<summary>{}</summary>\n<ul>\n", escape(section.title));
        for Entry { anchor, code, .. } in &section.entries {
            page += &format!("<li><a href=\"#{anchor}\">{code}</a></li>\n");
        }
        page += &format!("<li><a href=\"#section-{place}\">All of them</a></li>\n</ul>\n</details>\n");
    }
    page += "</nav>\n<main>\n";
    for (place, section) in sections.iter().enumerate() {
        page += &format!("<section aria-labelledby=\"section-{place}\">\n");
        page += &format!("<h2 id=\"section-{place}\">{}</h2>\n", escape(section.title));
        for paragraph in &section.introduction {
            page += &format!("<p>{}</p>\n", escape(paragraph));
        }
        if place == 0 {
            page += &example("A rejection with all its members", WHOLE_EXAMPLE);
        }
        for entry in &section.entries {
            page += &entry_of(entry);
        }
        page += "</section>\n";
    }
    page += "</main>\n</body>\n</html>\n";
    page
}

fn entry_of(entry: &Entry) -> String {
    let (anchor, code) = (&entry.anchor, entry.code);
    let [title, explanation, remedy] = [&entry.title, &entry.explanation, &entry.remedy].map(|text| escape(text));
    let (sent, response) = (example("Sent", entry.sent.trim_end()), example("Response", &entry.response));
    format!(
        "<article aria-labelledby=\"{anchor}\">\n<h3 id=\"{anchor}\"><a href=\"#{anchor}\">{code}</a></h3>\n\
         <p class=\"title\">{title}</p>\n<p>{explanation}</p>\n<p><strong>What to do:</strong> {remedy}</p>\n\
         {sent}{response}</article>\n"
    )
}

/// A block whose lines are broken where they are wider than a telephone.
fn example(label: &str, text: &str) -> String {
    let text = escape(text);
    format!("<figure>\n<figcaption>{label}</figcaption>\n<pre>{text}</pre>\n</figure>\n")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

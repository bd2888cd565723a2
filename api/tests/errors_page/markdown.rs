//! The page in the docs.

use crate::content::{Entry, Section};

/// The whole page as Markdown.
pub(crate) fn page(sections: &[Section]) -> String {
    let mut page = String::from(
        "# Errors\n\nEvery code of the APIs: what it means, what to do, and an example of what was sent and \
         of the response. A stack serves this page at `GET /errors`.\n\nThis file is made from the tables of the code; a test \
         holds it against them (`api/tests/errors_page`).\n",
    );
    for section in sections {
        page += &format!("\n- [{}](#{})", section.title, section.title.to_lowercase().replace(' ', "-"));
    }
    page.push('\n');
    for section in sections {
        page += &format!("\n## {}\n", section.title);
        for paragraph in &section.introduction {
            page += &format!("\n{paragraph}\n");
        }
        if section.title == "Rejected requests" {
            page += &format!("\n```json\n{}\n```\n", crate::html::WHOLE_EXAMPLE);
        }
        for entry in &section.entries {
            page += &entry_of(entry);
        }
    }
    page
}

fn entry_of(entry: &Entry) -> String {
    let Entry { code, anchor, title, explanation, remedy, sent, response } = entry;
    let sent = sent.trim_end();
    format!(
        "\n### <a id=\"{anchor}\"></a>`{code}`\n\n*{title}.* {explanation}\n\n**What to do:** {remedy}\n\n\
         ```text\n{sent}\n```\n\n```json\n{response}\n```\n"
    )
}

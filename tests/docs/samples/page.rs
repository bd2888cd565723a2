//! The blocks of a page that are run, and what the page says that they print.

/// A page of the documents.
pub(super) struct Page {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) steps: Vec<Step>,
}

/// What is done for a block.
pub(super) enum Step {
    /// Write a file.
    Write { name: String, text: String },
    /// Run commands.
    Run(Run),
}

/// Commands, with what is expected of them.
pub(super) struct Run {
    /// The line of the page on which the commands begin, from 1.
    pub(super) line: usize,
    pub(super) script: String,
    pub(super) exit_code: i32,
    pub(super) output: Option<Output>,
}

/// What commands print, according to the page.
pub(super) struct Output {
    pub(super) is_json: bool,
    pub(super) text: String,
}

/// A comment that says what to do with the block after it.
#[derive(Default)]
struct Directive {
    is_skipped: bool,
    exit_code: i32,
    file: Option<String>,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// A comment is not one of those that [the module](super) names, or a block is not closed.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut directive = Directive::default();
        // Whether the next block is the output of the one before: nothing is between them.
        let mut follows_run = false;
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let place = format!("{name}:{}", index + 1);
            if let Some(comment) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) {
                directive = Directive::parse(comment).ok_or(format!("{place}: unknown comment: {comment}"))?;
            } else if let Some(language) = line.strip_prefix("```") {
                let block = block_of(&mut lines).ok_or(format!("{place}: the block is not closed"))?;
                let named = std::mem::take(&mut directive);
                let ran = std::mem::take(&mut follows_run);
                match (language, named) {
                    (_, Directive { file: Some(file), .. }) => steps.push(Step::Write { name: file, text: block }),
                    ("sh", Directive { is_skipped: false, exit_code, .. }) => {
                        steps.push(Step::Run(Run { line: index + 2, script: block, exit_code, output: None }));
                        follows_run = true;
                    }
                    (_, Directive { is_skipped: true, .. }) => {}
                    (language, _) => {
                        if let (true, Some(Step::Run(run))) = (ran, steps.last_mut()) {
                            run.output = Some(Output { is_json: language == "json", text: block });
                        }
                    }
                }
            } else if !line.is_empty() {
                (directive, follows_run) = (Directive::default(), false);
            }
        }
        Ok(Self { name: name.to_owned(), text: text.to_owned(), steps })
    }

    /// How many blocks are run.
    pub(super) fn runs(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Run(_))).count()
    }

    /// The page with another output after the commands of `run`.
    pub(super) fn with_output(text: &str, run: &Run, output: &str) -> String {
        let before = run.output.as_ref().map(|before| before.text.as_str()).unwrap_or_default();
        let at = text.find(&run.script).map_or(0, |at| at + run.script.len());
        let (head, tail) = text.split_at(at);
        head.to_owned() + &tail.replacen(&format!("\n{before}```"), &format!("\n{output}```"), 1)
    }
}

impl Directive {
    fn parse(comment: &str) -> Option<Self> {
        if comment.starts_with("generated: ") || comment == "end" {
            return Some(Self::default());
        }
        let (kind, value) = comment.split_once(": ").or_else(|| comment.rsplit_once(' '))?;
        match kind {
            "not run" => Some(Self { is_skipped: true, ..Self::default() }),
            "exit code" => Some(Self { exit_code: value.parse().ok()?, ..Self::default() }),
            "file" => Some(Self { file: Some(value.to_owned()), ..Self::default() }),
            _ => None,
        }
    }
}

/// The text up to the end of a block.
fn block_of<'t>(lines: &mut impl Iterator<Item = (usize, &'t str)>) -> Option<String> {
    let mut text = String::new();
    for (_, line) in lines {
        if line == "```" {
            return Some(text);
        }
        text.push_str(line);
        text.push('\n');
    }
    None
}

#[test]
fn reads_blocks_with_their_comments_and_outputs() {
    let text = "Text\n\n<!-- exit code 1 -->\n```sh\nfalse\n```\n\n```json\n{}\n```\n\n```json\n[]\n```\n\
                <!-- not run: why -->\n```sh\nmake up\n```\n\n<!-- file: a.py -->\n```python\npass\n```\n";
    let page = Page::parse("page.md", text).unwrap();
    assert_eq!((page.steps.len(), page.runs()), (2, 1));
    let Step::Run(run) = &page.steps[0] else { panic!("a run") };
    assert_eq!((run.line, run.script.as_str(), run.exit_code), (5, "false\n", 1));
    assert_eq!(run.output.as_ref().map(|output| (output.is_json, output.text.as_str())), Some((true, "{}\n")));
    assert!(matches!(&page.steps[1], Step::Write { name, text } if name == "a.py" && text == "pass\n"));
    assert!(Page::with_output(text, run, "{\"a\": 1}\n").contains("```json\n{\"a\": 1}\n```\n\n```json\n[]\n```"));
}

#[test]
fn rejects_a_comment_that_it_does_not_know() {
    assert!(Page::parse("page.md", "<!-- do not run -->\n```sh\nls\n```\n").is_err());
    assert!(Page::parse("page.md", "```sh\nls\n").is_err());
}

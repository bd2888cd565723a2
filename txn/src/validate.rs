//! `txn validate`: checks files locally.

use crate::check::{CheckOptions, Checked, PIECE_BYTES, check};
use crate::cli::{Rows, ValidateArguments};
use crate::excerpt::ErrorRenderer;
use crate::expected::Expected;
use crate::print;
use crate::problem::{Exit, Problem};
use crate::progress::Progress;
use crate::source::Source;
use crate::verdict::Verdict;
use domain::csv::correctable::is_correctable;
use domain::csv::{CorrectableWriter, Limits, RowSelection};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Whether a file is valid, and its result as text and as JSON.
type FileResult = Result<(bool, String, Value), Problem>;

pub(crate) fn run(arguments: &ValidateArguments, as_json: bool) -> Result<Exit, Problem> {
    if arguments.correctable.is_some() && arguments.files.len() > 1 {
        return Err(Problem::usage("correctable_of_many", "--correctable writes the file of one FILE; name one."));
    }
    // Checked before anything is read, so that no result is printed without the requested copy.
    if let Some(out) = &arguments.correctable {
        reject_existing(out)?;
    }
    let expected = Expected::read(&arguments.expected)?;
    let progress = Progress::of("checking", total_bytes(&arguments.files));
    let mut documents = Vec::new();
    let mut exit = Exit::Success;
    each_in_order(
        &arguments.files,
        jobs(arguments),
        |path| validate(path, arguments, &expected, &progress),
        |result| {
            match result {
                Ok((valid, text, document)) => {
                    exit = exit.max(if valid { Exit::Success } else { Exit::Failure });
                    documents.push(document);
                    if !as_json {
                        print::line(text)?;
                    }
                }
                // A file that cannot be read does not stop the others.
                Err(problem) => {
                    exit = exit.max(problem.exit);
                    problem.print(as_json);
                }
            }
            Ok(())
        },
    )?;
    progress.end();
    if as_json {
        print::json(&json!({"files": documents}))?;
    }
    Ok(exit)
}

fn validate(path: &Path, arguments: &ValidateArguments, expected: &Expected, progress: &Progress) -> FileResult {
    let source = Source::open(path)?;
    let checked = check(&source, CheckOptions { errors_max: arguments.max_errors, digest: false }, expected, progress)?;
    let written = arguments.correctable.as_deref().map(|out| write_correctable(&source, &checked, out, arguments.rows));
    let written = written.transpose()?;
    let verdict = Verdict::from(checked);
    let mut text = verdict.to_text(&source, &ErrorRenderer::for_stdout())?;
    let mut document = verdict.to_json(&source.name);
    if let Some((message, written)) = written {
        text = format!("{text}\n{message}");
        document["correctable"] = written;
    }
    Ok((verdict.is_valid(), text, document))
}

/// An existing file may be the input itself, or a copy that somebody is correcting.
fn reject_existing(out: &Path) -> Result<(), Problem> {
    if out.symlink_metadata().is_ok() {
        let message =
            format!("{} exists and may have your corrections. Name another file, or delete it.", out.display());
        return Err(Problem::usage("file_exists", message));
    }
    let directory = out.parent().filter(|directory| !directory.as_os_str().is_empty());
    match directory.filter(|directory| !directory.is_dir()) {
        None => Ok(()),
        Some(none) => {
            Err(Problem::usage("file_unusable", format!("{}: no such directory: {}.", out.display(), none.display())))
        }
    }
}

/// Writes the correctable copy and describes it. Without an error in a single record, nothing is written.
fn write_correctable(source: &Source, checked: &Checked, out: &Path, rows: Rows) -> Result<(String, Value), Problem> {
    if !is_correctable(&checked.report) {
        let message = format!("{} was not written: no single record has an error.", out.display());
        return Ok((message, Value::Null));
    }
    let selection = if rows == Rows::All { RowSelection::All } else { RowSelection::Rejected };
    let mut writer = CorrectableWriter::new(checked.at, Limits::default(), &checked.report, selection);
    // A file that was created since the check is not overwritten.
    let file = File::options().write(true).create_new(true).open(out);
    let mut file = BufWriter::new(file.map_err(|error| Problem::of_file(out, &error))?);
    let mut written = Ok(());
    let mut put = |bytes: &[u8]| {
        if written.is_ok() {
            written = file.write_all(bytes);
        }
    };
    let mut reader = source.reader()?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match reader.read(&mut piece).map_err(|error| source.unreadable(&error))? {
            0 => break,
            length => writer.push(&piece[..length], &mut put),
        }
    }
    let summary = writer.finish(&mut put);
    written.and_then(|()| file.flush()).map_err(|error| Problem::of_file(out, &error))?;
    let mut message = format!("{}: rejected records: {}.", out.display(), summary.rejected_rows);
    message.push_str(match selection {
        RowSelection::All => " Correct them and send the file.",
        RowSelection::Rejected => {
            " The copy has only these. The service stores nothing of a rejected file, so correct them in the whole file, \
             or write a copy with --rows all."
        }
    });
    if summary.is_truncated {
        message.push_str(" What was too long, or followed the last readable record, is missing in it.");
    }
    let document = json!({
        "file": out.display().to_string(),
        "rows": if selection == RowSelection::All { "all" } else { "rejected" },
        "rejected_rows": summary.rejected_rows,
        "truncated": summary.is_truncated,
    });
    Ok((message, document))
}

fn total_bytes(files: &[PathBuf]) -> u64 {
    files.iter().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum()
}

fn jobs(arguments: &ValidateArguments) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    arguments.jobs.map_or(cores, usize::from).min(arguments.files.len()).max(1)
}

/// Runs `work` on all items, `jobs` at a time, and passes the results to `take` in the order of the items.
fn each_in_order<I: Sync, O: Send>(
    items: &[I],
    jobs: usize,
    work: impl Fn(&I) -> O + Sync,
    mut take: impl FnMut(O) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((at, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
                {
                    // The receiver is gone if the output failed.
                    if sender.send((at, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut expected = 0;
        for (at, outcome) in receiver {
            waiting.insert(at, outcome);
            while let Some(outcome) = waiting.remove(&expected) {
                take(outcome)?;
                expected += 1;
            }
        }
        Ok(())
    })
}

//! The uploads from this machine, so that `txn status FILE_ID` needs only the id. The token in each status_path opens the
//! file's page, so the list is readable only by its owner.

use crate::settings::directory;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A list of more than this many bytes loses its older half.
const LIST_BYTES_MAX: u64 = 1024 * 1024;

/// One upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) file_id: String,
    pub(crate) status_path: String,
    /// The base URL of the API.
    pub(crate) endpoint: String,
    pub(crate) sent_at: String,
}

/// Remembers an upload. If it cannot, it prints a warning and does not fail, because the file has been sent.
pub(crate) fn remember(upload: &Upload) {
    let Some(path) = path() else {
        return;
    };
    if let Err(error) = append(&path, upload) {
        eprintln!("txn: cannot remember this upload in {}: {error}. Keep its status_path.", path.display());
    }
}

/// The status_path of a file that was sent from this machine.
pub(crate) fn status_path_of(file_id: &str, endpoint: &str) -> Option<String> {
    let text = fs::read_to_string(path()?).ok()?;
    let uploads = text.lines().rev().filter_map(|line| serde_json::from_str::<Upload>(line).ok());
    uploads
        .into_iter()
        .find(|upload| upload.file_id == file_id && upload.endpoint == endpoint)
        .map(|found| found.status_path)
}

fn path() -> Option<PathBuf> {
    Some(directory("XDG_STATE_HOME", ".local/state")?.join("txn").join("uploads.jsonl"))
}

fn append(path: &Path, upload: &Upload) -> io::Result<()> {
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory)?;
    let mut file = private().create(true).append(true).open(path)?;
    if file.metadata()?.len() > LIST_BYTES_MAX {
        shorten(path)?;
        file = private().create(true).append(true).open(path)?;
    }
    // One write, so that two commands at the same time do not mix their lines.
    file.write_all(format!("{}\n", serde_json::to_string(upload)?).as_bytes())
}

/// Drops the older half: writes a new file and renames it over the old one.
fn shorten(path: &Path) -> io::Result<()> {
    let mut text = String::new();
    File::open(path)?.read_to_string(&mut text)?;
    let lines: Vec<&str> = text.lines().collect();
    let kept: String = lines[lines.len() / 2..].iter().map(|line| format!("{line}\n")).collect();
    let next = path.with_extension("new");
    private().create(true).write(true).truncate(true).open(&next)?.write_all(kept.as_bytes())?;
    fs::rename(next, path)
}

/// Options to open files readable only by their owner.
fn private() -> OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

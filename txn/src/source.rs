//! The input files. Each can be read more than once, because a file with possibly repeated ids is read twice, and errors show
//! their lines. Stdin is therefore copied into a temporary file first.

use crate::problem::Problem;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The name of stdin on the command line.
const STDIN: &str = "-";

/// An input file.
#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    /// Its name in messages.
    pub(crate) name: String,
    /// Its size, in bytes.
    pub(crate) bytes: u64,
}

impl Source {
    /// Opens a file, or reads all of stdin if the path is `-`.
    pub(crate) fn open(path: &Path) -> Result<Self, Problem> {
        if path.as_os_str() == STDIN {
            return Self::of_stdin().map_err(|error| Problem::of_file(Path::new("stdin"), &error));
        }
        let read = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                Err(io::Error::from(io::ErrorKind::IsADirectory))
            } else {
                Ok((file, metadata.len()))
            }
        };
        let (file, bytes) = read().map_err(|error| Problem::of_file(path, &error))?;
        Ok(Self { file, name: path.display().to_string(), bytes })
    }

    fn of_stdin() -> io::Result<Self> {
        // It has no name in the file system, so that nobody else can open it and nothing is left behind.
        let mut file = tempfile::tempfile()?;
        let bytes = io::copy(&mut io::stdin().lock(), &mut file)?;
        Ok(Self { file, name: "<stdin>".to_owned(), bytes })
    }

    /// The file, from its first byte.
    pub(crate) fn rewound(&self) -> io::Result<&File> {
        (&self.file).seek(SeekFrom::Start(0))?;
        Ok(&self.file)
    }

    /// A handle on the same file, from its first byte. The position is shared, so only one handle is used at a time.
    pub(crate) fn reader(&self) -> Result<File, Problem> {
        let cloned = self.rewound().and_then(File::try_clone);
        cloned.map_err(|error| self.unreadable(&error))
    }

    /// Up to `length` bytes from `start` on.
    pub(crate) fn bytes_at(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        (&self.file).seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::with_capacity(length);
        (&self.file).take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The error that reading it failed.
    pub(crate) fn unreadable(&self, error: &io::Error) -> Problem {
        Problem::of_file(Path::new(&self.name), error)
    }
}

//! A progress bar on stderr, shown only if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};

/// Below this many bytes, the work is done before a bar could be read.
const BAR_BYTES_MIN: u64 = 8 * 1024 * 1024;

/// Progress in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar for `bytes`, if they are many and stderr is a terminal.
    pub(crate) fn of(what: &str, bytes: u64) -> Self {
        if bytes < BAR_BYTES_MIN || !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{msg} [{bar:30}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Self(bar)
    }

    /// Adds processed bytes.
    pub(crate) fn add(&self, bytes: usize) {
        self.0.inc(bytes as u64);
    }

    /// Adds bytes that will be read again.
    pub(crate) fn expect_again(&self, bytes: u64) {
        self.0.inc_length(bytes);
    }

    /// Starts from zero.
    pub(crate) fn restart(&self) {
        self.0.set_position(0);
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}

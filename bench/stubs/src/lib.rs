//! What measurements of the built functions share: a process that is started as Lambda starts it, at a share of a core,
//! and as much of HTTP and TLS as it takes to play AWS for it.

pub mod cpu_limit;
pub mod http;
pub mod process;
pub mod results;
pub mod runtime_api;
pub mod tls;
pub mod usage;

pub use cpu_limit::CpuLimit;
pub use results::Results;
pub use usage::Usage;

use std::path::{Path, PathBuf};

/// The path of a file of the repository.
#[must_use]
pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

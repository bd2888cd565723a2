//! Shared by the benchmarks of the built functions: a process that is started as on Lambda, at a share of a core, and the
//! HTTP and TLS that a stub of AWS needs.

pub mod cpu_limit;
pub mod http;
pub mod process;
pub mod results;
pub mod runtime_api;
pub mod tls;
pub mod usage;

pub use cpu_limit::{CpuLimit, SHARE_PERCENT, share};
pub use process::Function;
pub use results::Results;
pub use usage::Usage;

use std::path::{Path, PathBuf};

/// The path of a file of the repository.
#[must_use]
pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

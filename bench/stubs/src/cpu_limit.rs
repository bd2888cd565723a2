//! A share of one processor core for a process, by a control group of Linux.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Lambda gives a function of 1,769 MB one core, and a function of 512 MB this share of a core.
pub const SHARE_PERCENT: u32 = 29;

/// The directories of the two versions of control groups.
const VERSION_1: &str = "/sys/fs/cgroup/cpu";
const VERSION_2: &str = "/sys/fs/cgroup";

/// The period of the limit. With Linux's default of 100 ms, a process that needs less than 29 ms would run as if it had the
/// whole core.
pub const PERIOD: Duration = Duration::from_millis(20);

/// The group. It is removed when this is dropped.
#[derive(Debug)]
pub struct CpuLimit {
    directory: PathBuf,
}

impl CpuLimit {
    /// A group with `percent` of one core; none for a whole core.
    ///
    /// # Errors
    /// This machine has no control groups, or this user may not create one. The text is a note for the results.
    pub fn of(percent: u32) -> Result<Option<Self>, String> {
        if percent == 100 {
            return Ok(None);
        }
        let not_measured = |error| format!("Not measured at {} of a core: no control group ({error}).", share(percent));
        Self::new(percent).map(Some).map_err(not_measured)
    }

    /// A group with `percent` of one core.
    ///
    /// # Errors
    /// This machine has no control groups, or this user may not create one.
    pub fn new(percent: u32) -> io::Result<Self> {
        let period = PERIOD.as_micros();
        let quota = period * u128::from(percent) / 100;
        let name = format!("transaction-bench-{}", std::process::id());
        if Path::new(VERSION_1).join("cpu.cfs_quota_us").exists() {
            let group = Self { directory: Path::new(VERSION_1).join(name) };
            fs::create_dir(&group.directory)?;
            fs::write(group.directory.join("cpu.cfs_period_us"), period.to_string())?;
            fs::write(group.directory.join("cpu.cfs_quota_us"), quota.to_string())?;
            return Ok(group);
        }
        let group = Self { directory: Path::new(VERSION_2).join(name) };
        fs::create_dir(&group.directory)?;
        fs::write(group.directory.join("cpu.max"), format!("{quota} {period}"))?;
        Ok(group)
    }

    /// The file to which a process writes its ID to join the group.
    pub fn members(&self) -> PathBuf {
        self.directory.join("cgroup.procs")
    }
}

/// A share of a core as text, such as 0.29.
#[must_use]
pub fn share(percent: u32) -> String {
    format!("{}.{:02}", percent / 100, percent % 100)
}

impl Drop for CpuLimit {
    fn drop(&mut self) {
        // The last process may still be exiting. An empty group that remains does no harm.
        let _ = fs::remove_dir(&self.directory);
    }
}

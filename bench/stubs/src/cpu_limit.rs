//! A share of one processor core for a process, by a control group of Linux.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the kernel's two versions of control groups are.
const VERSION_1: &str = "/sys/fs/cgroup/cpu";
const VERSION_2: &str = "/sys/fs/cgroup";

/// How often the share is dealt out. Linux's default of 100 ms would let a process that needs less than 29 ms run as if it
/// had the whole core.
pub const PERIOD: Duration = Duration::from_millis(20);

/// The group. It is removed when this is dropped.
#[derive(Debug)]
pub struct CpuLimit {
    directory: PathBuf,
}

impl CpuLimit {
    /// A group that gets `percent` of one core.
    ///
    /// # Errors
    /// This machine has no control groups, or this user may not make one.
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

    /// The file to which a process writes its id to join.
    pub fn members(&self) -> PathBuf {
        self.directory.join("cgroup.procs")
    }
}

impl Drop for CpuLimit {
    fn drop(&mut self) {
        // The last process may not be quite gone; an empty group that stays does no harm.
        let _ = fs::remove_dir(&self.directory);
    }
}

//! The resources that a process has used.

use std::error::Error;
use std::fs;
use std::time::Duration;

/// Processor time and peak memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Of all its threads, user and system.
    pub processor: Duration,
    /// In kilobytes.
    pub memory_kilobytes_max: u64,
    /// How long its first thread was ready to run and waited for a processor, or for its share of one.
    pub waited: Duration,
}

impl Usage {
    /// Those of the process `id`, which may be `self`.
    ///
    /// # Errors
    /// There is no such process.
    pub fn of(id: &str) -> Result<Self, Box<dyn Error>> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let schedule = fs::read_to_string(format!("/proc/{id}/schedstat"))?;
        let waited = schedule.split_whitespace().nth(1).ok_or("the kernel reports no schedule")?;
        Ok(Self {
            processor: processor(&stat)?,
            memory_kilobytes_max: memory_kilobytes_max(&status)?,
            waited: Duration::from_nanos(waited.parse()?),
        })
    }
}

/// User and system time from `/proc/PID/stat`, in hundredths of a second on every Linux.
fn processor(stat: &str) -> Result<Duration, Box<dyn Error>> {
    // The second field is the program's name in brackets, which may contain blanks; user time is the fourteenth.
    let (_, after_name) = stat.rsplit_once(')').ok_or("no process")?;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

fn memory_kilobytes_max(status: &str) -> Result<u64, Box<dyn Error>> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("the kernel reports no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_usage_of_a_process() {
        let stat = "7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0";
        assert_eq!(processor(stat).unwrap(), Duration::from_millis(1750));
        assert_eq!(memory_kilobytes_max("VmPeak:\t 9 kB\nVmHWM:\t   5128 kB\nX: 1\n").unwrap(), 5128);
    }
}

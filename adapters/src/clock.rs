//! The clock and the random source, read here and passed on as values.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// `BYTES` unguessable bytes, as hexadecimal digits.
///
/// # Errors
/// The operating system has no random bytes.
pub fn random_hex<const BYTES: usize>() -> Result<String, getrandom::Error> {
    let bytes = random::<BYTES>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// `BYTES` unguessable bytes.
///
/// # Errors
/// The operating system has no random bytes.
pub fn random<const BYTES: usize>() -> Result<[u8; BYTES], getrandom::Error> {
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

//! Checks the headers of each part of a multipart body before `multer` does, which keeps the last of what is repeated and
//! sets no limit to their size.

use api::{Code, Rejection};
use domain::limits::PART_HEADER_BYTES_MAX;
use memchr::memmem;

/// Rejects a body with a part whose headers are too large or repeated.
///
/// # Errors
/// Which rule a part breaks.
pub(crate) fn check(body: &[u8], boundary: &str) -> Result<(), Rejection> {
    let delimiter = format!("--{boundary}");
    // A delimiter is at the start of a line (RFC 2046, section 5.1.1); the file itself cannot have one.
    for at in memmem::find_iter(body, delimiter.as_bytes()).filter(|&at| at == 0 || body[..at].ends_with(b"\r\n")) {
        let after = &body[at + delimiter.len()..];
        if after.starts_with(b"--") {
            break;
        }
        // The line of the delimiter ends, then come the headers, then a blank line.
        if let Some(line_end) = memmem::find(after, b"\r\n") {
            check_block(&after[line_end + 2..])?;
        }
    }
    Ok(())
}

/// Checks the headers at the start of `part`. A part without a blank line is left to `multer`, which rejects it.
fn check_block(part: &[u8]) -> Result<(), Rejection> {
    let beginning = &part[..part.len().min(PART_HEADER_BYTES_MAX + 4)];
    let length = if beginning.starts_with(b"\r\n") { Some(0) } else { memmem::find(beginning, b"\r\n\r\n") };
    let Some(length) = length else {
        return if part.len() > beginning.len() { Err(too_large()) } else { Ok(()) };
    };
    let mut names: Vec<Vec<u8>> = part[..length]
        .split(|&byte| byte == b'\n')
        .filter_map(|line| Some(line[..line.iter().position(|&byte| byte == b':')?].trim_ascii().to_ascii_lowercase()))
        .collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Rejection::new(Code::PartHeaderRepeated, "A part has the same header twice; send each once."));
    }
    Ok(())
}

fn too_large() -> Rejection {
    let message = format!("The headers of a part are larger than {PART_HEADER_BYTES_MAX} bytes; shorten them.");
    Rejection::new(Code::PartHeadersTooLarge, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(headers: &str) -> Option<Code> {
        let body = format!("--b\r\n{headers}\r\n\r\nContent-Type: x\r\nContent-Type: x\r\n\r\n--b--\r\n");
        check(body.as_bytes(), "b").err().map(|rejection| rejection.code)
    }

    #[test]
    fn headers_of_a_part() {
        let disposition = "Content-Disposition: form-data; name=\"file\"";
        assert_eq!(code_of(disposition), None);
        assert_eq!(code_of(&format!("{disposition}\r\nContent-Type: text/csv")), None);
        assert_eq!(
            code_of(&format!("{disposition}\r\ncontent-disposition : form-data")),
            Some(Code::PartHeaderRepeated)
        );
        assert_eq!(code_of(&format!("{disposition}\r\nX: {}", "x".repeat(8192))), Some(Code::PartHeadersTooLarge));
        let many: String = (0..1000).map(|number| format!("\r\nX-{number}: x")).collect();
        assert_eq!(code_of(&format!("{disposition}{many}")), Some(Code::PartHeadersTooLarge));
        let full = "x".repeat(PART_HEADER_BYTES_MAX - disposition.len() - 5);
        assert_eq!(code_of(&format!("{disposition}\r\nX: {full}")), None);
        assert_eq!(code_of(&format!("{disposition}\r\nX: {full}x")), Some(Code::PartHeadersTooLarge));
    }
}

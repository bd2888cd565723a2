//! Canaries: texts that no other test and no other run has, planted in secret or private data, and the search for them
//! in every encoding that a careless log line may use.

use crate::support::files::digest;
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use memchr::memmem;
use std::borrow::Cow;

/// The kind of data in which a canary is planted, which decides where it may be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A key, a secret, a signature, an unknown header. Nowhere.
    Secret,
    /// A token of a file's status or a signed URL. Only in a response to its owner.
    Token,
    /// The content of a file, or the metadata of a payment. Only in files that are made for its owner.
    Content,
    /// The amount and the customer of a payment, which its event documents. Only there.
    Event,
}

/// Where data were seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Location {
    /// The log of a function.
    Log,
    /// A response that accepts a request, or rejects a file of the sender's own.
    OwnersResponse,
    /// Any other rejection.
    Rejection,
    /// The report of a rejected file.
    Report,
    /// The correctable file of a rejected one.
    CorrectableFile,
    /// The outcome of an execution of the file workflow, and of an invocation.
    Outcome,
    /// A message of the dead-letter queue.
    DeadLetter,
    /// A message of the topic of files.
    Notification,
    /// An event of the event bus, and a message of the topic of alerts.
    PaymentEvent,
    /// The log of the emulator itself. It may have the address of a request with its token; the access log of API
    /// Gateway has the route and not the address.
    EmulatorsLog,
}

impl Kind {
    fn may_be_in(self, location: Location) -> bool {
        match self {
            Self::Secret => false,
            Self::Token => matches!(location, Location::OwnersResponse | Location::EmulatorsLog),
            Self::Content => location == Location::CorrectableFile,
            Self::Event => location == Location::PaymentEvent,
        }
    }
}

struct Canary {
    what: String,
    kind: Kind,
    /// Each encoding, by name.
    forms: Vec<(&'static str, memmem::Finder<'static>)>,
}

/// All canaries of a test.
#[derive(Default)]
pub(crate) struct Canaries(Vec<Canary>);

impl Canaries {
    /// Keeps a planted text, and returns it.
    pub(crate) fn plant<T: AsRef<[u8]>>(&mut self, kind: Kind, what: &str, planted: T) -> T {
        assert!(planted.as_ref().len() >= 10, "{what} is too short to be unique");
        let forms = forms(planted.as_ref());
        let forms = forms.into_iter().map(|(name, form)| (name, memmem::Finder::new(&form).into_owned())).collect();
        self.0.push(Canary { what: what.to_owned(), kind, forms });
        planted
    }

    /// Every canary that is in this location and must not be there.
    pub(crate) fn leaks(&self, location: Location, origin: &str, text: &[u8]) -> Vec<String> {
        let readings = readings(text);
        let unwelcome = self.0.iter().filter(|canary| !canary.kind.may_be_in(location));
        unwelcome
            .filter_map(|canary| {
                let is_found =
                    |(_, form): &&(_, memmem::Finder<'_>)| readings.iter().any(|text| form.find(text).is_some());
                let (form, _) = canary.forms.iter().find(is_found)?;
                Some(format!("{} ({form}) in {location:?} {origin}: {}", canary.what, excerpt(text)))
            })
            .collect()
    }
}

fn excerpt(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().take(2_000).collect()
}

/// A text as it is, and decoded from percent-encoding and from JSON, JSON within JSON too.
fn readings(text: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let once = without_escapes(text);
    let twice = without_escapes(&once);
    let mut readings = vec![Cow::Borrowed(text), Cow::Owned(without_percents(text))];
    readings.extend([once, twice].map(Cow::Owned));
    readings
}

/// Reads `%41` as `A`.
fn without_percents(text: &[u8]) -> Vec<u8> {
    replaced(text, b'%', |rest| Some((byte_of(rest.get(..2)?)?.to_be_bytes().to_vec(), 2)))
}

/// Reads `\"` as `"`, `\n` as a line feed and `\u0041` as `A`.
fn without_escapes(text: &[u8]) -> Vec<u8> {
    replaced(text, b'\\', |rest| match rest.first()? {
        b'u' => {
            let unit = u16::from_be_bytes([byte_of(rest.get(1..3)?)?, byte_of(rest.get(3..5)?)?]);
            let letter = char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER);
            Some((letter.to_string().into_bytes(), 5))
        }
        b'n' => Some((b"\n".to_vec(), 1)),
        b'r' => Some((b"\r".to_vec(), 1)),
        b't' => Some((b"\t".to_vec(), 1)),
        other @ (b'"' | b'\\' | b'/' | b'\'') => Some((vec![*other], 1)),
        _ => None,
    })
}

/// Replaces each `mark` whose rest `read` can decode into bytes; `read` also returns how much of the rest they take.
fn replaced(text: &[u8], mark: u8, read: impl Fn(&[u8]) -> Option<(Vec<u8>, usize)>) -> Vec<u8> {
    let (mut made, mut at) = (Vec::with_capacity(text.len()), 0);
    while at < text.len() {
        match (text[at] == mark).then(|| read(&text[at + 1..])).flatten() {
            Some((bytes, length)) => {
                made.extend(bytes);
                at += 1 + length;
            }
            None => {
                made.push(text[at]);
                at += 1;
            }
        }
    }
    made
}

fn byte_of(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The encodings of bytes.
fn forms(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let each = |write: fn(&u8) -> String, between: &str| {
        bytes.iter().map(write).collect::<Vec<_>>().join(between).into_bytes()
    };
    let mut forms = vec![
        ("as it is", bytes.to_vec()),
        ("in small letters", bytes.to_ascii_lowercase()),
        ("in capitals", bytes.to_ascii_uppercase()),
        ("reversed", bytes.iter().rev().copied().collect()),
        ("in hexadecimal digits", each(|byte| format!("{byte:02x}"), "")),
        ("in hexadecimal capitals", each(|byte| format!("{byte:02X}"), "")),
        ("in hexadecimal pairs", each(|byte| format!("{byte:02x}"), " ")),
        ("in escapes of bytes", each(|byte| format!("\\x{byte:02x}"), "")),
        ("as a list of numbers", each(|byte| format!("{byte}"), ", ")),
        ("as a dense list of numbers", each(|byte| format!("{byte}"), ",")),
        ("in UTF-16, low bytes first", bytes.iter().flat_map(|&byte| [byte, 0]).collect()),
        ("in UTF-16, high bytes first", bytes.iter().flat_map(|&byte| [0, byte]).collect()),
        ("as the beginning of its SHA-256", digest(bytes).as_str().as_bytes()[..16].to_vec()),
    ];
    for alphabet in [&alphabet::STANDARD, &alphabet::URL_SAFE] {
        let engine = GeneralPurpose::new(alphabet, NO_PAD);
        forms.extend((0..3).map(|offset| ("in base64", in_base64(&engine, bytes, offset))));
        forms.push(("as its SHA-256 in base64", engine.encode(digest(bytes).to_bytes()).into_bytes()));
    }
    forms
}

/// The base64 of the bytes within any other bytes, where so many bytes of a group precede them.
fn in_base64(engine: &GeneralPurpose, bytes: &[u8], offset: usize) -> Vec<u8> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(bytes);
    // Characters that also hold bits of neighboring bytes are not certain.
    let (first, end) = ((offset * 8).div_ceil(6), padded.len() * 8 / 6);
    engine.encode(padded).into_bytes()[first..end].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::json;

    const TEXT: &str = "Käfig+\"4f9a/b7e=0";
    const BYTES: [u8; 12] = [0xff, 0, 0xfb, b'"', 7, 0xe2, 0x28, 0xa1, 63, 62, 200, 9];

    fn canaries(kind: Kind, planted: &[u8]) -> Canaries {
        let mut canaries = Canaries::default();
        canaries.plant(kind, "a canary", planted);
        canaries
    }

    /// Encodings of the bytes by other code than that of the search, where there is some.
    fn written(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut written: Vec<String> = (0..6)
            .flat_map(|before| {
                let within = [&vec![b'x'; before], bytes, b"yz"].concat();
                [STANDARD.encode(&within), URL_SAFE_NO_PAD.encode(&within)]
            })
            .collect();
        let vector = bytes.to_vec();
        written.extend([format!("{vector:?}"), json!(vector).to_string(), format!("{:?}", &vector[..])]);
        written.push(bytes.iter().map(|byte| format!("%{byte:02X}")).collect());
        written.push(bytes.iter().map(|byte| format!("%{byte:02x}")).collect());
        written.push(bytes.iter().map(|byte| format!("{byte:02X}")).collect());
        written.push(digest(bytes).as_str().to_owned());
        let mut all: Vec<Vec<u8>> = written.into_iter().map(String::into_bytes).collect();
        all.push(bytes.to_vec());
        all.push(bytes.iter().rev().copied().collect());
        all
    }

    fn written_text(text: &str) -> Vec<Vec<u8>> {
        let in_json = json!({"message": text}).to_string();
        let in_json_in_json = json!({"body": in_json}).to_string();
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let some: String = text
            .bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") },
            )
            .collect();
        [in_json, in_json_in_json, escaped, some, format!("{text:?}"), text.to_ascii_uppercase()]
            .map(String::into_bytes)
            .into()
    }

    #[test]
    fn finds_a_canary_in_every_encoding() {
        for bytes in [TEXT.as_bytes(), &BYTES] {
            let canaries = canaries(Kind::Secret, bytes);
            for text in written(bytes) {
                let line = [b"{\"level\":\"INFO\",\"detail\":\"", &text[..], b"\"}"].concat();
                assert_eq!(canaries.leaks(Location::Log, "", &line).len(), 1, "{}", excerpt(&line));
            }
        }
        for text in written_text(TEXT) {
            assert_eq!(
                canaries(Kind::Secret, TEXT.as_bytes()).leaks(Location::Log, "", &text).len(),
                1,
                "{}",
                excerpt(&text)
            );
        }
        let wide: Vec<u8> = "4f9ab7e04f9a".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(canaries(Kind::Secret, b"4f9ab7e04f9a").leaks(Location::Log, "", &wide).len(), 1);
    }

    #[test]
    fn finds_no_canary_in_other_text() {
        let canaries = canaries(Kind::Secret, TEXT.as_bytes());
        for text in ["", "%", "%4", "\\u00", "Käfig", "a line \\\\ with 100 % of \\u12 broken escapes\\"] {
            assert_eq!(canaries.leaks(Location::Log, "", text.as_bytes()), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_canary_may_be_only_where_its_owner_can_read() {
        use Location::*;
        let all =
            [Log, OwnersResponse, Rejection, Report, CorrectableFile, Outcome, DeadLetter, Notification, PaymentEvent];
        for (kind, welcome) in [
            (Kind::Secret, None),
            (Kind::Token, Some(OwnersResponse)),
            (Kind::Content, Some(CorrectableFile)),
            (Kind::Event, Some(PaymentEvent)),
        ] {
            for location in all {
                let leaks = canaries(kind, TEXT.as_bytes()).leaks(location, "", TEXT.as_bytes());
                assert_eq!(leaks.is_empty(), welcome == Some(location), "{kind:?} in {location:?}");
            }
        }
    }
}

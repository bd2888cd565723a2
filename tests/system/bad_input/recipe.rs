//! How the data write bytes. A recipe is a text, a list of recipes one after the other, or one of `{"hex": …}`,
//! `{"base64": …}`, `{"repeat": recipe, "times": …}`, `{"utf16le": recipe}` and `{"utf16be": recipe}`. `${name}` in a
//! text is the value of that name in the kind of case. `‸` is no byte: it marks a position, which an error must have.

use crate::support::cloud::now_ms;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use serde_json::Value;

const MARK: char = '‸';

/// The bytes of a recipe.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Bytes {
    pub(super) bytes: Vec<u8>,
    /// The marked offsets.
    pub(super) marks: Vec<usize>,
}

/// The values of names.
pub(super) type Names<'n> = dyn Fn(&str) -> Option<Bytes> + 'n;

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self { bytes: text.into(), marks: Vec::new() }
    }
}

impl Bytes {
    pub(super) fn of(recipe: &Value, names: &Names<'_>) -> Self {
        let mut made = Self::default();
        match recipe {
            Value::String(text) => made.add_text(text, names),
            Value::Array(parts) => parts.iter().for_each(|part| made.add(&Self::of(part, names))),
            Value::Object(_) => made = Self::of_object(recipe, names),
            other => panic!("{other} is no recipe"),
        }
        made
    }

    fn of_object(recipe: &Value, names: &Names<'_>) -> Self {
        let text = |member: &str| recipe[member].as_str();
        let utf16 = |recipe: &Value, bytes_of: fn(u16) -> [u8; 2]| {
            let bytes = Self::of(recipe, names).text().encode_utf16().flat_map(bytes_of).collect();
            Self { bytes, marks: Vec::new() }
        };
        if let Some(hex) = text("hex") {
            let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
            Self { bytes, marks: Vec::new() }
        } else if let Some(base64) = text("base64") {
            Self { bytes: STANDARD.decode(base64).unwrap(), marks: Vec::new() }
        } else if let Some(times) = recipe["times"].as_u64() {
            let mut made = Self::default();
            let part = Self::of(&recipe["repeat"], names);
            (0..times).for_each(|_| made.add(&part));
            made
        } else if !recipe["utf16le"].is_null() {
            utf16(&recipe["utf16le"], u16::to_le_bytes)
        } else {
            utf16(&recipe["utf16be"], u16::to_be_bytes)
        }
    }

    /// Adds bytes with their marks.
    pub(super) fn add(&mut self, other: &Self) {
        self.marks.extend(other.marks.iter().map(|mark| self.bytes.len() + mark));
        self.bytes.extend_from_slice(&other.bytes);
    }

    fn add_text(&mut self, text: &str, names: &Names<'_>) {
        let mut rest = text;
        while let Some(at) = rest.find(MARK).into_iter().chain(rest.find("${")).min() {
            self.bytes.extend_from_slice(&rest.as_bytes()[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix(MARK) {
                self.marks.push(self.bytes.len());
                rest = after;
            } else {
                let (name, after) = rest["${".len()..].split_once('}').unwrap();
                self.add(&names(name).or_else(|| instant(name)).unwrap_or_else(|| panic!("nothing is named {name}")));
                rest = after;
            }
        }
        self.bytes.extend_from_slice(rest.as_bytes());
    }

    /// The bytes as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    /// The positions of the errors, in their order: the marked ones, or none where nothing is marked.
    pub(super) fn position(&self, error: usize) -> Option<u64> {
        self.marks.get(error).map(|&mark| mark as u64)
    }
}

/// `now+24h1m` as a timestamp in UTC.
fn instant(name: &str) -> Option<Bytes> {
    let (hours, minutes) = name.strip_prefix("now+")?.split_once('h')?;
    let minutes: u64 = minutes.strip_suffix('m').map_or(0, |minutes| minutes.parse().unwrap());
    let minutes = hours.parse::<u64>().ok()? * 60 + minutes;
    Some(Timestamp::from_unix_milliseconds(now_ms() + minutes * 60_000).to_string().as_str().into())
}

//! Reads JSON (RFC 8259) strictly, without a float.
//!
//! `serde_json` takes the last of two members with one name, turns numbers into floats unless a feature is switched on
//! for every crate of a build, and keeps no byte offset of a value. Signed payments need more: here, every value keeps
//! its exact text and its offset, and JSON that two readers could understand differently is rejected.

mod canonical;

use crate::limits::JSON_DEPTH_MAX;
use std::borrow::Cow;

pub use canonical::{write_members, write_string};

/// A value, with its offset and its exact text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Value<'a> {
    /// The offset of its first byte.
    pub start: usize,
    /// Its bytes, exactly as they were sent.
    pub text: &'a str,
    /// What it is.
    pub kind: Kind<'a>,
}

/// What a value is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number, kept as its text.
    Number,
    /// A string, decoded.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object with its members in the sender's order. No two have the same name.
    Object(Vec<Member<'a>>),
}

/// A member of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member<'a> {
    /// The offset of its name's opening quote.
    pub start: usize,
    /// Its name as it was sent, quotes included.
    pub name_text: &'a str,
    /// Its name, decoded.
    pub name: Cow<'a, str>,
    /// Its value.
    pub value: Value<'a>,
}

/// Why bytes are not accepted as JSON. Only the first error is known: what follows it is ambiguous.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JsonError {
    /// Which rule is broken.
    pub rule: JsonRule,
    /// The offset of the first byte concerned.
    pub byte: usize,
}

/// The rules of JSON, and the stricter ones of this reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonRule {
    /// There is only white space.
    Empty,
    /// A byte that is not UTF-8.
    InvalidUtf8,
    /// A byte-order mark (RFC 8259, section 8.1, forbids sending one).
    ByteOrderMark,
    /// Not the grammar of JSON; the text is the reason.
    Malformed(&'static str),
    /// Half of a surrogate pair, which is not a character.
    LoneSurrogate,
    /// Containers nested deeper than [`JSON_DEPTH_MAX`].
    TooDeep,
    /// Two members of one object with the same name, once their escapes are decoded.
    NameRepeated,
    /// Something follows the value.
    TrailingData,
}

impl Value<'_> {
    /// What it is, for use in a sentence.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool => "a boolean",
            Kind::Number => "a number",
            Kind::String(_) => "a string",
            Kind::Array(_) => "an array",
            Kind::Object(_) => "an object",
        }
    }
}

/// Reads `bytes` as one value.
///
/// # Errors
/// The first [`JsonError`].
pub fn parse(bytes: &[u8]) -> Result<Value<'_>, JsonError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonError { rule: JsonRule::InvalidUtf8, byte: error.valid_up_to() })?;
    if text.starts_with('\u{feff}') {
        return Err(JsonError { rule: JsonRule::ByteOrderMark, byte: 0 });
    }
    let mut reader = Reader { text, bytes, at: 0 };
    reader.skip_blanks();
    if reader.peek().is_none() {
        return Err(reader.error(JsonRule::Empty));
    }
    let value = reader.value(0)?;
    reader.skip_blanks();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.error(JsonRule::TrailingData)),
    }
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Consumes the next byte if it is `expected`.
    fn consumes(&mut self, expected: u8) -> bool {
        let found = self.peek() == Some(expected);
        self.at += usize::from(found);
        found
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn error(&self, rule: JsonRule) -> JsonError {
        JsonError { rule, byte: self.at }
    }

    /// The error that something else was expected here.
    fn expected<T>(&self, what: &'static str) -> Result<T, JsonError> {
        let reason = if self.peek().is_none() { "the text ends too early" } else { what };
        Err(self.error(JsonRule::Malformed(reason)))
    }

    /// Reads a value inside `depth` containers.
    fn value(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{' | b'[') if depth == JSON_DEPTH_MAX => return Err(self.error(JsonRule::TooDeep)),
            Some(b'{') => self.object(depth + 1)?,
            Some(b'[') => self.array(depth + 1)?,
            Some(b'"') => Kind::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Value { start, text: &self.text[start..self.at], kind })
    }

    fn object(&mut self, depth: usize) -> Result<Kind<'a>, JsonError> {
        self.at += 1;
        let mut members = Vec::new();
        self.skip_blanks();
        if self.consumes(b'}') {
            return Ok(Kind::Object(members));
        }
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                return self.expected("a member's name in double quotes is expected here");
            }
            let start = self.at;
            let name = self.string()?;
            let name_text = &self.text[start..self.at];
            self.skip_blanks();
            if !self.consumes(b':') {
                return self.expected("a colon is expected here");
            }
            self.skip_blanks();
            members.push(Member { start, name_text, name, value: self.value(depth)? });
            self.skip_blanks();
            if self.consumes(b'}') {
                break;
            }
            if !self.consumes(b',') {
                return self.expected("a comma or a closing brace is expected here");
            }
        }
        match repeated_name(&members) {
            Some(byte) => Err(JsonError { rule: JsonRule::NameRepeated, byte }),
            None => Ok(Kind::Object(members)),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Kind<'a>, JsonError> {
        self.at += 1;
        let mut values = Vec::new();
        self.skip_blanks();
        if self.consumes(b']') {
            return Ok(Kind::Array(values));
        }
        loop {
            self.skip_blanks();
            values.push(self.value(depth)?);
            self.skip_blanks();
            if self.consumes(b']') {
                return Ok(Kind::Array(values));
            }
            if !self.consumes(b',') {
                return self.expected("a comma or a closing bracket is expected here");
            }
        }
    }

    fn word(&mut self) -> Result<Kind<'a>, JsonError> {
        for (word, kind) in [("null", Kind::Null), ("true", Kind::Bool), ("false", Kind::Bool)] {
            if self.bytes[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(kind);
            }
        }
        match self.peek() {
            Some(b'N' | b'I') => self.expected("NaN and Infinity are not JSON"),
            Some(b'\'') => self.expected("strings and names are in double quotes"),
            Some(b'+') => self.expected("a leading plus is not allowed"),
            _ => self.expected("a value is expected here"),
        }
    }

    fn number(&mut self) -> Result<Kind<'a>, JsonError> {
        self.consumes(b'-');
        if self.consumes(b'0') {
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.expected("a number has no leading zeros");
            }
        } else {
            self.digits()?;
        }
        if self.consumes(b'.') {
            self.digits()?;
        }
        if self.consumes(b'e') || self.consumes(b'E') {
            if !self.consumes(b'+') {
                self.consumes(b'-');
            }
            self.digits()?;
        }
        Ok(Kind::Number)
    }

    /// Consumes one digit or more.
    fn digits(&mut self) -> Result<(), JsonError> {
        let count = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        match (count, self.peek()) {
            (0, Some(b'I')) => self.expected("NaN and Infinity are not JSON"),
            (0, _) => self.expected("a digit is expected here"),
            _ => Ok(()),
        }
    }

    /// Reads a string whose opening quote is next.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.at += 1;
        let mut decoded = Cow::Borrowed("");
        let mut plain = self.at;
        loop {
            let ends_plain = matches!(self.peek(), None | Some(b'"' | b'\\' | ..=0x1f));
            if !ends_plain {
                self.at += 1;
                continue;
            }
            // The text before the first escape is borrowed; `Cow` copies it only when more follows.
            decoded += &self.text[plain..self.at];
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => decoded.to_mut().push(self.escape()?),
                _ => return self.expected("a control character in a string is written as an escape"),
            }
            plain = self.at;
        }
        self.at += 1;
        Ok(decoded)
    }

    /// Reads an escape, whose backslash is next.
    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.at;
        self.at += 1;
        let character = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(start),
            _ => return self.expected("this is not an escape of JSON"),
        };
        self.at += 1;
        Ok(character)
    }

    /// Reads `uXXXX` and, after the first half of a surrogate pair, the second half.
    fn unicode_escape(&mut self, start: usize) -> Result<char, JsonError> {
        let lone = JsonError { rule: JsonRule::LoneSurrogate, byte: start };
        let first = self.code_unit()?;
        if !(0xd800..=0xdbff).contains(&first) {
            return char::from_u32(first).ok_or(lone);
        }
        if !self.bytes[self.at..].starts_with(b"\\u") {
            return Err(lone);
        }
        self.at += 1;
        let second = self.code_unit()?;
        if !(0xdc00..=0xdfff).contains(&second) {
            return Err(lone);
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(lone)
    }

    /// Consumes `uXXXX`.
    fn code_unit(&mut self) -> Result<u32, JsonError> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.expected("four hexadecimal digits are expected here");
            };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }
}

/// The offset of the first member that repeats the name of an earlier one.
fn repeated_name(members: &[Member<'_>]) -> Option<usize> {
    let mut named: Vec<_> = members.iter().map(|member| (&member.name, member.start)).collect();
    named.sort_unstable();
    named.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1).min()
}

#[cfg(test)]
mod tests;

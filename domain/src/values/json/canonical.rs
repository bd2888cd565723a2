//! The canonical text of a JSON value.

use super::{Kind, Member, Value};
use std::fmt::Write;

impl Value<'_> {
    /// Appends its canonical text: no white space, members sorted by name, only the escapes that are required, numbers
    /// as they were sent. Two texts of the same content have the same canonical text. `1.0` and `1` differ, since a
    /// reader may distinguish them.
    pub fn write_canonical(&self, out: &mut String) {
        match &self.kind {
            Kind::Null | Kind::Bool | Kind::Number => out.push_str(self.text),
            Kind::String(text) => write_string(text, out),
            Kind::Array(values) => {
                out.push('[');
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    value.write_canonical(out);
                }
                out.push(']');
            }
            Kind::Object(members) => write_members(members.iter(), out),
        }
    }
}

/// Appends the canonical text of an object of these members.
pub fn write_members<'m, 'a: 'm>(members: impl Iterator<Item = &'m Member<'a>>, out: &mut String) {
    let mut sorted: Vec<_> = members.collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    out.push('{');
    for (at, member) in sorted.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_string(&member.name, out);
        out.push(':');
        member.value.write_canonical(out);
    }
    out.push('}');
}

/// Appends a string in quotes, with only the escapes that are required.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0'..='\u{1f}' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

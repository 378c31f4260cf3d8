//! The reference reader of one text of statistics: serde_json, for all that [`super::scan`] gives up on.

use super::wanted::{Ambiguous, Found, Section, Token, Wanted};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Reads the whole text. The values found are ranges of `values`, unescaped. `None` where the text is no statistics, or
/// a key that matters stands in it twice.
pub(super) fn read(text: &str, wanted: &Wanted, found: &mut Found, values: &mut String) -> Option<()> {
    values.clear();
    let mut reader = Reader { wanted, found, values };
    for (key, value) in members(text)? {
        match key.as_ref() {
            "minValues" => reader.node(Section::Min, Wanted::ROOT, value).ok()?,
            "maxValues" => reader.node(Section::Max, Wanted::ROOT, value).ok()?,
            "nullCount" => reader.node(Section::NullCount, Wanted::ROOT, value).ok()?,
            "numRecords" => once(&mut reader.found.num_records, token(reader.values, value)).ok()?,
            "tightBounds" => once(&mut reader.found.tight_bounds, token(reader.values, value)).ok()?,
            _ => {}
        }
    }
    Some(())
}

fn once(place: &mut Option<Token>, token: Option<Token>) -> Result<(), Ambiguous> {
    let token = token.ok_or(Ambiguous)?;
    if place.replace(token).is_some() { Err(Ambiguous) } else { Ok(()) }
}

struct Reader<'a> {
    wanted: &'a Wanted,
    found: &'a mut Found,
    values: &'a mut String,
}

impl Reader<'_> {
    fn node(&mut self, section: Section, node: usize, value: &RawValue) -> Result<(), Ambiguous> {
        self.found.visit(section, node)?;
        if let Some(column) = self.wanted.column(node) {
            if let Some(token) = token(self.values, value) {
                self.found.put(section, column, token);
            }
            return Ok(());
        }
        let wanted = self.wanted;
        let members = members(value.get()).unwrap_or_default().into_iter();
        members
            .filter_map(|(name, value)| Some((wanted.child(node, name.as_bytes(), 0..name.len())?, value)))
            .try_for_each(|(child, value)| self.node(section, child, value))
    }
}

/// A value without parts, appended to `values`.
fn token(values: &mut String, value: &RawValue) -> Option<Token> {
    let start = values.len();
    match value.get().as_bytes().first()? {
        b'{' | b'[' => return None,
        b'"' => values.push_str(&serde_json::from_str::<Text<'_>>(value.get()).ok()?.0),
        _ => values.push_str(value.get()),
    }
    Some(Token { range: start..values.len(), quoted: value.get().starts_with('"') })
}

fn members(object: &str) -> Option<Vec<(Cow<'_, str>, &RawValue)>> {
    serde_json::from_str::<Members<'_>>(object).ok().map(|members| members.0)
}

/// An object's members as they stand, repeated ones and all.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A string, borrowed where nothing in it is escaped.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

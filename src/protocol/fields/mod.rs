//! The fields of a message: one flat list over shared bytes, for the heads of requests and answers alike.
//!
//! Order, repetition and the spelling of names are kept as they came. A list that was parsed holds ranges into the
//! block that it was parsed from; what is added later stands behind, in bytes of its own. Which well-known names are
//! there, and which of them more than once, is known without a look at the list.

mod convert;
mod line;
mod name;
pub(super) mod scan;
mod value;
mod weight;

use bytes::Bytes;

pub(super) use line::FieldLine;
pub use name::{FieldName, FieldNames};
pub use value::{FieldValue, has_control, is_token, is_token_byte, members, trim};
pub use weight::weight;

/// The fields of one message, in order.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// What parsed entries point into.
    block: Bytes,
    /// What added entries point into.
    added: Vec<u8>,
    entries: Vec<Entry>,
    present: FieldNames,
    repeated: FieldNames,
    /// A name that is not well-known is there more than once.
    others_repeated: bool,
}

/// One field, borrowed from its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name, where it is a well-known one.
    pub name: FieldName,
    /// The name as the message spells it.
    pub spelling: &'a [u8],
    /// The value, without blanks around it.
    pub value: &'a [u8],
    /// An earlier field of the list has the same name.
    pub again: bool,
}

/// Where a field's bytes are.
#[derive(Clone, Copy, Debug)]
struct Entry {
    name: FieldName,
    again: bool,
    place: Place,
    /// A mark of the spelling, equal for equal names.
    digest: u8,
    spelling: (u32, u32),
    value: (u32, u32),
}

/// What a field's bytes are a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A line of the block, which is written as [`put_line`] would.
    Line,
    /// A line of the block that is written in another way.
    OddLine,
    /// A line of `added`.
    Added,
}

impl Fields {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty list with room for so many fields.
    pub fn with_capacity(fields: usize) -> Self {
        Self {
            entries: Vec::with_capacity(fields),
            ..Self::default()
        }
    }

    /// Makes room for so many fields in an empty list.
    #[inline]
    pub(in crate::protocol) fn make_room(&mut self, fields: usize) {
        if self.entries.capacity() == 0 {
            self.entries = Vec::with_capacity(fields);
        }
    }

    /// Notes a field line of a block that [`attach`](Self::attach) brings.
    #[inline]
    pub(in crate::protocol) fn note(&mut self, line: &FieldLine, block: &[u8]) {
        let spelling = &block[line.spelling.clone()];
        let digest = digest(line.name, spelling);
        let again = match line.name {
            FieldName::Other => self.entries.iter().any(|entry| {
                entry.digest == digest
                    && entry.name == FieldName::Other
                    && block[range(entry.spelling)].eq_ignore_ascii_case(spelling)
            }),
            known => self.present.contains(known),
        };
        self.push(Entry {
            name: line.name,
            again,
            place: match line.is_plain(block) {
                true => Place::Line,
                false => Place::OddLine,
            },
            digest,
            spelling: span(&line.spelling),
            value: span(&line.value),
        });
    }

    /// The first value of a well-known name that was noted, while the block is not attached.
    pub(in crate::protocol) fn noted<'b>(&self, name: FieldName, block: &'b [u8]) -> Option<&'b [u8]> {
        if !self.present.contains(name) {
            return None;
        }
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        Some(&block[range(entry.value)])
    }

    /// Brings the block that the noted fields point into.
    pub(in crate::protocol) fn attach(&mut self, block: Bytes) {
        self.block = block;
    }

    /// Makes clones cheap, which share the bytes from now on: for a list that is made once and sent often. A list that
    /// was parsed is as it is.
    pub fn share(&mut self) {
        if self.block.is_empty() {
            self.block = Bytes::from(std::mem::take(&mut self.added));
            self.entries
                .iter_mut()
                .for_each(|entry| entry.place = Place::Line);
        }
    }

    /// The block that was attached.
    pub(in crate::protocol) fn block(&self) -> &Bytes {
        &self.block
    }

    /// Appends the fields as lines of HTTP/1, in order and without those of the names that are left out.
    ///
    /// Lines that the message had beside each other are copied together.
    pub fn put_lines(&self, left_out: FieldNames, out: &mut Vec<u8>) {
        let (mut place, mut run) = (Place::Line, 0..0);
        let kept = |entry: &&Entry| !left_out.contains(entry.name);
        for entry in self.entries.iter().filter(kept) {
            let line = entry.spelling.0 as usize..range(entry.value).end + LINE_END.len();
            if entry.place == place && line.start == run.end {
                run.end = line.end;
                continue;
            }
            out.extend_from_slice(&self.bytes(place)[run]);
            (place, run) = (entry.place, line);
            if place == Place::OddLine {
                let field = entry.field(&self.block, &self.added);
                put_line(field.spelling, field.value, out);
                (place, run) = (Place::Line, 0..0);
            }
        }
        out.extend_from_slice(&self.bytes(place)[run]);
    }

    /// Adds a well-known field behind all others.
    pub fn append<'v>(&mut self, name: FieldName, value: impl Into<FieldValue<'v>>) {
        debug_assert!(name != FieldName::Other, "a name without a spelling");
        self.add(name, name.as_str().as_bytes(), value.into().as_bytes());
    }

    /// Adds a field of any name behind all others; `false`, and nothing added, when `spelling` is no token.
    pub fn append_named<'v>(&mut self, spelling: &[u8], value: impl Into<FieldValue<'v>>) -> bool {
        let name = FieldName::of(spelling);
        if name == FieldName::Other && !is_token(spelling) {
            return false;
        }
        self.add(name, spelling, value.into().as_bytes());
        true
    }

    /// Adds a number in decimal digits.
    pub fn append_number(&mut self, name: FieldName, number: u64) {
        let mut digits = [0; DIGITS];
        self.add(name, name.as_str().as_bytes(), decimal(number, &mut digits));
    }

    /// Makes this the only field of its name, behind all others.
    pub fn set<'v>(&mut self, name: FieldName, value: impl Into<FieldValue<'v>>) {
        self.remove(name);
        self.append(name, value);
    }

    /// Makes this the only field of its name, as a number in decimal digits.
    pub fn set_number(&mut self, name: FieldName, number: u64) {
        self.remove(name);
        self.append_number(name, number);
    }

    /// Makes this the only field of its name; `false`, and nothing changed, when a byte is not permitted in a value.
    pub fn try_set(&mut self, name: FieldName, value: &[u8]) -> bool {
        match FieldValue::new(value) {
            Some(value) => {
                self.set(name, value);
                true
            }
            None => false,
        }
    }

    /// Makes this the only field of any name; `false`, and nothing changed, when `spelling` is no token.
    pub fn set_named<'v>(&mut self, spelling: &[u8], value: impl Into<FieldValue<'v>>) -> bool {
        if !is_token(spelling) {
            return false;
        }
        self.remove_named(spelling);
        self.append_named(spelling, value)
    }

    /// Adds the fields of another list behind all others.
    pub fn append_all(&mut self, others: &Self) {
        for field in others.iter() {
            self.add(field.name, field.spelling, field.value);
        }
    }

    /// Makes the fields of another list the only ones of their names, behind all others.
    pub fn set_all(&mut self, others: &Self) {
        for field in others.iter() {
            self.remove_named(field.spelling);
        }
        self.append_all(others);
    }

    /// Removes every field of a well-known name; whether there was one.
    pub fn remove(&mut self, name: FieldName) -> bool {
        self.remove_all(FieldNames::NONE.with(name))
    }

    /// Removes every field of these names; whether there was one.
    pub fn remove_all(&mut self, names: FieldNames) -> bool {
        if self.present.and(names).is_empty() {
            return false;
        }
        self.entries.retain(|entry| !names.contains(entry.name));
        self.forget(names);
        true
    }

    /// Removes every field of any name; whether there was one.
    pub fn remove_named(&mut self, spelling: &[u8]) -> bool {
        match FieldName::of(spelling) {
            FieldName::Other => {
                let before = self.len();
                self.retain(|field| {
                    field.name != FieldName::Other || !field.spelling.eq_ignore_ascii_case(spelling)
                });
                self.len() < before
            }
            known => self.remove(known),
        }
    }

    /// Keeps the fields that `keep` wants. All fields of a name must have the same fate, or none of them may be
    /// looked for by [`Field::again`] afterwards.
    pub fn retain(&mut self, mut keep: impl FnMut(Field<'_>) -> bool) {
        let (block, added) = (&self.block, &self.added);
        let mut left = FieldNames::NONE;
        self.entries.retain(|entry| {
            let kept = keep(entry.field(block, added));
            if kept {
                left = left.with(entry.name);
            }
            kept
        });
        self.present = left;
        self.repeated = self.repeated.and(left);
    }

    /// The first value of a well-known name.
    #[inline]
    pub fn get(&self, name: FieldName) -> Option<&[u8]> {
        if !self.present.contains(name) {
            return None;
        }
        self.all(name).next()
    }

    /// The first value of a well-known name, to keep: without a copy where it was parsed from a block.
    pub fn to_bytes(&self, name: FieldName) -> Option<Bytes> {
        if !self.present.contains(name) {
            return None;
        }
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        Some(match entry.place {
            Place::Added => Bytes::copy_from_slice(&self.added[range(entry.value)]),
            Place::Line | Place::OddLine => self.block.slice(range(entry.value)),
        })
    }

    /// All values of a well-known name, in order.
    pub fn all(&self, name: FieldName) -> impl Iterator<Item = &[u8]> + Clone {
        self.entries
            .iter()
            .filter(move |entry| entry.name == name)
            .map(|entry| &self.bytes(entry.place)[range(entry.value)])
    }

    /// The first value of any name.
    pub fn get_named(&self, spelling: &[u8]) -> Option<&[u8]> {
        let same = |field: &Field<'_>| field.spelling.eq_ignore_ascii_case(spelling);
        self.iter().find(same).map(|field| field.value)
    }

    /// All values of any name, in order.
    pub fn all_named<'a>(&'a self, spelling: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + Clone {
        let name = FieldName::of(spelling);
        let digest = digest(name, spelling);
        self.entries
            .iter()
            .filter(move |entry| entry.name == name && entry.digest == digest)
            .map(|entry| entry.field(&self.block, &self.added))
            .filter(move |field| field.spelling.eq_ignore_ascii_case(spelling))
            .map(|field| field.value)
    }

    /// Whether a field of a well-known name is there.
    #[inline]
    pub fn contains(&self, name: FieldName) -> bool {
        self.present.contains(name)
    }

    /// Whether a field of any name is there.
    pub fn contains_named(&self, spelling: &[u8]) -> bool {
        self.all_named(spelling).next().is_some()
    }

    /// All values of a field's name, in order.
    pub fn all_of<'a>(&'a self, field: &'a Field<'a>) -> impl Iterator<Item = &'a [u8]> + Clone {
        let same = |other: &Field<'_>| match field.name {
            FieldName::Other => other.spelling.eq_ignore_ascii_case(field.spelling),
            _ => true,
        };
        self.iter()
            .filter(move |other| other.name == field.name && same(other))
            .map(|other| other.value)
    }

    /// The well-known names that are there.
    #[inline]
    pub fn present(&self) -> FieldNames {
        self.present
    }

    /// The well-known names that are there more than once.
    #[inline]
    pub fn repeated(&self) -> FieldNames {
        self.repeated
    }

    /// Whether a field has a later one of its name.
    #[inline]
    pub fn is_repeated(&self, field: &Field<'_>) -> bool {
        match field.name {
            FieldName::Other => self.others_repeated && self.is_other_repeated(field.spelling),
            known => self.repeated.contains(known),
        }
    }

    #[cold]
    fn is_other_repeated(&self, spelling: &[u8]) -> bool {
        self.all_named(spelling).nth(1).is_some()
    }

    /// Whether `Connection` lists an option (RFC 9110, section 7.6.1).
    pub fn connection_has(&self, option: &str) -> bool {
        self.contains(FieldName::Connection)
            && self
                .all(FieldName::Connection)
                .flat_map(members)
                .any(|member| member.eq_ignore_ascii_case(option.as_bytes()))
    }

    /// The fields in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> + Clone {
        self.entries
            .iter()
            .map(|entry| entry.field(&self.block, &self.added))
    }

    /// The fields whose names are not well-known, in order.
    #[inline]
    pub fn others(&self) -> impl Iterator<Item = Field<'_>> + Clone {
        self.entries
            .iter()
            .filter(|entry| entry.name == FieldName::Other)
            .map(|entry| entry.field(&self.block, &self.added))
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of the fields on the wire in HTTP/1: name, colon, space, value, line end.
    pub fn wire_len(&self) -> usize {
        let bytes = |entry: &Entry| (entry.spelling.1 + entry.value.1) as usize + 4;
        self.entries.iter().map(bytes).sum()
    }

    fn add(&mut self, name: FieldName, spelling: &[u8], value: &[u8]) {
        let digest = digest(name, spelling);
        let again = match name {
            FieldName::Other => self.contains_named(spelling),
            known => self.present.contains(known),
        };
        let start = self.added.len();
        self.make_room(USUALLY_ADDED);
        if start == 0 {
            self.added = Vec::with_capacity(spelling.len() + value.len() + ROOM);
        }
        put_line(spelling, value, &mut self.added);
        let end = self.added.len() - LINE_END.len();
        self.push(Entry {
            name,
            again,
            place: Place::Added,
            digest,
            spelling: span(&(start..start + spelling.len())),
            value: span(&(end - value.len()..end)),
        });
    }

    #[inline]
    fn push(&mut self, entry: Entry) {
        if entry.again {
            self.repeated = self.repeated.with(entry.name);
            self.others_repeated |= entry.name == FieldName::Other;
        }
        self.present = self.present.with(entry.name);
        self.entries.push(entry);
    }

    fn forget(&mut self, names: FieldNames) {
        let keep = |set: FieldNames| FieldNames::and(set, names.complement());
        self.present = keep(self.present);
        self.repeated = keep(self.repeated);
    }

    /// What entries point into.
    #[inline]
    fn bytes(&self, place: Place) -> &[u8] {
        match place {
            Place::Added => &self.added,
            Place::Line | Place::OddLine => &self.block,
        }
    }
}

impl Entry {
    #[inline]
    fn field<'a>(&self, block: &'a [u8], added: &'a [u8]) -> Field<'a> {
        let bytes = match self.place {
            Place::Added => added,
            Place::Line | Place::OddLine => block,
        };
        Field {
            name: self.name,
            spelling: &bytes[range(self.spelling)],
            value: &bytes[range(self.value)],
            again: self.again,
        }
    }
}

/// Equal when the fields are equal, in order; names in any case.
impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        let same = |one: Field<'_>, other: Field<'_>| {
            one.value == other.value && one.spelling.eq_ignore_ascii_case(other.spelling)
        };
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(one, other)| same(one, other))
    }
}

impl Eq for Fields {}

/// Appends one line of HTTP/1 (RFC 9112, section 5).
#[inline]
pub fn put_line(spelling: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(spelling);
    out.extend_from_slice(COLON);
    out.extend_from_slice(value);
    out.extend_from_slice(LINE_END);
}

/// Between name and value.
const COLON: &[u8] = b": ";

/// Bytes for which room is made behind the first added line: most lists get more of them.
const ROOM: usize = 96;

/// Fields for which room is made in a list that was not parsed. Not eight: their bytes would fill a size class of the
/// allocator exactly, and mimalloc hands those out three times as slowly.
const USUALLY_ADDED: usize = 7;

const LINE_END: &[u8] = b"\r\n";

/// Writes a number; gives the digits that it needed.
pub fn decimal(mut number: u64, digits: &mut [u8; DIGITS]) -> &[u8] {
    let mut start = DIGITS;
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

/// Digits of the largest 64-bit number.
pub const DIGITS: usize = 20;

/// A mark that equal names share, whatever their case; well-known names need none.
#[inline]
fn digest(name: FieldName, spelling: &[u8]) -> u8 {
    match spelling {
        [first, ..] if name == FieldName::Other => {
            let last = spelling[spelling.len() - 1];
            (spelling.len() as u8).wrapping_mul(31) ^ (first | 0x20).wrapping_mul(7) ^ (last | 0x20)
        }
        _ => 0,
    }
}

/// Heads are bounded by settings far below 4 GiB.
#[inline]
fn span(range: &std::ops::Range<usize>) -> (u32, u32) {
    debug_assert!(u32::try_from(range.end).is_ok());
    (range.start as u32, (range.end - range.start) as u32)
}

#[inline]
fn range((start, length): (u32, u32)) -> std::ops::Range<usize> {
    start as usize..(start + length) as usize
}

#[cfg(test)]
mod tests;

//! Requests in uwsgi and SCGI: variables in one piece, then the body.

use super::Fault;
use super::refusal::Refusal;
use super::request::Field;
use crate::reference::Seeded;

/// uwsgi: modifiers and size in four bytes, then names and values, each behind its length.
pub(super) fn uwsgi(
    variables: &[Field],
    body: &[u8],
    limit: usize,
    fault: Seeded<Fault>,
) -> Result<Vec<u8>, Refusal> {
    let mut block = Vec::new();
    for text in variables.iter().flat_map(|(name, value)| [name, value]) {
        let length = u16::try_from(text.len());
        let length = length.map_err(|_| Refusal::Request(431, "a variable that is too long"))?;
        block.extend(length.to_le_bytes());
        block.extend(text);
    }
    if block.len() > limit && !fault.is(Fault::SizeWraps) {
        return Err(Refusal::Request(431, "variables that are too long"));
    }
    let size = block.len() as u16;
    let [low, high] = match fault.is(Fault::SizeBigEndian) {
        true => size.to_be_bytes(),
        false => size.to_le_bytes(),
    };
    let modifier1 = if fault.is(Fault::OtherModifier) { 5 } else { 0 };
    Ok([&[modifier1, low, high, 0], &block[..], body].concat())
}

/// SCGI: a netstring of names and values, a NUL behind each, that begins with the length of the body.
pub(super) fn scgi(variables: &[Field], body: &[u8], fault: Seeded<Fault>) -> Vec<u8> {
    let length = (b"CONTENT_LENGTH".to_vec(), body.len().to_string().into_bytes());
    let marker = (b"SCGI".to_vec(), b"1".to_vec());
    let others = variables.iter().filter(|(name, _)| name != b"CONTENT_LENGTH");
    let mut all: Vec<&Field> = [&length, &marker].into_iter().chain(others).collect();
    if fault.is(Fault::LengthNotFirst) {
        all.swap(0, 1);
    }
    if fault.is(Fault::NoMarker) {
        all.retain(|(name, _)| name != b"SCGI");
    }
    let strings = all
        .iter()
        .flat_map(|(name, value)| [&name[..], b"\0", value, b"\0"].concat());
    let headers: Vec<u8> = strings.collect();
    let count = if fault.is(Fault::CommaCounted) {
        headers.len() + 1
    } else {
        headers.len()
    };
    [format!("{count}:").as_bytes(), &headers, b",", body].concat()
}

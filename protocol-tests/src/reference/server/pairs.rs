//! FastCGI name-value pairs (FastCGI 1.0, section 3.4).

use super::{Fault, Variables, insert};
use crate::reference::Seeded;

/// The variables in these bytes. `None`: a length goes beyond their end.
pub(super) fn decode(mut bytes: &[u8], fault: Seeded<Fault>) -> Option<Variables> {
    let mut variables = Variables::new();
    while !bytes.is_empty() {
        let Some((name, mut value, rest)) = pair(bytes, fault) else {
            return fault.is(Fault::ShortPairsServed).then_some(variables);
        };
        if name == b"PATH_INFO" && fault.is(Fault::PathLost) {
            value.clear();
        }
        if name.is_empty() && fault.is(Fault::EmptyNameEnds) {
            return Some(variables);
        }
        if fault.is(Fault::CutsAtNul) {
            value.truncate(value.iter().position(|byte| *byte == 0).unwrap_or(value.len()));
        }
        insert(&mut variables, &name, &value, fault);
        bytes = rest;
    }
    Some(variables)
}

fn pair(bytes: &[u8], fault: Seeded<Fault>) -> Option<(Vec<u8>, Vec<u8>, &[u8])> {
    let (name_length, rest) = length(bytes, fault)?;
    let (value_length, rest) = length(rest, fault)?;
    let (name, rest) = rest.split_at_checked(name_length)?;
    let (value, rest) = rest.split_at_checked(value_length)?;
    Some((name.to_vec(), value.to_vec(), rest))
}

/// One byte up to 127, or four with the highest bit set.
fn length(bytes: &[u8], fault: Seeded<Fault>) -> Option<(usize, &[u8])> {
    match *bytes.first()? {
        short if short < 128 || fault.is(Fault::NoWideLengths) => Some((short.into(), &bytes[1..])),
        _ => {
            let (four, rest) = bytes.split_first_chunk::<4>()?;
            let mut length = u32::from_be_bytes(*four) & 0x7fff_ffff;
            if fault.is(Fault::NarrowLengths) {
                length &= 0xffff;
            }
            Some((length as usize, rest))
        }
    }
}

/// Pairs whose names and values are shorter than 128 bytes.
pub(super) fn encode(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let lengths = |name: &[u8], value: &[u8]| [name.len() as u8 & 0x7f, value.len() as u8 & 0x7f];
    let pairs = pairs
        .iter()
        .map(|(name, value)| [&lengths(name, value)[..], name, value].concat());
    pairs.collect::<Vec<_>>().concat()
}

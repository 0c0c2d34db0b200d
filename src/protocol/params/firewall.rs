//! What a client's header fields may become: the check before any variable is made.
//!
//! CGI folds `-` to `_` and upper case, so that `X_Real-Ip` would shadow `X-Real-IP` (reference, section
//! 3.2, rule 5). Only letters, digits and hyphens pass; `Proxy` never does (httpoxy, CVE-2016-5385).

use crate::protocol::fields::{Field, FieldName, Fields};

/// Two fields of one request that would become the same variable: an attempt to shadow one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two header fields become one variable")]
pub struct Conflict;

/// Removes the fields that must not become variables; gives their number.
///
/// Costs one look at each name that is not well-known, and more only where there is something to remove.
pub fn screen(fields: &mut Fields) -> Result<usize, Conflict> {
    if !fields.contains(FieldName::Proxy) && fields.others().all(|field| passes(&field)) {
        return Ok(0);
    }
    if conflict(fields).is_some() {
        return Err(Conflict);
    }
    let before = fields.len();
    fields.retain(|field| passes(&field));
    Ok(before - fields.len())
}

/// The names of the two fields that [`screen`] refuses a request for.
pub fn conflict(fields: &Fields) -> Option<(&[u8], &[u8])> {
    let mut odd = fields.iter().filter(|field| !passes(field));
    odd.find_map(|field| Some((field.spelling, twin(field.spelling, fields)?)))
}

/// Another field that would become the same variable as `name`.
fn twin<'a>(name: &[u8], fields: &'a Fields) -> Option<&'a [u8]> {
    let mut names = fields.iter().map(|field| field.spelling);
    names.find(|other| !other.eq_ignore_ascii_case(name) && folds_alike(name, other))
}

/// Whether the name survives the way to a variable and back, and does no harm there. Every well-known name but one
/// does.
#[inline]
fn passes(field: &Field<'_>) -> bool {
    match field.name {
        FieldName::Other => field
            .spelling
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-'),
        known => known != FieldName::Proxy,
    }
}

fn folds_alike(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().map(fold).eq(other.iter().map(fold))
}

/// The widest folding that any server is known to do: everything but letters and digits is one character.
fn fold(byte: &u8) -> u8 {
    if byte.is_ascii_alphanumeric() {
        byte.to_ascii_lowercase()
    } else {
        b'_'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(names: &[&str]) -> Fields {
        names.iter().map(|name| (*name, "1")).collect()
    }

    #[test]
    fn ordinary_fields_pass() {
        let mut fields = fields(&["host", "X-Forwarded-For", "sec-ch-ua", "X-2-b"]);
        assert_eq!(screen(&mut fields), Ok(0));
        assert_eq!(fields.len(), 4);
    }

    #[test]
    fn odd_names_and_proxy_are_dropped_and_counted() {
        let mut fields = fields(&["x_under", "x.dot", "Proxy", "Host"]);
        assert_eq!(screen(&mut fields), Ok(3));
        let left: Vec<_> = fields.iter().map(|field| field.spelling).collect();
        assert_eq!(left, [b"Host"]);
    }

    #[test]
    fn a_field_that_shadows_another_is_an_attack() {
        for names in [
            ["X-Real-IP", "x_real_ip"],
            ["content-length", "Content_Length"],
            ["x_a", "x.a"],
        ] {
            assert_eq!(screen(&mut fields(&names)), Err(Conflict), "{names:?}");
            assert!(conflict(&fields(&names)).is_some());
        }
    }

    #[test]
    fn the_same_odd_name_twice_is_no_attack() {
        assert_eq!(screen(&mut fields(&["x_a", "X_A"])), Ok(2));
    }
}

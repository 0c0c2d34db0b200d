//! What a client's header fields may become: the check before any variable is made.
//!
//! CGI folds `-` to `_` and upper case, so that `X_Real-Ip` would shadow `X-Real-IP` (reference, section
//! 3.2, rule 5). Only letters, digits and hyphens pass; `Proxy` never does (httpoxy, CVE-2016-5385).

use crate::protocol::fields::{Field, FieldName, Fields};

/// What becomes of a client's field whose name has an underscore, which a variable cannot tell from a hyphen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Underscores {
    /// It is dropped.
    #[default]
    Drop,
    /// Its request is refused.
    Refuse,
    /// It becomes a variable, unless with hyphens it would be one of the well-known fields.
    Pass,
}

/// Two fields of one request that would become the same variable: an attempt to shadow one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two header fields become one variable")]
pub struct Conflict;

/// Removes the fields that must not become variables; gives their number.
///
/// Costs one look at each name that is not well-known, and more only where there is something to remove.
pub fn screen(fields: &mut Fields, underscores: Underscores) -> Result<usize, Conflict> {
    if !fields.contains(FieldName::Proxy) && fields.others().all(|field| passes(&field)) {
        return Ok(0);
    }
    if conflict(fields).is_some() {
        return Err(Conflict);
    }
    let before = fields.len();
    let kept = |field: &Field<'_>| passes(field) || underscores == Underscores::Pass && stands_alone(field);
    fields.retain(|field| kept(&field));
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

/// Whether a name would pass if its underscores were hyphens, and is then no field that something else is told by.
fn stands_alone(field: &Field<'_>) -> bool {
    let hyphens = |byte: &u8| if *byte == b'_' { b'-' } else { *byte };
    let name: Vec<u8> = field.spelling.iter().map(hyphens).collect();
    let told_by_the_gateway = |prefix: &[u8]| {
        let start = name.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    FieldName::of(&name) == FieldName::Other
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && !told_by_the_gateway(b"x-forwarded-")
        && !told_by_the_gateway(b"x-ssl-client-")
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
        assert_eq!(screen(&mut fields, Underscores::Drop), Ok(0));
        assert_eq!(fields.len(), 4);
    }

    #[test]
    fn odd_names_and_proxy_are_dropped_and_counted() {
        let mut fields = fields(&["x_under", "x.dot", "Proxy", "Host"]);
        assert_eq!(screen(&mut fields, Underscores::Drop), Ok(3));
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
            for underscores in [Underscores::Drop, Underscores::Pass] {
                let refused = screen(&mut fields(&names), underscores);
                assert_eq!(refused, Err(Conflict), "{names:?}");
            }
            assert!(conflict(&fields(&names)).is_some());
        }
    }

    #[test]
    fn the_same_odd_name_twice_is_no_attack() {
        assert_eq!(screen(&mut fields(&["x_a", "X_A"]), Underscores::Drop), Ok(2));
    }

    #[test]
    fn names_with_underscores_pass_where_that_is_said_unless_they_stand_for_others() {
        let mut fields = fields(&[
            "x_api_key",
            "x_real_ip",
            "X_Forwarded_Proto",
            "x_ssl_client_cert",
            "content_length",
            "x_.",
        ]);
        assert_eq!(screen(&mut fields, Underscores::Pass), Ok(5));
        assert_eq!(
            fields.iter().next().map(|field| field.spelling),
            Some(&b"x_api_key"[..])
        );
    }
}

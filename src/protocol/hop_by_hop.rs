//! Fields that concern one connection only (RFC 9110, section 7.6.1): removed before anything is passed on.

use super::fields::{FieldName, FieldNames, Fields, members};

/// Always about one connection, whether `Connection` names them or not.
const HOP_BY_HOP: FieldNames = FieldNames::of(&[
    FieldName::Connection,
    FieldName::Http2Settings,
    FieldName::KeepAlive,
    FieldName::ProxyAuthenticate,
    FieldName::ProxyConnection,
    FieldName::Te,
    FieldName::Trailer,
    FieldName::TransferEncoding,
    FieldName::Upgrade,
]);

/// Never removed because `Connection` names them: a client must not be able to hide what we or the
/// application rely on (reference, section 4, "Connection-named fields").
const ESSENTIAL: FieldNames = FieldNames::of(&[
    FieldName::Authorization,
    FieldName::ContentLength,
    FieldName::ContentType,
    FieldName::Cookie,
    FieldName::Forwarded,
    FieldName::FrontEndHttps,
    FieldName::Host,
    FieldName::SetCookie,
    FieldName::XForwardedFor,
    FieldName::XForwardedHost,
    FieldName::XForwardedProto,
    FieldName::XRealIp,
]);

/// Removes every hop-by-hop field, and those that `Connection` names, but not one of the name `kept`.
///
/// Costs nothing where there is nothing to remove.
pub fn strip(fields: &mut Fields, kept: Option<&[u8]>) {
    if !fields.contains(FieldName::Connection) {
        fields.remove_all(HOP_BY_HOP);
        return;
    }
    let (known, others) = named(fields);
    fields.remove_all(known.and(ESSENTIAL.complement()).or(HOP_BY_HOP));
    let is_kept = |name: &[u8]| kept.is_some_and(|kept| kept.eq_ignore_ascii_case(name));
    for name in others
        .iter()
        .filter(|name| !is_forwarding(name) && !is_kept(name))
    {
        fields.remove_named(name);
    }
}

/// The fields that `Connection` names: well-known names, and the others that are there.
pub(super) fn named(fields: &Fields) -> (FieldNames, Vec<Vec<u8>>) {
    let (mut known, mut others) = (FieldNames::NONE, Vec::new());
    for option in fields.all(FieldName::Connection).flat_map(members) {
        match FieldName::of(option) {
            FieldName::Other if fields.contains_named(option) => others.push(option.to_vec()),
            name => known = known.with(name),
        }
    }
    (known, others)
}

/// `X-Forwarded-Port` and its like.
fn is_forwarding(name: &[u8]) -> bool {
    let prefix = b"x-forwarded-";
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(fields: &[(&str, &str)]) -> Vec<String> {
        let mut fields: Fields = fields.iter().copied().collect();
        strip(&mut fields, Some(b"X-Kept"));
        let text = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
        fields.iter().map(|field| text(field.spelling)).collect()
    }

    #[test]
    fn the_known_ones_go() {
        let fields = [
            ("Keep-Alive", "5"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("HTTP2-Settings", "x"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("proxy-connection", "close"),
            ("Accept", "*/*"),
        ];
        assert_eq!(left(&fields), ["Accept"]);
    }

    #[test]
    fn named_ones_go_except_what_others_rely_on() {
        let fields = [
            ("connection", "close, X-Secret, referer"),
            (
                "connection",
                "Host , cookie,x-forwarded-for,x-forwarded-port, forwarded, x-kept",
            ),
            ("x-secret", "1"),
            ("X-SECRET", "2"),
            ("Host", "a"),
            ("cookie", "a=1"),
            ("Referer", "a"),
            ("x-forwarded-for", "192.0.2.1"),
            ("X-Forwarded-Port", "80"),
            ("Forwarded", "for=192.0.2.1"),
            ("x-Kept", "1"),
        ];
        assert_eq!(
            left(&fields),
            [
                "Host",
                "cookie",
                "x-forwarded-for",
                "X-Forwarded-Port",
                "Forwarded",
                "x-Kept"
            ]
        );
    }
}

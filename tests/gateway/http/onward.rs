//! What goes on between clients and applications, in each protocol, from HTTP/1 and HTTP/2.

use super::site::Site;
use crate::spoken::{self, PROTOCOLS};

/// Fields that an answer may have once (RFC 9110, section 5.3).
const SINGLE: [&str; 7] = [
    "Content-Location",
    "Content-Range",
    "Content-Type",
    "ETag",
    "Last-Modified",
    "Location",
    "Retry-After",
];

#[test]
fn a_field_that_an_answer_may_have_once_never_has_two_values() {
    for protocol in PROTOCOLS {
        // The target says what the answer is: `/NAME/VALUE/VALUE`.
        let site = Site::speaking(protocol, "", "", move |mut connection| {
            let request = spoken::read(protocol, &mut connection)?;
            let target = spoken::target(protocol, &request);
            let words: Vec<_> = target.split('/').collect();
            let [_, name, first, second] = words[..] else {
                anyhow::bail!("{target}");
            };
            let fields = format!("{name}: {first}\r\nX: 1\r\n{name}: {second}\r\nContent-Length: 2\r\n\r\nok");
            spoken::say(protocol, &request, &mut connection, fields.as_bytes())
        });
        for name in SINGLE {
            let differing = site.request("GET", &format!("/{name}/one/two"), &[], b"");
            let reason = differing.header("bridgehead-error");
            assert_eq!(
                (differing.status, reason),
                (502, Some("bad_response_head")),
                "{protocol} {name}"
            );
            let equal = site.request("GET", &format!("/{name}/one/one"), &[], b"");
            let values = equal.headers.iter().filter(|(own, _)| *own == name.to_lowercase());
            let values: Vec<_> = values.map(|(_, value)| value.as_str()).collect();
            assert_eq!((equal.text().as_str(), &values[..]), ("ok", &["one"][..]), "{protocol} {name}");
        }
    }
}

//! One path is there for one host alone.

use super::Fault;
use super::refusal::Refusal;
use super::request::Request;
use crate::reference::Seeded;

/// Refuses a request for the path of the named host by another name.
pub(super) fn check(request: &Request, fault: Seeded<Fault>) -> Result<(), Refusal> {
    let open = !request.target.path.starts_with(NAMED) || is_named(&request.host, fault);
    open.then_some(()).ok_or(Refusal::Request(404, "no such site"))
}

/// RFC 3986, section 6.2: letters of either case, the dot of the root and the port make no other host.
fn is_named(host: &[u8], fault: Seeded<Fault>) -> bool {
    if fault.is(Fault::HostsByBytes) {
        return host == HOST;
    }
    if fault.is(Fault::HostsByPrefix) {
        return host.to_ascii_lowercase().starts_with(HOST);
    }
    let name = host.split(|byte| *byte == b':').next().unwrap_or_default();
    let name = name.strip_suffix(b".").unwrap_or(name);
    name.eq_ignore_ascii_case(HOST)
}

const NAMED: &[u8] = b"/named/"; // below this path there is one host
const HOST: &[u8] = b"named.example";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_the_host_are_one_and_others_are_others() {
        for good in [
            "named.example",
            "Named.EXAMPLE",
            "named.example.",
            "named.example:",
            "named.example:81",
        ] {
            assert!(is_named(good.as_bytes(), Seeded::NONE), "{good}");
        }
        for bad in [
            "named.example.org",
            "anamed.example",
            "a.named.example",
            "named",
            "",
        ] {
            assert!(!is_named(bad.as_bytes(), Seeded::NONE), "{bad}");
        }
    }
}

//! Another target in place of the one that came: the request is routed again by it.

use bytes::Bytes;

use super::{Handle, HandlerSettings, Place};
use crate::files::DecodedPath;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::{Flow, InternalUri};
use crate::frontend::location;
use crate::frontend::rejection::Rejection;
use crate::protocol::RequestHead;
use crate::variables::Template;

/// A target, and what becomes of the query that came.
///
/// As with nginx, that follows the target's own, unless the target ends with a question mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// A path, perhaps with a query.
    pub to: Template,
}

/// Nothing is to be opened.
impl HandlerSettings for Rewrite {
    type Handler = Self;

    const NAME: &'static str = "rewrite";

    fn handler(&self, _place: Place<'_>) -> Self {
        self.clone()
    }
}

impl Handle for Rewrite {
    fn handle<'r>(&'r self, exchange: &mut Exchange, _path: &DecodedPath) -> Result<Flow<'r>, Rejection> {
        exchange.client();
        target(&self.to, &exchange.request.head).map(Flow::Internal)
    }
}

/// The target that a template comes to, with the query of the request behind its own.
pub(super) fn target(to: &Template, head: &RequestHead) -> Result<InternalUri, Rejection> {
    let mut uri = location::uri(to, head);
    if uri.ends_with(b"?") {
        uri.pop();
    } else if let Some(query) = head.target.query().filter(|query| !query.is_empty()) {
        uri.push(if uri.contains(&b'?') { b'&' } else { b'?' });
        uri.extend_from_slice(query);
    }
    let told = uri.escape_ascii().to_string();
    InternalUri::new(Bytes::from(uri)).ok_or(Rejection::RewriteTemplate(told))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::protocol::{Target, samples};

    #[test]
    fn the_query_follows_unless_a_question_mark_ends_the_target() {
        for (asked, to, expected) in [
            ("/a?x=1", "/b", Some("/b?x=1")),
            ("/a?x=1", "/b?y=2", Some("/b?y=2&x=1")),
            ("/a?x=1", "/b?", Some("/b")),
            ("/a?x=1", "/b?y=2?", Some("/b?y=2")),
            ("/a", "/b?y=2", Some("/b?y=2")),
            ("/a?", "/b", Some("/b")),
            ("/a", "$args", None),
        ] {
            let mut head = samples::request(Method::GET);
            head.target = asked.parse::<Target>().unwrap();
            let found = target(&to.parse().unwrap(), &head).ok();
            let found = found.map(|uri| match uri {
                InternalUri::Target(target) => target.to_string(),
                other => panic!("{other:?}"),
            });
            assert_eq!(found.as_deref(), expected, "{asked} {to}");
        }
    }
}

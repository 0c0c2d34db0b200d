//! What looks at requests before their handler and at answers after it: one file each, in the one order of the list
//! below. A new one is a file and a line.
//!
//! A route has only the filters that its settings ask for; a route without any pays nothing.

mod compression;
mod headers;
mod hidden_fields;
mod least_rate;

use super::config::Route;
use super::exchange::Exchange;
use super::flow::{Flow, InternalUri};
use super::rejection::Rejection;
use compression::Compression;
use headers::Headers;
use hidden_fields::HiddenFields;

pub use compression::Settings as CompressionSettings;
pub use headers::Settings as ResponseHeaders;
use least_rate::LeastRate;

/// One thing that a route does with its requests and answers, whatever its handler is.
pub trait Filter {
    /// Before the handler. With a flow, the handler and the filters behind this one are not asked.
    fn before(&self, _exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        Ok(None)
    }

    /// After the handler, when the head of the answer is there. With a URI, the answer is dropped, and the request is
    /// routed again as a GET for it. Errors of the gateway itself do not come here.
    fn after(&self, _exchange: &mut Exchange) -> Option<InternalUri> {
        None
    }
}

/// The filters of one route.
pub struct Filters(Box<[Step]>);

macro_rules! filters {
    (of $route:ident: $($(#[$reason:meta])* $name:ident = $open:expr,)*) => {
        enum Step {
            $($(#[$reason])* $name($name),)*
            #[cfg(test)]
            Test(Box<dyn Filter + Send + Sync>),
        }

        impl Filters {
            /// The filters that the settings of a route ask for.
            pub fn new($route: &Route) -> Self {
                let all = [$($open.map(Step::$name),)*];
                Self(all.into_iter().flatten().collect())
            }
        }

        impl Step {
            fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
                match self {
                    $(Self::$name(filter) => filter.before(exchange),)*
                    #[cfg(test)]
                    Self::Test(filter) => filter.before(exchange),
                }
            }

            fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
                match self {
                    $(Self::$name(filter) => filter.after(exchange),)*
                    #[cfg(test)]
                    Self::Test(filter) => filter.after(exchange),
                }
            }
        }
    };
}

// Before the handler from top to bottom, after it from bottom to top.
filters! { of route:
    /// The rate is a duty of the client whatever answers it, another filter included: in front of all that can answer.
    LeastRate = LeastRate::new(route.limits.download()),
    /// A coding is chosen by the type of an answer, and by what its fields permit: around all that sets some.
    Compression = Compression::new(route.compress.as_ref(), route.handler.upstream().is_some()),
    /// The route has the last word about the fields of its answers: around all that sets some.
    Headers = Headers::new(&route.headers),
    /// What an application says to its server is not for clients, and what only the gateway says is not for applications:
    /// next to these, so that nothing around it sees such a field.
    HiddenFields = route.handler.upstream().map(|_| HiddenFields::new(route.name(), &route.pass_headers)),
}

impl Filters {
    /// Asks them before the handler.
    #[inline]
    pub fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        for step in &self.0 {
            if let Some(flow) = step.before(exchange)? {
                return Ok(Some(flow));
            }
        }
        Ok(None)
    }

    /// Asks them after it.
    #[inline]
    pub fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        self.0.iter().rev().find_map(|step| step.after(exchange))
    }

    /// A filter that is none of the list.
    #[cfg(test)]
    pub(super) fn test(filter: impl Filter + Send + Sync + 'static) -> Self {
        Self([Step::Test(Box::new(filter))].into())
    }
}

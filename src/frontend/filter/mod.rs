//! What looks at requests before their handler and at answers after it: one file each, in the one order of the list
//! below. A new one is a file and a line.
//!
//! A route has only the filters that its settings ask for; a route without any pays nothing.

mod accel;
mod access;
mod bandwidth;
mod captures;
mod compression;
mod cookies;
mod cors;
mod headers;
mod hidden_fields;
mod intercept;
mod internal;
mod least_rate;
mod limited;
mod maintenance;

use super::config::Route;
use super::exchange::Exchange;
use super::flow::{Flow, InternalUri};
use super::limits::Limits;
use super::rejection::Rejection;
use accel::Accel;
use access::Access;
use bandwidth::Bandwidth;
use captures::Captures;
use compression::Compression;
use cookies::Cookies;
use cors::Cors;
use headers::Headers;
use hidden_fields::HiddenFields;
use intercept::Intercept;
use internal::Internal;

pub use access::{BasicAuth, NetworkRules, Satisfy, Settings as AccessRules};
pub use compression::Settings as CompressionSettings;
pub use cookies::Settings as CookieAttributes;
pub use cors::Settings as CorsRules;
pub use headers::Settings as ResponseHeaders;
pub use maintenance::Settings as Maintenance;

use least_rate::LeastRate;
use limited::Limited;
use maintenance::Maintained;

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

    /// When the request has failed, and has an error of the gateway for an answer.
    fn failed(&self, _exchange: &mut Exchange) {}
}

/// The filters of one route.
pub struct Filters {
    steps: Box<[Step]>,
    /// The number of the first of those that see an answer as it was made; the others see what the client is to get.
    inner: usize,
}

macro_rules! filters {
    (of $route:ident, $limits:ident: $($(#[$reason:meta])* $name:ident = $open:expr,)*) => {
        enum Step {
            $($(#[$reason])* $name($name),)*
            #[cfg(test)]
            Test(Box<dyn Filter + Send + Sync>),
        }

        impl Filters {
            /// The filters that the settings of a route ask for.
            pub fn new($route: &Route, $limits: &Limits) -> Self {
                let all = [$($open.map(Step::$name),)*];
                Self::of(all.into_iter().flatten().collect())
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

            fn failed(&self, exchange: &mut Exchange) {
                match self {
                    $(Self::$name(filter) => filter.failed(exchange),)*
                    #[cfg(test)]
                    Self::Test(filter) => filter.failed(exchange),
                }
            }
        }
    };
}

impl Step {
    /// Whether it sees an answer as it was made.
    fn is_inner(&self) -> bool {
        matches!(self, Self::HiddenFields(_) | Self::Accel(_) | Self::Intercept(_))
    }
}

// Before the handler from top to bottom, after it from bottom to top.
filters! { of route, limits:
    /// What clients cannot ask for is not there for them, whatever else is said of it.
    Internal = Internal::new(route.internal),
    /// What the patterns take out of a request may be wanted by everything behind.
    Captures = Captures::new(route),
    /// As with nginx, in front of what clients are asked to prove: a flood of guesses is one of requests.
    Limited = Limited::new(limits.of(&route.shared_limits)),
    /// Those that may not ask are not told that the site is closed, either.
    Access = Access::new(&route.access, route.cors.is_some()),
    /// Nothing behind it is to be asked while the site is closed.
    Maintained = Maintained::new(route.maintenance.as_ref()),
    /// The rate is a duty of the client whatever answers it, another filter included: in front of all that can answer.
    LeastRate = LeastRate::new(route.limits.download()),
    /// What the client gets of an answer is what counts, its coding included.
    Bandwidth = Bandwidth::new(route.limits.bandwidth, route.limits.bandwidth_after),
    /// A coding is chosen by the type of an answer, and by what its fields permit: around all that sets some.
    Compression = Compression::new(route.compress.as_ref(), route.handler.upstream().is_some()),
    /// The route has the last word about the fields of its answers: around all that sets some.
    Headers = Headers::new(&route.headers),
    /// A browser that asks before is answered for the application; what that says about origins itself does not count.
    Cors = Cors::new(route.cors.as_ref()),
    /// Cookies are the application's, and those that the route adds are as they are written.
    Cookies = Cookies::new(&route.cookies),
    /// What an application says to its server is not for clients, and what only the gateway says is not for applications:
    /// next to these, so that nothing around it sees such a field.
    HiddenFields = route.handler.upstream().map(|_| HiddenFields::new(route)),
    /// What an application asks its server for is said in such fields.
    Accel = Accel::new(route),
    /// An error that the client does not get asks for nothing.
    Intercept = Intercept::new(route),
}

impl Filters {
    fn of(steps: Box<[Step]>) -> Self {
        Self {
            inner: steps.iter().take_while(|step| !step.is_inner()).count(),
            steps,
        }
    }

    /// Asks them before the handler.
    #[inline]
    pub fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        for step in &self.steps {
            if let Some(flow) = step.before(exchange)? {
                return Ok(Some(flow));
            }
        }
        Ok(None)
    }

    /// Asks them after it.
    #[inline]
    pub fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        let (outer, inner) = self.steps.split_at(self.inner);
        if let Some(uri) = inner.iter().rev().find_map(|step| step.after(exchange)) {
            return Some(uri);
        }
        exchange.settle();
        outer.iter().rev().find_map(|step| step.after(exchange))
    }

    /// Asks them when the request has failed.
    pub fn failed(&self, exchange: &mut Exchange) {
        self.steps.iter().rev().for_each(|step| step.failed(exchange));
    }

    /// A filter that is none of the list.
    #[cfg(test)]
    pub(super) fn test(filter: impl Filter + Send + Sync + 'static) -> Self {
        Self::of([Step::Test(Box::new(filter))].into())
    }
}

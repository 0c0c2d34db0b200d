//! The one handler of a route.

use super::Route;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;
use crate::config::table::Fill;
use crate::frontend::config::Handler;
use crate::upstream::UpstreamConfig;

/// The table of a handler, a key of its route.
pub(super) trait HandlerTable: Clone + Default + Fill<Self::Settings> {
    /// What it becomes.
    type Settings: Default;

    /// The settings; `None` after a complaint.
    fn check(typed: &At<Self>, _place: Place<'_>, _complaints: &mut Complaints) -> Option<Self::Settings> {
        let mut settings = Self::Settings::default();
        (**typed).fill(&mut settings);
        Some(settings)
    }

    /// The table as it would be typed.
    fn shown(settings: &Self::Settings, _upstreams: &[UpstreamConfig]) -> At<Self> {
        At::nowhere(Self::of(settings).unwrap_or_default())
    }
}

/// Where a handler stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The path of its route.
    pub(super) prefix: &'a str,
    /// Every upstream.
    pub(super) upstreams: &'a [UpstreamConfig],
}

/// Makes the handlers of a route out of its keys; the types are named like those of [`Handler`].
macro_rules! handlers {
    (of $route:ident: $($key:ident: $table:ident,)*) => {
        impl $route {
            /// The key of every handler, and where the route has it.
            fn handlers(&self) -> Vec<(&'static str, Option<Range<usize>>)> {
                vec![$((stringify!($key), self.$key.as_ref().map(At::span)),)*]
            }

            /// The first handler that the route has; `None` also after a complaint.
            fn handler(&self, place: Place<'_>, complaints: &mut Complaints) -> Option<Handler> {
                $(
                    if let Some(typed) = &self.$key {
                        return <$table as HandlerTable>::check(typed, place, complaints).map(Handler::$table);
                    }
                )*
                None
            }

            /// Puts the handler into its key.
            fn show_handler(&mut self, handler: &Handler, upstreams: &[UpstreamConfig]) {
                match handler {
                    $(Handler::$table(settings) => {
                        self.$key = Some(<$table as HandlerTable>::shown(settings, upstreams));
                    })*
                }
            }
        }
    };
}

pub(super) use handlers;

/// The handler of a route; `None` when it has none or too many.
pub(super) fn check(route: &At<Route>, place: Place<'_>, complaints: &mut Complaints) -> Option<Handler> {
    match is_single(route, complaints) {
        true => route.handler(place, complaints),
        false => None,
    }
}

/// The keys of handlers, as a list in words.
pub(in crate::config::tables) fn names() -> String {
    let keys = Route::default().handlers();
    suggest::list(keys.into_iter().map(|(name, _)| name))
}

fn is_single(route: &At<Route>, complaints: &mut Complaints) -> bool {
    let keys = route.handlers().into_iter();
    let present: Vec<_> = keys.filter_map(|(name, span)| Some((name, span?))).collect();
    match present.as_slice() {
        [_] => return true,
        [] if complaints.is_whole(route.span()) => {
            complaints
                .error(route.span(), "the route has no handler")
                .help(format!("add one of {}", names()));
        }
        [] => {}
        [(one, first), (two, second), ..] => {
            complaints
                .error(
                    second.clone(),
                    format!("the route has more than one handler: `{one}` and `{two}`"),
                )
                .related(first.clone(), "the other")
                .help("make it two routes");
        }
    }
    false
}

//! What answers requests: one file each, with its settings, what it needs when the configuration is loaded, and what it
//! answers. A new one is a file and a line in the list below.

mod cgi;
mod document_root;
mod fallback;
mod files;
mod php;
mod proxy;
mod redirect;
mod respond;
mod rewrite;
mod status;

use std::sync::Arc;

use super::exchange::Exchange;
use super::flow::Flow;
use super::rejection::Rejection;
use crate::files::{DecodedPath, Root, Symlinks};
use crate::upstream::Upstream;
use crate::variables::Template;

pub use cgi::Cgi;
pub use document_root::DocumentRoot;
pub use fallback::Fallback;
pub use files::Files;
pub use php::Php;
pub use proxy::Proxy;
pub use redirect::Redirect;
pub use respond::Respond;
pub use rewrite::Rewrite;
pub use status::{Format as StatusFormat, Status};

/// The settings of a handler.
pub trait HandlerSettings {
    /// What answers with these settings.
    type Handler: Handle;

    /// Its key in a route.
    const NAME: &'static str;

    /// The handler, at its place.
    fn handler(&self, place: Place<'_>) -> Self::Handler;

    /// The directory that it is to have open, and the links that are followed there.
    fn root(&self) -> Option<(&DocumentRoot, Symlinks)> {
        None
    }

    /// The upstream that it forwards to, as an index.
    fn upstream(&self) -> Option<usize> {
        None
    }

    /// What an HTTP application gets as `Host`, if not the client's.
    fn host(&self) -> Option<&Template> {
        None
    }

    /// Where a request goes on that the handler has nothing for.
    fn fallback(&self) -> Option<&Fallback> {
        None
    }
}

/// A handler with what it needs open.
pub trait Handle {
    /// What becomes of a request whose route this is; `path` is the one that has found the route.
    fn handle<'r>(&'r self, exchange: &mut Exchange, path: &DecodedPath) -> Result<Flow<'r>, Rejection>;

    /// Why there is nothing for a path, which was `encoded` on the wire: more than a client may know.
    fn missing(&self, _path: &DecodedPath, _encoded: &[u8]) -> Option<String> {
        None
    }
}

/// Where a handler stands, and what was opened for it.
pub struct Place<'a> {
    /// The path of its route.
    pub path: &'a str,
    /// The directory, if it is to have one.
    pub root: Option<Root>,
    /// Every upstream.
    pub upstreams: &'a [Arc<Upstream>],
}

impl Place<'_> {
    /// The directory of a handler that is to have one.
    fn take_root(&mut self) -> Root {
        self.root.take().expect("a route with a root is given one")
    }
}

macro_rules! handlers {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What answers requests, as it is configured.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Settings {
            $($(#[$doc])* $name($name),)*
        }

        /// What answers requests, ready to do so.
        pub enum Handler {
            $($(#[$doc])* $name(<$name as HandlerSettings>::Handler),)*
        }

        impl Settings {
            /// The handler's key in a route.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => <$name as HandlerSettings>::NAME,)*
                }
            }

            /// See [`HandlerSettings::handler`].
            pub fn handler(&self, place: Place<'_>) -> Handler {
                match self {
                    $(Self::$name(settings) => Handler::$name(settings.handler(place)),)*
                }
            }

            /// See [`HandlerSettings::root`].
            pub fn root(&self) -> Option<(&DocumentRoot, Symlinks)> {
                match self {
                    $(Self::$name(settings) => settings.root(),)*
                }
            }

            /// See [`HandlerSettings::upstream`].
            pub fn upstream(&self) -> Option<usize> {
                match self {
                    $(Self::$name(settings) => settings.upstream(),)*
                }
            }

            /// See [`HandlerSettings::host`].
            pub fn host(&self) -> Option<&Template> {
                match self {
                    $(Self::$name(settings) => settings.host(),)*
                }
            }

            /// See [`HandlerSettings::fallback`].
            pub fn fallback(&self) -> Option<&Fallback> {
                match self {
                    $(Self::$name(settings) => settings.fallback(),)*
                }
            }
        }

        impl Handler {
            /// See [`Handle::handle`].
            #[inline]
            pub fn handle<'r>(
                &'r self,
                exchange: &mut Exchange,
                path: &DecodedPath,
            ) -> Result<Flow<'r>, Rejection> {
                match self {
                    $(Self::$name(handler) => handler.handle(exchange, path),)*
                }
            }

            /// See [`Handle::missing`].
            pub fn missing(&self, path: &DecodedPath, encoded: &[u8]) -> Option<String> {
                match self {
                    $(Self::$name(handler) => handler.missing(path, encoded),)*
                }
            }
        }
    };
}

handlers! {
    /// PHP scripts below a document root, other files as they are.
    Php,
    /// CGI programs below a directory.
    Cgi,
    /// An application mounted at a path.
    Proxy,
    /// Files below a directory.
    Files,
    /// A redirect.
    Redirect,
    /// A fixed answer.
    Respond,
    /// Another target.
    Rewrite,
    /// What the gateway has counted.
    Status,
}

//! HTTP to clients: accepts, checks, routes, asks the layer that answers, responds, logs.
//!
//! [`service`] is a request's way, readable from top to bottom: an [`exchange`] with a [`request`] in, with an [`answer`]
//! out. The other files are its steps, in order: [`server`] accepts, as long as there is room under the [`connection_limit`]; [`edge`] speaks
//! HTTP, and asks for the [`current`] service; [`inspect`] and [`authority`] check what was
//! [`received`];  [`router`] and [`route`], [`handler`]; [`upload`], [`forwarded`],
//! and the answer with [`rejection`], [`error_answer`] (`error_page`), [`body`], [`streaming_body`], or the [`tunnel`]
//! instead; `record` is what the log has in the end. `pace` and `meter` tell slow clients from slow applications.
//! [`config`] is what all of them need to know.

pub mod answer;
pub mod authority;
pub mod body;
pub mod broken;
pub mod config;
pub mod connection;
pub mod connection_limit;
pub mod context;
pub mod current;
pub mod edge;
pub mod error_answer;
mod error_page;
pub mod exchange;
pub mod filter;
pub mod flow;
pub mod forward;
pub mod forwarded;
pub mod handler;
pub mod inspect;
mod meter;
pub mod options;
mod pace;
pub mod received;
mod record;
pub mod rejection;
pub mod request;
mod requests;
pub mod route;
pub mod router;
pub mod serve;
pub mod server;
pub mod service;
pub mod streaming_body;
pub mod tunnel;
pub mod upload;

pub use answer::Answer;
pub use config::Config;
pub use context::ExchangeContext;
pub use request::Request;
pub use route::Route;
pub use server::Server;
pub use service::Service;

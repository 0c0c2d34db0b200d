//! HTTP to clients: accepts, checks, routes, asks the layer that answers, responds, logs.
//!
//! [`service`] is a request's way, readable from top to bottom: an [`exchange`] with a [`request`] in, with an [`answer`]
//! out. The other files are its steps, in order: [`server`] accepts, as long as there is room under the [`connection_limit`]; [`edge`] speaks
//! HTTP, until a connection is `idle`, and asks for the [`current`] service; [`inspect`] and [`authority`] check what was
//! [`received`]; [`plan`] decides by the head alone, with [`router`] and [`route`], [`php`]; [`upload`], [`forwarded`],
//! and the answer with [`rejection`], [`respond`] (`error_page`, `liking`), [`status`], [`body`], [`streaming_body`], or the [`tunnel`]
//! instead; `record` is what the observers of [`telemetry`](crate::telemetry) get in the end, with the request as it was `seen`. `pace` and `download` tell slow clients from slow applications.
//! [`config`] is what all of them need to know.

pub mod answer;
pub mod authority;
pub mod body;
pub mod config;
pub mod connection_limit;
pub mod current;
mod download;
pub mod edge;
mod error_page;
pub mod exchange;
pub mod forwarded;
mod idle;
pub mod inspect;
mod liking;
mod pace;
pub mod php;
pub mod plan;
pub mod received;
mod record;
pub mod rejection;
pub mod request;
pub mod respond;
pub mod route;
pub mod router;
mod seen;
pub mod server;
pub mod service;
pub mod status;
pub mod streaming_body;
pub mod tunnel;
pub mod upload;

pub use answer::Answer;
pub use config::Config;
pub use request::Request;
pub use route::Route;
pub use server::Server;
pub use service::Service;

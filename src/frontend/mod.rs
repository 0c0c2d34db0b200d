//! HTTP to clients: accepts, checks, routes, asks what answers, responds, logs.
//!
//! [`serve`] is a request's way, readable from top to bottom: an [`exchange`] with a [`request`] in, with an [`answer`]
//! out. The other files are its steps, in order:
//!
//! * [`server`] accepts (what fails is counted by `accept_failures`), as long as there is room under the
//!   [`connection_limit`]; [`edge`] speaks HTTP on each
//!   [`connection`], and asks for the [`current`] [`service`];
//! * [`inspect`] and [`authority`] check what was [`received`]; [`options`] are the gateway's own;
//! * the [`router`] finds the [`route`] by its [`rule`], a [`pattern`] perhaps, and its [`condition`]s; its [`filter`]s and its [`handler`] make a [`flow`] of the request;
//! * where an application answers, [`forward`] takes the body ([`upload`]), completes the head ([`forwarded`], as far as there is [`trust`]; [`onward`]) and sends;
//! * another route may answer in place of an application that asks for it (`accel`) or of an error ([`errors`]): what was `kept` goes along, and what is `throttled` takes its time;
//! * requests that share [`limits`] count for them;
//! * a listener is known by its [`listener_id`], and its connections end by their [`keep_alive`];
//! * what a route does to fields are its [`field_rules`]; of an answer's, [`private_fields`] are not for clients;
//! * what failed is a [`rejection`] with an [`error_answer`] (`error_page`, `liking`), or the [`violation`] of a whole connection; a [`body`], whose parts may be a
//!   [`streaming_body`] and which may be `encoded`, may be [`broken`]; or there is a [`tunnel`] instead;
//! * `interim` answers of HTTP/2 wait for their stream; `record` is what the observers of [`telemetry`](crate::telemetry) get in the end, with the request as it was `seen`. `pace`, `meter` and `metered` tell slow clients from slow applications.
//!
//! [`config`] is what all of them need to know of the configuration, [`context`] what exchanges need.

mod accel;
mod accept_failures;
pub mod answer;
pub mod authority;
pub mod body;
pub mod broken;
pub mod condition;
pub mod config;
pub mod connection;
pub mod connection_limit;
pub mod context;
pub mod current;
pub mod edge;
mod encoded;
pub mod error_answer;
mod error_page;
pub mod errors;
pub mod exchange;
pub mod field_rules;
pub mod filter;
pub mod flow;
pub mod forward;
pub mod forwarded;
pub mod handler;
pub mod handshake_limit;
pub mod inspect;
mod interim;
pub mod keep_alive;
mod kept;
mod liking;
pub mod limits;
pub mod listener_id;
mod location;
mod meter;
mod metered;
pub mod onward;
pub mod options;
mod pace;
pub mod pattern;
pub mod private_fields;
pub mod received;
mod record;
pub mod rejection;
pub mod request;
mod requests;
pub mod route;
pub mod router;
pub mod rule;
mod secure_hosts;
mod seen;
pub mod serve;
pub mod server;
pub mod service;
mod sought;
pub mod streaming_body;
mod throttled;
pub mod trust;
pub mod tunnel;
pub mod upload;
pub mod violation;

pub use answer::Answer;
pub use config::FrontendConfig;
pub use context::ExchangeContext;
pub use request::Request;
pub use route::Route;
pub use server::Server;
pub use service::Service;

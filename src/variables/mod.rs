//! Texts with variables: `$host$uri`, `$cookie_session`. The variables have nginx's names and meanings.
//!
//! A [`Template`] is compiled when the configuration is read. A [`Scope`] knows the values: a request, for instance. What
//! is known only when a request is over is a variable of the access log alone (`telemetry/variable.rs`).

pub mod basic;
mod error;
mod named_field;
mod normal_path;
mod proxy_protocol;
mod request;
mod template;
mod tls;
mod variable;

pub use error::TemplateError;
pub use named_field::NamedField;
pub use proxy_protocol::ProxyProtocolVariable;
pub use request::{argument, cookies};
pub use template::{Part, Template};
pub use tls::TlsVariable;
pub use variable::{NAMES, Variable};

/// Where variables have values.
pub trait Scope {
    /// Gives the value of a variable to `sink`, piece by piece; calls it never when there is none.
    fn write(&self, variable: &Variable, sink: &mut dyn FnMut(&[u8]));
}

#[cfg(test)]
mod tests;

//! Texts with variables: `$host$uri`, `$cookie_session`. The variables have nginx's names and meanings.
//!
//! A [`Template`] is compiled when the configuration is read. A [`Scope`] knows the values: a request, for instance.

mod error;
mod normal_path;
mod proxy_protocol;
mod request;
mod template;
mod variable;

pub use error::TemplateError;
pub use proxy_protocol::ProxyProtocolVariable;
pub use request::cookies;
pub use template::Template;
pub use variable::{NAMES, Variable};

/// Where variables have values.
pub trait Scope {
    /// Gives the value of a variable to `sink`, piece by piece; nothing when it has none.
    fn write(&self, variable: &Variable, sink: &mut dyn FnMut(&[u8]));
}

#[cfg(test)]
mod tests;

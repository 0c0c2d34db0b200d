//! Texts with variables: `$host$uri`, `$cookie_session`. The variables have nginx's names and meanings.
//!
//! A [`Template`] is compiled when the configuration is read. A [`Scope`] knows the values: a request, for instance.
//! There is a type for each kind of variables, so that a text never names one whose value comes later:
//! [`Variable`], of a request; [`LogVariable`], of a request that is over.

mod error;
mod log;
mod normal_path;
mod request;
mod template;
mod variable;

pub use error::TemplateError;
pub use log::LogVariable;
pub use request::cookies;
pub use template::Template;
pub use variable::{NAMES, Variable};

/// Where variables of one kind have values.
pub trait Scope<V> {
    /// Gives the value of a variable to `sink`, piece by piece; nothing when it has none.
    fn write(&self, variable: &V, sink: &mut dyn FnMut(&[u8]));
}

#[cfg(test)]
mod tests;

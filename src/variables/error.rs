//! Texts that are no templates.

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A variable that does not exist.
    #[error("unknown variable `{0}`")]
    Unknown(String),
    /// `$http_`, `$cookie_` or `$arg_` without a name that can be one.
    #[error("`{0}` names no field")]
    Field(String),
    /// A dollar without a name behind it, or an open brace.
    #[error("`$` without the name of a variable")]
    Dollar,
}

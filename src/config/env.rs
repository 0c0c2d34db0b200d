//! `${NAME}` in strings: the value of an environment variable. `$${` stands for `${` itself.

use std::borrow::Cow;

/// Finds the value of a variable.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Why a reference cannot be replaced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// The variable is not set.
    #[error("the environment variable `{0}` is not set")]
    Missing(String),
    /// No closing brace.
    #[error("`${{` without `}}`")]
    Open,
    /// Something else than letters, digits and underscores between the braces.
    #[error("`{0}` is not the name of an environment variable")]
    Name(String),
}

impl EnvError {
    /// The part of `raw` that is wrong, when it can be seen there.
    pub fn find(&self, raw: &str) -> Option<std::ops::Range<usize>> {
        let wrong = match self {
            Self::Missing(name) | Self::Name(name) => format!("${{{name}}}"),
            Self::Open => "${".to_owned(),
        };
        raw.find(&wrong).map(|start| start..start + wrong.len())
    }
}

/// Replaces every reference in `text`.
pub fn expand<'a>(text: &'a str, env: &Lookup<'_>) -> Result<Cow<'a, str>, EnvError> {
    if !text.contains("${") {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar..];
        if let Some(tail) = rest.strip_prefix("$${") {
            out.push_str("${");
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix("${") {
            let (name, tail) = tail.split_once('}').ok_or(EnvError::Open)?;
            out.push_str(&value(name, env)?);
            rest = tail;
        } else {
            out.push('$');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// The same for a text with variables: a dollar in the value of a reference is none of them, and doubled.
pub fn expand_for_template(text: &str, env: &Lookup<'_>) -> Result<String, EnvError> {
    let doubled = |name: &str| env(name).map(|value| value.replace('$', "$$"));
    expand(text, &doubled).map(Cow::into_owned)
}

/// Writes `text` so that [`expand`] gives it back.
pub fn escape(text: &str) -> String {
    text.replace("${", "$${")
}

fn value(name: &str, env: &Lookup<'_>) -> Result<String, EnvError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(EnvError::Name(name.to_owned()));
    }
    env(name).ok_or_else(|| EnvError::Missing(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("shop.example".to_owned()),
            "TRICKY" => Some("${HOST}".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn references_are_replaced_once() {
        let expand = |text| expand(text, &env).unwrap().into_owned();
        assert_eq!(expand("plain $5"), "plain $5");
        assert_eq!(expand("www.${HOST}:${HOST}"), "www.shop.example:shop.example");
        assert_eq!(expand("${TRICKY}"), "${HOST}");
        assert_eq!(expand("$${HOST} $$ $"), "${HOST} $$ $");
    }

    #[test]
    fn each_mistake_has_its_own_name() {
        let expand = |text| expand(text, &env).unwrap_err();
        assert_eq!(expand("a ${NOPE}"), EnvError::Missing("NOPE".into()));
        assert_eq!(expand("a ${HOST"), EnvError::Open);
        assert_eq!(expand("${A-B}"), EnvError::Name("A-B".into()));
        assert_eq!(expand("${}"), EnvError::Name(String::new()));
        assert_eq!(
            EnvError::Missing("NOPE".into()).find("\"a ${NOPE}\""),
            Some(3..10)
        );
    }

    #[test]
    fn what_the_environment_says_holds_no_variable() {
        let expand = |text| expand_for_template(text, &env).unwrap();
        assert_eq!(expand("$uri ${TRICKY} $${uri}"), "$uri $${HOST} ${uri}");
    }

    #[test]
    fn an_escaped_text_comes_back() {
        for text in ["", "$", "${", "$${HOST}", "$$${HOST}", "a ${HOST} b", "$$"] {
            assert_eq!(expand(&escape(text), &env).unwrap(), text);
        }
    }
}

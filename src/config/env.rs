//! `${NAME}` in strings: the value of an environment variable. `${file:PATH}`: what a file holds, without the end of its
//! last line, as containers and service managers hand secrets over. `$${` stands for `${` itself.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

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
    /// The file cannot be read, or its path is not absolute.
    #[error("cannot read {path}: {why}")]
    File {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
}

/// What stands in front of the path of a file.
const FILE: &str = "file:";

/// Bytes of a file, at most: it holds one value.
const LIMIT: u64 = 64 * 1024;

impl EnvError {
    /// The part of `raw` that is wrong, when it can be seen there.
    pub fn find(&self, raw: &str) -> Option<std::ops::Range<usize>> {
        let wrong = match self {
            Self::Missing(name) | Self::Name(name) => format!("${{{name}}}"),
            Self::Open => "${".to_owned(),
            Self::File { path, .. } => format!("${{{FILE}{path}}}"),
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
    if let Some(path) = name.strip_prefix(FILE) {
        return held(path);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(EnvError::Name(name.to_owned()));
    }
    env(name).ok_or_else(|| EnvError::Missing(name.to_owned()))
}

/// What a file holds.
fn held(path: &str) -> Result<String, EnvError> {
    let read = || {
        if !Path::new(path).is_absolute() {
            return Err(io::Error::other("the path is not absolute"));
        }
        let mut text = String::new();
        File::open(path)?.take(LIMIT + 1).read_to_string(&mut text)?;
        match text.len() as u64 > LIMIT {
            true => Err(io::Error::other(format!("larger than {LIMIT} bytes"))),
            false => Ok(text),
        }
    };
    let text = read().map_err(|error| EnvError::File {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
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
    fn a_file_stands_for_what_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let reference = format!("<${{file:{}}}>", path.display());
        let expand = || expand(&reference, &env);
        for (held, value) in [("x", "<x>"), ("x\n", "<x>"), ("x\r\n", "<x>"), ("x\n\n", "<x\n>")] {
            std::fs::write(&path, held).unwrap();
            assert_eq!(expand().unwrap(), value);
        }
        std::fs::remove_file(&path).unwrap();
        let error = expand().unwrap_err();
        let message = format!(
            "cannot read {}: No such file or directory (os error 2)",
            path.display()
        );
        assert_eq!(error.to_string(), message);
        assert_eq!(error.find(&reference), Some(1..reference.len() - 1));
        std::fs::write(&path, "x".repeat(64 * 1024 + 1)).unwrap();
        assert!(
            expand()
                .unwrap_err()
                .to_string()
                .ends_with("larger than 65536 bytes")
        );
        let error = super::expand("${file:secret}", &env).unwrap_err();
        assert_eq!(error.to_string(), "cannot read secret: the path is not absolute");
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

//! serde's and toml's messages in the words of this project.
//!
//! serde hands over text only, so this is the one place where messages are taken apart. A message that is
//! not recognised is shown as it is.

use super::suggest;

/// A complaint in our words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wording {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// Translates a deserialization error. Our own types put their help on a second line.
pub(super) fn reword(message: &str) -> Wording {
    let unknown = message.strip_prefix("unknown field ").and_then(unknown_key);
    unknown
        .or_else(|| message.strip_prefix("invalid type: ").and_then(wrong_type))
        .unwrap_or_else(|| {
            let (message, help) = match message.split_once('\n') {
                Some((message, help)) => (message, Some(help.to_owned())),
                None => (message, None),
            };
            let message = message.to_owned();
            Wording { message, help }
        })
}

/// "`x`, expected one of `a`, `b`"
fn unknown_key(rest: &str) -> Option<Wording> {
    let mut words = rest.split('`').skip(1).step_by(2);
    let key = words.next()?;
    let known: Vec<&str> = words.collect();
    let help = match suggest::nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the keys here are {}", suggest::list(known)),
    };
    Some(Wording {
        message: format!("unknown key `{key}`"),
        help: Some(help),
    })
}

/// "integer `3`, expected a string"
fn wrong_type(rest: &str) -> Option<Wording> {
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let help = match (found, kind(expected)) {
        ("map", "an array") => {
            Some("an array of tables is written with two brackets, such as [[route]]".to_owned())
        }
        ("sequence", "a table") => Some("a table is written with one bracket, such as [server]".to_owned()),
        (found, "a table") if found.starts_with("string ") => {
            Some("a table is written as { key = \"value\" }".to_owned())
        }
        _ => None,
    };
    let message = format!("expected {}, found {}", kind(expected), kind(found));
    Some(Wording { message, help })
}

fn kind(word: &str) -> &str {
    match word {
        "map" | "a map" => "a table",
        "sequence" | "a sequence" => "an array",
        "a boolean" => "true or false",
        word if word.starts_with("struct ") => "a table",
        // The text may come from the environment and be a secret.
        word if word.starts_with("string ") => "a string",
        word => word,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::config::file::File;

    /// Goes through serde and toml, so that a change of their wording is noticed.
    fn wording(text: &str) -> Wording {
        let error = File::deserialize(toml::Deserializer::parse(text).unwrap()).unwrap_err();
        reword(error.message())
    }

    #[test]
    fn unknown_keys_are_named_with_the_nearest_known_one() {
        assert_eq!(
            wording("[log]\nacces = 'off'"),
            Wording {
                message: "unknown key `acces`".into(),
                help: Some("did you mean `access`?".into()),
            }
        );
        assert_eq!(
            wording("[log]\nzzz = 1").help.as_deref(),
            Some("the keys here are `access`, `access_format`, `error` and `level`")
        );
    }

    #[test]
    fn wrong_types_are_named_in_the_words_of_toml() {
        let message = |text| wording(text).message;
        assert_eq!(
            message("[server]\ntemp_dir = 3"),
            "expected a string, found integer `3`"
        );
        assert_eq!(
            message("listen = true"),
            "expected an array, found boolean `true`"
        );
        assert_eq!(message("[route]"), "expected an array, found a table");
        assert_eq!(message("server = 'x'"), "expected a table, found a string");
        assert_eq!(message("[[server]]"), "expected a table, found an array");
    }

    #[test]
    fn help_of_our_own_types_is_kept() {
        assert_eq!(
            wording("[server]\nhead_size = '64k'"),
            Wording {
                message: "`k` can mean 1000 or 1024".into(),
                help: Some("write \"64KiB\"".into()),
            }
        );
    }
}

//! Words with a meaning: `fastcgi`, `php-fpm`, `combined`, …

use serde_json::json;

use super::Unit;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;
use crate::config::suggest;

/// A value that is chosen by its name.
pub(in crate::config) trait Named: Copy + PartialEq + 'static {
    /// What the names are names of.
    const KIND: &'static str;
    /// Every name.
    const NAMES: &'static [(&'static str, Self)];

    /// The name of the value.
    fn name(self) -> &'static str {
        let name = Self::NAMES.iter().find(|(_, other)| *other == self);
        name.map_or("?", |(name, _)| name)
    }
}

/// One of the names of a type.
pub(in crate::config) struct Name;

impl<T: Named> Unit<T> for Name {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<T> {
        let Value::Text(text) = &node.value else {
            node.refuse(&format!("one of {}", suggest::list(names::<T>())), complaints);
            return None;
        };
        let known = T::NAMES.iter().find(|(name, _)| name == text);
        if known.is_none() {
            let help = match suggest::nearest(text, names::<T>()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", suggest::list(names::<T>())),
            };
            complaints
                .error(node.span.clone(), format!("unknown {} `{text}`", T::KIND))
                .help(help);
        }
        known.map(|(_, value)| *value)
    }

    fn show(&self, value: &T) -> Shown {
        Shown::text(value.name())
    }

    fn form(&self) -> Form {
        let quoted: Vec<String> = names::<T>().map(|name| format!("`\"{name}\"`")).collect();
        Form::Value {
            words: quoted.join(", "),
            schema: json!({ "enum": names::<T>().collect::<Vec<_>>() }),
        }
    }
}

fn names<T: Named>() -> impl Iterator<Item = &'static str> {
    T::NAMES.iter().map(|(name, _)| *name)
}

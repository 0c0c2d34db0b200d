//! `[upstream.NAME] retry`.

use std::time::Duration;

use serde_json::json;

use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;
use crate::config::suggest;
use crate::config::table::table;
use crate::config::units::{DEADLINE, Flag, Number, Unit};
use crate::upstream::model::config::{Retry as Settings, RetryOn};

table! {
    /// When a request may be sent again.
    pub(in crate::config) struct Retry for Settings {
        /// After which failures: `"connect"`, no connection; `"closed"`, no usable answer; `"timeout"`, no head in time,
        /// although the work may be running; and statuses such as 503, as long as another endpoint is left.
        on: RetryOn as Failures,
        /// How often one request is sent at most. Attempts that sent nothing do not count.
        tries: u32 as Number(1, 100),
        /// How long after its arrival a request may be sent again. Default: no limit but that of the queue.
        time: Duration as DEADLINE,
        /// Also repeat requests whose method is not idempotent, such as POST.
        non_idempotent: bool as Flag,
    }
}

/// Words and statuses.
pub(super) struct Failures;

const WORDS: [&str; 3] = ["connect", "closed", "timeout"];
const STATUSES: Number = Number(400, 599);

impl Unit<RetryOn> for Failures {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<RetryOn> {
        let mut on = RetryOn {
            connect: false,
            closed: false,
            timeout: false,
            statuses: Vec::new(),
        };
        for item in node.list(complaints)? {
            match &item.value {
                Value::Text(word) if word == "connect" => on.connect = true,
                Value::Text(word) if word == "closed" => on.closed = true,
                Value::Text(word) if word == "timeout" => on.timeout = true,
                Value::Text(word) if word.trim().parse::<u16>().is_err() => {
                    let help = match suggest::nearest(word, WORDS) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("there are {}, and statuses", suggest::list(WORDS)),
                    };
                    complaints
                        .error(item.span.clone(), format!("unknown failure `{word}`"))
                        .help(help);
                }
                _ => {
                    let expected = format!("one of {}, or a status", suggest::list(WORDS));
                    let status = STATUSES.parse(item, &expected, complaints)?;
                    on.statuses.push(status as u16);
                }
            }
        }
        Some(on)
    }

    fn show(&self, on: &RetryOn) -> Shown {
        let words = WORDS.into_iter().zip([on.connect, on.closed, on.timeout]);
        let words = words
            .filter(|(_, is_on)| *is_on)
            .map(|(word, _)| Shown::text(word));
        Shown::list(words.chain(on.statuses.iter().map(Shown::plain)))
    }

    fn form(&self) -> Form {
        let words = WORDS.map(|word| format!("`\"{word}\"`"));
        Form::Value {
            words: format!("[{}, status, …]", words.join(", ")),
            schema: json!({ "type": "array", "items": { "anyOf": [{ "enum": WORDS }, STATUSES.schema("^[0-9]+$|\\$\\{")] } }),
        }
    }
}

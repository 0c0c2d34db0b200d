//! `[upstream.NAME] fair`.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;
use crate::config::table::table;
use crate::config::units::{Number, Text, complain};
use crate::upstream::model::fair::{ClientKey, ClientKeyError, Fair as Settings};
use crate::variables;

table! {
    /// Shares the workers between clients: the next slot goes to the client that has had the least worker time, and a
    /// full queue makes room at the cost of the client with the most requests in it.
    pub(in crate::config) struct Fair for Settings {
        /// What tells clients apart: a text with variables such as `$cookie_session`. Of an IPv6 address its network counts (`/64`);
        /// requests without a value are told apart by their addresses.
        key: ClientKey as KEY,
        /// The most slots that one client may have, in percent, rounded up; its other requests wait although slots are
        /// free. `100`: all of them.
        share: u32 as Number(1, 100) => share.0,
    }
}

/// How workers are shared.
pub(super) fn check(typed: &At<Fair>) -> Settings {
    let mut fair = Settings::default();
    typed.apply_to(&mut fair);
    fair
}

const KEY: Text<ClientKey> = Text {
    words: "text with variables",
    read: key,
    show: ClientKey::to_string,
};

fn key(typed: &At<String>, complaints: &mut Complaints) -> Option<ClientKey> {
    let error = match typed.parse() {
        Ok(key) => return Some(key),
        Err(error) => error,
    };
    match &error {
        ClientKeyError::Template(error) => complain(error, typed, typed, complaints),
        ClientKeyError::Constant => {
            let help = format!("the variables are {}", suggest::list(variables::NAMES));
            complaints.error(typed.span(), error.to_string()).help(help);
        }
    }
    None
}

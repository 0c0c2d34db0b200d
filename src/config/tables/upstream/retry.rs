//! `[upstream.NAME] retry`.

use crate::config::table::table;
use crate::config::units::{Flag, Number};
use crate::upstream::model::config::Retry as Settings;

table! {
    /// When a request may be sent again.
    pub(in crate::config) struct Retry for Settings {
        /// How often one request is sent at most. Attempts that sent nothing do not count.
        tries: u32 as Number(1, 100),
        /// Also repeat requests whose method is not idempotent, such as POST.
        non_idempotent: bool as Flag,
    }
}

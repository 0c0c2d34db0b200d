//! Browsers, which do not ask the system.

use std::fmt::Display;

/// What makes those of a user believe a certificate. It is said and not done: browsers have to be closed for it, and which
/// of them are whose is for their user to know.
pub(super) fn said(file: &dyn Display) -> String {
    format!(
        "Browsers have stores of their own (certutil is in the package libnss3-tools); as their user, with the browser closed,\n\
         where {file} can be read:\n  \
         Chromium, Chrome: mkdir -p ~/.pki/nssdb\n  \
         certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n '{NAME}' -i {file}\n  \
         Firefox: for profile in ~/.mozilla/firefox/*.*/; do\n  \
         certutil -d \"sql:$profile\" -A -t C,, -n '{NAME}' -i {file}; done\n\
         In place of `-A -t C,,` and `-i`, `-D` takes it away again.\n"
    )
}

/// What the stores call it.
const NAME: &str = "Bridgehead Local Authority";

//! Fields that applications say to their server, and that no client gets.

use crate::protocol::fields::{FieldName, FieldNames};

/// Fields by which applications ask nginx, lighttpd and Apache for something. They often hold paths that are nothing for
/// clients.
pub const ASKED: [FieldName; 6] = [
    FieldName::XAccelCharset,
    FieldName::XAccelExpires,
    FieldName::XAccelLimitRate,
    FieldName::XAccelRedirect,
    FieldName::XLighttpdSendFile,
    FieldName::XSendfile,
];

/// All that is hidden: those; the name of the server program, which is for attackers first of all; and the word of the
/// gateway about errors, which no application can say.
pub const PRIVATE: FieldNames = FieldNames::of(&ASKED)
    .with(FieldName::Server)
    .with(FieldName::BridgeheadError);

//! `pass_headers` of a route: fields that are hidden unless they are named.

use crate::config::units::Named;
use crate::protocol::fields::FieldName;

impl Named for FieldName {
    const KIND: &'static str = "hidden field";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("Server", Self::Server),
        ("X-Accel-Charset", Self::XAccelCharset),
        ("X-Accel-Expires", Self::XAccelExpires),
        ("X-Accel-Limit-Rate", Self::XAccelLimitRate),
        ("X-Accel-Redirect", Self::XAccelRedirect),
        ("X-LIGHTTPD-send-file", Self::XLighttpdSendFile),
        ("X-Sendfile", Self::XSendfile),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontend::private_fields::PRIVATE;
    use crate::protocol::fields::FieldNames;

    #[test]
    fn all_that_is_hidden_can_be_passed_but_what_the_gateway_says_itself() {
        let names: Vec<_> = FieldName::NAMES.iter().map(|(_, name)| *name).collect();
        assert_eq!(
            FieldNames::of(&names),
            PRIVATE.without(FieldName::BridgeheadError)
        );
        for (text, name) in FieldName::NAMES {
            assert_eq!(*text, name.as_str());
        }
    }
}

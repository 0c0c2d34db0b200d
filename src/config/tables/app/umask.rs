//! `[app.NAME] umask`.

use crate::config::units::Text;

/// Octal digits.
pub(super) const UMASK: Text<u32> = Text {
    words: "octal digits",
    read: |typed, complaints| {
        let mask = u32::from_str_radix(typed, 8).ok().filter(|mask| *mask <= 0o777);
        if mask.is_none() {
            complaints
                .error(typed.span(), "not a mask of modes")
                .help("write octal digits, such as \"027\"");
        }
        mask
    },
    show: |mask| format!("{mask:03o}"),
};

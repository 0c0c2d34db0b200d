//! Which coding a client gets.

/// A content coding that we make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Smaller and faster than gzip. Browsers ask for it over TLS alone.
    Zstd,
    /// Known to every client.
    Gzip,
}

/// What a client says of a coding: thousandths; `None`: it does not name it.
type Weight = Option<u16>;

impl Coding {
    /// The best first.
    pub const ALL: &'static [Self] = &[
        #[cfg(feature = "zstd")]
        Self::Zstd,
        Self::Gzip,
    ];

    /// Its name in `Content-Encoding`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The coding that a client likes best, by the values of its `Accept-Encoding` (RFC 9110, section 12.5.3): the first
    /// of `offered` among equals. `None`: it would rather have the plain form, or takes none of them.
    pub fn choose<'a>(offered: &[Self], accept: impl Iterator<Item = &'a [u8]> + Clone) -> Option<Self> {
        let weight = |name: &str| weight(accept.clone(), name);
        let any = weight("*").unwrap_or(0);
        let plain = weight("identity").unwrap_or(0);
        let mut best: Option<(Self, u16)> = None;
        for coding in offered {
            let liked = coding.weight(weight).unwrap_or(any);
            if liked > 0 && liked >= plain && best.is_none_or(|(_, most)| liked > most) {
                best = Some((*coding, liked));
            }
        }
        best.map(|(coding, _)| coding)
    }

    /// Its weight under each of its names (RFC 9110, section 8.4.1.3).
    fn weight(self, named: impl Fn(&str) -> Weight) -> Weight {
        match self {
            Self::Gzip => named("gzip").or_else(|| named("x-gzip")),
            Self::Zstd => named("zstd"),
        }
    }
}

fn weight<'a>(mut accept: impl Iterator<Item = &'a [u8]>, name: &str) -> Weight {
    accept.find_map(|value| {
        value.split(|byte| *byte == b',').find_map(|member| {
            let (own, parameter) = split(member, b';');
            own.trim_ascii()
                .eq_ignore_ascii_case(name.as_bytes())
                .then(|| quality(parameter))
        })
    })
}

/// `q=0.5` in thousandths; 1 without one, and 0 where it is no weight: such a coding is not risked.
fn quality(parameter: &[u8]) -> u16 {
    let parameter = parameter.trim_ascii();
    if parameter.is_empty() {
        return 1000;
    }
    let (name, value) = split(parameter, b'=');
    let text = std::str::from_utf8(value.trim_ascii()).unwrap_or_default();
    let value = match name.trim_ascii().eq_ignore_ascii_case(b"q") {
        true => text.parse().unwrap_or(0.0_f32),
        false => 0.0,
    };
    // A cast from NaN and from what is out of range saturates.
    (value.clamp(0.0, 1.0) * 1000.0).round() as u16
}

fn split(text: &[u8], at: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == at) {
        Some(place) => (&text[..place], &text[place + 1..]),
        None => (text, b""),
    }
}

#[cfg(all(test, feature = "zstd"))]
mod tests {
    use super::*;

    fn chosen(accept: &[&str]) -> Option<&'static str> {
        let values = accept.iter().map(|value| value.as_bytes());
        Coding::choose(Coding::ALL, values).map(Coding::as_str)
    }

    #[test]
    fn the_coding_with_the_greatest_weight_is_chosen_and_ours_among_equals() {
        for (accept, coding) in [
            ("gzip", Some("gzip")),
            ("x-gzip", Some("gzip")),
            ("GZIP;Q=0.5", Some("gzip")),
            ("gzip, deflate, br", Some("gzip")),
            ("gzip, deflate, br, zstd", Some("zstd")),
            ("zstd;q=0.5, gzip;q=0.8", Some("gzip")),
            ("gzip;q=0.001", Some("gzip")),
            ("*", Some("zstd")),
            ("*;q=0.1, zstd;q=0", Some("gzip")),
            ("gzip;q=0, *", Some("zstd")),
            ("gzip;q=0.5, identity", None),
            ("gzip, identity;q=0.5", Some("gzip")),
            ("gzip;q=0", None),
            ("gzip;q=0.0", None),
            ("gzip;q=x", None),
            ("gzip;level=9", None),
            ("identity", None),
            ("br", None),
            ("*;q=0", None),
            ("", None),
            (",;,=", None),
        ] {
            assert_eq!(chosen(&[accept]), coding, "{accept}");
        }
    }

    #[test]
    fn several_fields_are_one_list() {
        assert_eq!(chosen(&["br", "gzip"]), Some("gzip"));
        assert_eq!(chosen(&["zstd;q=0.2", "gzip;q=0.3"]), Some("gzip"));
    }

    #[test]
    fn a_client_that_says_nothing_gets_the_plain_form() {
        assert_eq!(chosen(&[]), None);
    }
}

//! How much a client likes one of several things that it names (RFC 9110, section 12.4.2).

use super::value::trim;

/// The weight among the parameters behind a name, `;q=0.5` without its first semicolon, in thousandths: 1,000 where none
/// is said, 0 where what is said is none.
pub fn weight(parameters: &[u8]) -> u16 {
    let weight = parameters.split(|byte| *byte == b';').find_map(|parameter| {
        let end = parameter.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (trim(&parameter[..end]), trim(&parameter[end + 1..]));
        name.eq_ignore_ascii_case(b"q").then_some(value)
    });
    let Some(weight) = weight else {
        return 1000;
    };
    let text = std::str::from_utf8(weight).unwrap_or_default();
    let value = text.parse().unwrap_or(0.0_f32);
    // A cast from NaN and from what is out of range saturates.
    (value.clamp(0.0, 1.0) * 1000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_found_among_other_parameters() {
        for (parameters, thousandths) in [
            ("", 1000),
            ("level=1", 1000),
            ("q=0.5", 500),
            (" Q = 0.125 ; a=b", 125),
            ("a=b;q=1.000", 1000),
            ("q=0", 0),
            ("q=2", 1000),
            ("q=-1", 0),
            ("q=nan", 0),
            ("q=", 0),
            ("q=x", 0),
        ] {
            assert_eq!(weight(parameters.as_bytes()), thousandths, "{parameters}");
        }
    }
}

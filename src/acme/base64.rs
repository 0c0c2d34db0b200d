//! base64url without padding (RFC 4648, section 5), which is how JOSE writes bytes.

use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);

const JOSE: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Bytes as text.
pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    JOSE.encode(bytes)
}

/// Text as bytes; `None` for what is none. Padding, and the two letters of plain base64, are taken all the same: people
/// copy them.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    JOSE.decode(text.replace('+', "-").replace('/', "_")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_back() {
        let bytes: Vec<u8> = (0..=255).rev().collect();
        for length in 0..bytes.len() {
            let text = encode(&bytes[..length]);
            assert_eq!(decode(&text).as_deref(), Some(&bytes[..length]), "{text}");
        }
    }

    #[test]
    fn the_samples_of_the_rfc() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(plain), text);
        }
        assert_eq!(decode("Zg=="), Some(b"f".to_vec()));
        assert_eq!(decode("-_+/"), decode("-_-_"));
        assert_eq!(decode("Z"), None);
        assert_eq!(decode("Zm 8"), None);
    }
}

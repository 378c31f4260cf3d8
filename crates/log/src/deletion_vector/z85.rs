//! Z85, the base-85 alphabet of deletion vector descriptors ([ZeroMQ RFC 32](https://rfc.zeromq.org/spec/32/)): each 4 bytes
//! are 5 characters, none of which needs escaping in JSON.

use crate::error::{Error, ErrorKind, Result};
use uuid::Uuid;

/// The length of an encoded UUID.
pub(super) const UUID_CHARS: usize = 20;

/// Encodes `bytes`, padded with zeros to a multiple of four.
pub(super) fn encode_padded(bytes: &[u8]) -> String {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0);
    z85::encode(padded)
}

/// Decodes `text` and drops the padding behind the first `len` bytes, of which there can be at most three.
pub(super) fn decode_padded(text: &str, len: usize) -> Result<Vec<u8>> {
    let mut bytes = decode(text)?;
    if bytes.len() != len.next_multiple_of(4) {
        return Err(corrupt("an inline deletion vector is not as long as its descriptor says")
            .with("decoded_bytes", bytes.len())
            .with("size_in_bytes", len));
    }
    bytes.truncate(len);
    Ok(bytes)
}

/// Encodes the 16 bytes of a UUID.
pub(super) fn encode_uuid(id: Uuid) -> String {
    z85::encode(id.as_bytes())
}

/// Decodes a UUID from its [`UUID_CHARS`] characters.
pub(super) fn decode_uuid(text: &str) -> Result<Uuid> {
    Uuid::from_slice(&decode(text)?).map_err(|error| corrupt("the name of a deletion vector is no UUID").because(error))
}

fn decode(text: &str) -> Result<Vec<u8>> {
    z85::decode(text).map_err(|error| corrupt("a deletion vector descriptor is no valid Z85 text").because(error))
}

fn corrupt(message: &str) -> Error {
    Error::new(ErrorKind::CorruptLog, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn the_specifications_uuid_round_trips() {
        let id: Uuid = "d2c639aa-8816-431a-aaf6-d3fe2512ff61".parse().unwrap();
        assert_eq!(decode_uuid("^-aqEH.-t@S}K{vb[*k^").unwrap(), id);
        assert_eq!(encode_uuid(id), "^-aqEH.-t@S}K{vb[*k^");
    }

    #[rstest]
    #[case::no_padding(&[1, 2, 3, 4])]
    #[case::three_of_padding(&[1, 2, 3, 4, 5])]
    #[case::nothing(&[])]
    fn padding_comes_and_goes(#[case] bytes: &[u8]) {
        assert_eq!(decode_padded(&encode_padded(bytes), bytes.len()).unwrap(), bytes);
    }

    #[rstest]
    #[case::too_short("00000", 5)]
    #[case::too_long("0000000000", 4)]
    #[case::absurd_size("00000", usize::MAX - 8)]
    #[case::no_group_of_five("0000", 4)]
    #[case::not_in_the_alphabet("0000 ", 4)]
    #[case::no_ascii("0000é", 4)]
    fn bad_text_is_an_error_of_the_log(#[case] text: &str, #[case] len: usize) {
        assert_eq!(decode_padded(text, len).unwrap_err().kind(), ErrorKind::CorruptLog);
    }
}

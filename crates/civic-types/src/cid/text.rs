use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;

use super::{Cid, CidError, Repr};

/// Base32, and the text of a CIDv0 as it is.
impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Long(bytes) if bytes.first() == Some(&0x12) => {
                f.write_str(&bs58::encode(bytes).into_string())
            }
            _ => write!(f, "b{}", BASE32_NOPAD.encode(self.as_bytes()).to_ascii_lowercase()),
        }
    }
}

/// Reads base32 and base36 in lower case, base58btc and CIDv0 text.
impl FromStr for Cid {
    type Err = CidError;

    fn from_str(text: &str) -> Result<Self, CidError> {
        if text.len() == 46 && text.starts_with("Qm") {
            return Self::from_bytes(&bs58::decode(text).into_vec().map_err(|_| CidError::Text)?);
        }
        let mut chars = text.chars();
        let base = chars.next().ok_or(CidError::Base)?;
        let digits = chars.as_str();
        let bytes = match base {
            'b' if text.bytes().any(|b| b.is_ascii_uppercase()) => return Err(CidError::Text),
            'b' => BASE32_NOPAD.decode(digits.to_ascii_uppercase().as_bytes()).map_err(|_| CidError::Text)?,
            'k' | 'z' if digits.len() > MAX_DIGITS => return Err(CidError::Text),
            'k' => base36(digits).ok_or(CidError::Text)?,
            'z' => bs58::decode(digits).into_vec().map_err(|_| CidError::Text)?,
            _ => return Err(CidError::Base),
        };
        if bytes.first() == Some(&0x12) {
            return Err(CidError::Version);
        }
        Self::from_bytes(&bytes)
    }
}

/// Bytes from base36 in lower case: a large number, after one zero byte for each zero in front.
fn base36(digits: &str) -> Option<Vec<u8>> {
    let zeros = digits.bytes().take_while(|digit| *digit == b'0').count();
    let mut number: Vec<u8> = Vec::new();
    for digit in digits.bytes().skip(zeros) {
        let mut carry = match digit {
            b'0'..=b'9' => u32::from(digit - b'0'),
            b'a'..=b'z' => u32::from(digit - b'a') + 10,
            _ => return None,
        };
        for byte in &mut number {
            let [low, rest @ ..] = (u32::from(*byte) * 36 + carry).to_le_bytes();
            *byte = low;
            carry = u32::from(rest[0]);
        }
        number.extend(u8::try_from(carry).ok().filter(|carry| *carry > 0));
    }
    number.resize(number.len() + zeros, 0);
    number.reverse();
    Some(number)
}

/// Most digits of base36 or base58: reading them takes time in the square of their number.
const MAX_DIGITS: usize = 1024;

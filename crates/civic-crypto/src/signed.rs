//! Signatures over items, and [`Verifier`], which remembers admitted keys.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use civic_types::item::{Frame, Item, SignedItem};
use civic_types::label::Label;
use civic_types::{Cid, HashAlgorithm, PublicKey, Signature};

use crate::{DeviceKey, Error, VerifyingKey};

/// Admitted keys that a [`Verifier`] remembers: 4096 of about 200 bytes.
pub const MAX_CACHED_KEYS: usize = 4096;

/// What an item's signature covers after the label: the kind, then the bytes of its CID.
#[must_use]
pub fn item_message(kind: u8, cid: &Cid) -> Vec<u8> {
    let mut message = Vec::with_capacity(1 + cid.as_bytes().len());
    message.push(kind);
    message.extend_from_slice(cid.as_bytes());
    message
}

/// Signs an item by its kind and CID.
#[must_use]
pub fn sign_item(key: &DeviceKey, kind: u8, cid: &Cid) -> Signature {
    key.sign(Label::ITEM, &item_message(kind, cid))
}

/// Signs an item and frames it.
///
/// # Errors
///
/// [`Error::Malformed`] never happens for one pair; the type says so for all frames.
pub fn seal_item(key: &DeviceKey, item: Item, hash: HashAlgorithm) -> Result<SignedItem, Error> {
    let signature = sign_item(key, item.kind(), &item.id(hash).cid);
    let frame =
        Frame::new(vec![(key.public_key(), signature)]).map_err(|_| Error::Malformed { what: "frame" })?;
    Ok(SignedItem { item, frame })
}

/// Verifies by the one rule and remembers which keys were admitted, so that the costly admission runs
/// once a key. A key that was refused is not remembered: it costs its sender each time.
#[derive(Debug, Default)]
pub struct Verifier(Mutex<HashMap<PublicKey, VerifyingKey>>);

impl Verifier {
    /// Knows no key yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The admitted form of a key.
    ///
    /// # Errors
    ///
    /// [`Error::PublicKey`].
    pub fn key(&self, key: &PublicKey) -> Result<VerifyingKey, Error> {
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(known.clone());
        }
        let admitted = VerifyingKey::admit(key)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_CACHED_KEYS {
            known.clear();
        }
        known.insert(*key, admitted.clone());
        Ok(admitted)
    }

    /// Whether the signature of an item holds under a key.
    #[must_use]
    pub fn item(&self, key: &PublicKey, kind: u8, cid: &Cid, signature: &Signature) -> bool {
        self.key(key).and_then(|key| key.verify(Label::ITEM, &item_message(kind, cid), signature)).is_ok()
    }

    /// The frame without its invalid pairs.
    ///
    /// # Errors
    ///
    /// [`Error::Signature`] when none is valid: the delivery is refused, never the id.
    pub fn frame(&self, item: &SignedItem, hash: HashAlgorithm) -> Result<Frame, Error> {
        let id = item.item.id(hash);
        let pairs = item.frame.pairs();
        let valid =
            pairs.iter().filter(|(key, signature)| self.item(key, id.kind, &id.cid, signature)).copied();
        Frame::new(valid.collect()).map_err(|_| Error::Signature)
    }
}

#[cfg(test)]
mod tests {
    use civic_types::item::{ItemError, kind};
    use civic_types::limits::{MAX_FRAME_PAIRS, MAX_ITEM_BYTES};

    use super::*;

    const HASH: HashAlgorithm = HashAlgorithm::Sha2_256;

    fn key(seed: u8) -> DeviceKey {
        DeviceKey::from_seed(&[seed; 32])
    }

    #[test]
    fn invalid_pairs_are_dropped_and_a_frame_without_a_valid_one_is_refused() {
        let (verifier, item) = (Verifier::new(), Item::new(kind::DEVICE_LIST, &b"\x80"[..]).unwrap());
        let signed = seal_item(&key(1), item.clone(), HASH).unwrap();
        let good = signed.frame.pairs()[0];
        assert_eq!(verifier.frame(&signed, HASH).unwrap(), signed.frame);
        let forged = (key(2).public_key(), good.1);
        let mixed = SignedItem { item: item.clone(), frame: Frame::new(vec![forged, good]).unwrap() };
        assert_eq!(verifier.frame(&mixed, HASH).unwrap().pairs(), [good]);
        let none = SignedItem { item: item.clone(), frame: Frame::new(vec![forged]).unwrap() };
        assert!(matches!(verifier.frame(&none, HASH), Err(Error::Signature)));
        let foreign = SignedItem { item: Item::new(kind::GRANT, &b"\x80"[..]).unwrap(), frame: signed.frame };
        assert!(matches!(verifier.frame(&foreign, HASH), Err(Error::Signature)), "the kind is signed too");
    }

    #[test]
    fn items_and_frames_are_bounded() {
        assert!(Item::new(kind::GRANT, vec![0; MAX_ITEM_BYTES]).is_ok());
        let large = Item::new(kind::GRANT, vec![0; MAX_ITEM_BYTES + 1]);
        assert_eq!(large, Err(ItemError::TooLarge { got: MAX_ITEM_BYTES + 1, limit: MAX_ITEM_BYTES }));
        let pair = (key(1).public_key(), sign_item(&key(1), kind::GRANT, &Cid::raw(HASH, b"x")));
        assert!(matches!(Frame::new(Vec::new()), Err(ItemError::Frame { got: 0, .. })));
        assert!(Frame::new(vec![pair; MAX_FRAME_PAIRS]).is_ok());
        assert!(matches!(Frame::new(vec![pair; MAX_FRAME_PAIRS + 1]), Err(ItemError::Frame { .. })));
    }
}

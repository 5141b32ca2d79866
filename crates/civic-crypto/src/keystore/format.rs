#![warn(clippy::indexing_slicing)]

use std::collections::BTreeMap;

use civic_types::cbor::{self, Decoder, Encoder};
use civic_types::label::Label;
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::KeyStoreError;
use super::slot::{Kdf, KdfParams, TYPE_ARGON2ID, TYPE_PBKDF2};
use crate::aead::{decrypt, encrypt};
use crate::rng::random_bytes;

/// Most slots of one file.
pub const MAX_SLOTS: usize = 8;

/// Most bytes of all entries together.
pub const MAX_ENTRIES_BYTES: usize = 64 * 1024;

const MAGIC: &[u8; 4] = b"CBKS";
const FORMAT: u8 = 1;
const STORE_ID_LEN: usize = 16;
const NONCE_LEN: usize = 24;

/// Secrets by name.
pub(super) type Entries = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// An opened store.
pub(super) struct Unlocked {
    pub(super) store_id: [u8; STORE_ID_LEN],
    pub(super) slots: Vec<(u8, Vec<u8>)>,
    master: Zeroizing<[u8; 32]>,
    pub(super) entries: Entries,
}

impl Unlocked {
    pub(super) fn create(
        passphrase: &str,
        params: KdfParams,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, KeyStoreError> {
        let (store_id, master) = (random_bytes(rng), Zeroizing::new(random_bytes(rng)));
        let mut made = Self { store_id, slots: Vec::new(), master, entries: Entries::new() };
        let slot = made.slot(passphrase, params, rng)?;
        made.slots.push(slot);
        Ok(made)
    }

    /// Puts a new passphrase in the place of every one there was; the entries are not encrypted anew.
    pub(super) fn set_passphrase(
        &mut self,
        passphrase: &str,
        params: KdfParams,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), KeyStoreError> {
        let slot = self.slot(passphrase, params, rng)?;
        self.slots.retain(|(slot_type, _)| !matches!(*slot_type, TYPE_ARGON2ID | TYPE_PBKDF2));
        self.slots.insert(0, slot);
        Ok(())
    }

    pub(super) fn encode(&self, rng: &mut dyn CryptoRng) -> Result<Vec<u8>, KeyStoreError> {
        let entries = encode_entries(&self.entries)?;
        let count = u8::try_from(self.slots.len()).ok().filter(|n| usize::from(*n) <= MAX_SLOTS);
        let count = count.ok_or(KeyStoreError::TooLarge { what: "key slots", limit: MAX_SLOTS })?;
        let mut out = [&MAGIC[..], &[FORMAT], &self.store_id, &[count]].concat();
        for (slot_type, body) in &self.slots {
            let too_large =
                KeyStoreError::TooLarge { what: "bytes of a key slot", limit: usize::from(u16::MAX) };
            out.push(*slot_type);
            out.extend_from_slice(&u16::try_from(body.len()).map_err(|_| too_large)?.to_be_bytes());
            out.extend_from_slice(body);
        }
        let nonce: [u8; NONCE_LEN] = random_bytes(rng);
        let ciphertext = encrypt(&entries_key(&self.master), &nonce, &out, &entries);
        out.extend_from_slice(&nonce);
        // Bounded by MAX_ENTRIES_BYTES and the tag.
        out.extend_from_slice(&u32::try_from(ciphertext.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(&ciphertext);
        Ok(out)
    }

    pub(super) fn decode(bytes: &[u8], passphrase: &str) -> Result<Self, KeyStoreError> {
        let parsed = Parsed::read(bytes).ok_or(KeyStoreError::Unlock)?;
        let mut master = None;
        for (slot_type, body) in &parsed.slots {
            if !matches!(*slot_type, TYPE_ARGON2ID | TYPE_PBKDF2) || master.is_some() {
                continue;
            }
            let (kdf, wrap) = Kdf::decode(*slot_type, body)?;
            let (nonce, wrapped) = wrap.split_first_chunk::<NONCE_LEN>().ok_or(KeyStoreError::Unlock)?;
            let before =
                body.len().checked_sub(wrap.len()).and_then(|end| body.get(..end)).unwrap_or_default();
            let aad = wrap_aad(&parsed.store_id, *slot_type, body.len(), before);
            if let Ok(key) = decrypt(&*kdf.key(passphrase)?, nonce, &aad, wrapped) {
                let key = Zeroizing::new(key);
                master = <[u8; 32]>::try_from(key.as_slice()).ok().map(Zeroizing::new);
            }
        }
        let master = master.ok_or(KeyStoreError::Unlock)?;
        let entries = decrypt(&entries_key(&master), &parsed.nonce, parsed.head, parsed.ciphertext);
        let entries = Zeroizing::new(entries.map_err(|_| KeyStoreError::Unlock)?);
        let entries = decode_entries(&entries).map_err(|_| KeyStoreError::Unlock)?;
        let slots = parsed.slots.into_iter().map(|(slot_type, body)| (slot_type, body.to_vec())).collect();
        Ok(Self { store_id: parsed.store_id, slots, master, entries })
    }

    fn slot(
        &self,
        passphrase: &str,
        params: KdfParams,
        rng: &mut dyn CryptoRng,
    ) -> Result<(u8, Vec<u8>), KeyStoreError> {
        let kdf = Kdf::new(params, rng)?;
        let before = kdf.encode();
        let length = before.len() + NONCE_LEN + self.master.len() + 16;
        let aad = wrap_aad(&self.store_id, kdf.slot_type(), length, &before);
        let nonce: [u8; NONCE_LEN] = random_bytes(rng);
        let wrapped = encrypt(&*kdf.key(passphrase)?, &nonce, &aad, &self.master[..]);
        Ok((kdf.slot_type(), [&before[..], &nonce, &wrapped].concat()))
    }
}

struct Parsed<'a> {
    store_id: [u8; STORE_ID_LEN],
    slots: Vec<(u8, &'a [u8])>,
    /// Everything before the nonce.
    head: &'a [u8],
    nonce: [u8; NONCE_LEN],
    ciphertext: &'a [u8],
}

impl<'a> Parsed<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(&[FORMAT])?;
        let (store_id, rest) = rest.split_first_chunk()?;
        let (count, mut rest) = rest.split_first()?;
        let mut slots = Vec::new();
        for _ in 0..usize::from(*count) {
            let (slot_type, after) = rest.split_first()?;
            let (length, after) = after.split_first_chunk()?;
            let (body, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            slots.push((*slot_type, body));
            rest = after;
        }
        let head = bytes.get(..bytes.len().checked_sub(rest.len())?)?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (length, ciphertext) = rest.split_first_chunk()?;
        let whole = usize::try_from(u32::from_be_bytes(*length)).ok()? == ciphertext.len();
        let bounded = slots.len() <= MAX_SLOTS && ciphertext.len() <= MAX_ENTRIES_BYTES + 16;
        (whole && bounded).then_some(Self { store_id: *store_id, slots, head, nonce: *nonce, ciphertext })
    }
}

fn entries_key(master: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    // 32 bytes are far below HKDF's limit, the one thing that expand refuses.
    let _infallible =
        Hkdf::<Sha256>::new(None, master).expand(Label::KEYSTORE_ENTRIES.as_bytes(), &mut key[..]);
    key
}

/// Label ‖ store id ‖ the slot's bytes before its wrap: type, length, parameters, salt.
fn wrap_aad(store_id: &[u8], slot_type: u8, length: usize, before: &[u8]) -> Vec<u8> {
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    [Label::KEYSTORE_WRAP.as_bytes(), store_id, &[slot_type], &length, before].concat()
}

/// A CBOR map of names to bytes.
fn encode_entries(entries: &Entries) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
    let mut ordered: Vec<_> = entries.iter().collect();
    ordered.sort_by_key(|(name, _)| (name.len(), name.as_str()));
    let mut out = Encoder::with_capacity(MAX_ENTRIES_BYTES);
    out.map(ordered.len());
    for (name, secret) in ordered {
        out.text(name).bytes(secret);
    }
    let bytes = Zeroizing::new(out.into_bytes());
    if bytes.len() > MAX_ENTRIES_BYTES {
        return Err(KeyStoreError::TooLarge { what: "bytes of key store entries", limit: MAX_ENTRIES_BYTES });
    }
    Ok(bytes)
}

fn decode_entries(bytes: &[u8]) -> Result<Entries, cbor::Error> {
    let mut input = Decoder::new(bytes);
    let (mut entries, mut last) = (Entries::new(), None);
    for _ in 0..input.map()? {
        let name = input.key(&mut last)?.to_owned();
        entries.insert(name, Zeroizing::new(input.bytes()?.to_vec()));
    }
    input.finish()?;
    Ok(entries)
}

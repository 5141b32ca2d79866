//! Device lists: which devices an agent has. This version writes and reads the first list, which names
//! the agent; later lists answer [`Error::Unsupported`].

use civic_types::cbor::{Decoder, Encoder};
use civic_types::item::{Item, SignedItem, kind};
use civic_types::label::Label;
use civic_types::{AgentId, HashAlgorithm, PublicKey, Signature};
use sha2::{Digest, Sha256};

use crate::signed::seal_item;
use crate::{DeviceKey, Error, ExchangeKey, VerifyingKey};

/// Most devices of one list.
pub const MAX_DEVICES: usize = 32;

/// Most recovery contacts of one list.
pub const MAX_RECOVERY_KEYS: usize = 16;

const FORMAT: u64 = 1;
const FIRST_SEQ: u64 = 1;
const MALFORMED: Error = Error::Malformed { what: "device list" };

/// The first list of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceList {
    /// The key that signs the agent's lists.
    pub root: PublicKey,
    /// Who may together name a new root.
    pub recovery: Recovery,
    /// The devices, ascending by key.
    pub devices: Vec<Device>,
}

/// `threshold` of these keys may name a new root; with none, nobody may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// How many are needed.
    pub threshold: u64,
    /// The keys, ascending.
    pub keys: Vec<PublicKey>,
}

/// One device, with the proof that it agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its identity key.
    pub key: PublicKey,
    /// Its X25519 key, to seal mail to.
    pub exchange: [u8; 32],
    /// When it was added, in seconds since 1970.
    pub added_s: u64,
    /// Its proof of possession.
    pub proof: Signature,
}

impl DeviceList {
    /// The list of an agent with this one device, which is also its root.
    #[must_use]
    pub fn single(device: &DeviceKey, exchange: &ExchangeKey, added_s: u64) -> Self {
        let (root, recovery) = (device.public_key(), Recovery::default());
        let exchange = exchange.public_bytes();
        let message = proof_message(&root, &recovery, &root, &exchange);
        let proof = device.sign(Label::DEVICE_LINK, &message);
        Self { root, recovery, devices: vec![Device { key: root, exchange, added_s, proof }] }
    }

    /// The agent that this list names.
    #[must_use]
    pub fn agent_id(&self) -> AgentId {
        AgentId::derive(&self.encode())
    }

    /// The canonical bytes, without signature.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(8).uint(FORMAT).null().uint(FIRST_SEQ).null().bytes(self.root.as_bytes());
        self.recovery.encode(&mut out);
        out.array(self.devices.len());
        for device in &self.devices {
            out.array(4).bytes(device.key.as_bytes()).bytes(&device.exchange).uint(device.added_s);
            out.bytes(device.proof.as_bytes());
        }
        out.array(0);
        out.into_bytes()
    }

    /// Reads and checks a first list: form, order, bounds, and every device's proof.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], [`Error::Signature`], [`Error::PublicKey`]; [`Error::Unsupported`] for a
    /// later list.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let list = Self::parse(bytes)?;
        VerifyingKey::admit(&list.root)?;
        for device in &list.devices {
            let message = proof_message(&list.root, &list.recovery, &device.key, &device.exchange);
            VerifyingKey::admit(&device.key)?.verify(Label::DEVICE_LINK, &message, &device.proof)?;
        }
        Ok(list)
    }

    /// The signed item that travels; `root` must be the list's root key.
    ///
    /// # Errors
    ///
    /// [`Error::PublicKey`] when it is another key, [`Error::Malformed`] when the list is too long.
    pub fn sign(&self, root: &DeviceKey) -> Result<SignedItem, Error> {
        if root.public_key() != self.root {
            return Err(Error::PublicKey);
        }
        let item = Item::new(kind::DEVICE_LIST, self.encode()).map_err(|_| MALFORMED)?;
        seal_item(root, item, HashAlgorithm::Sha2_256)
    }

    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = Decoder::new(bytes);
        if malformed(input.array())? != 8 || malformed(input.uint())? != FORMAT {
            return Err(MALFORMED);
        }
        if !input.try_null() {
            return Err(Error::Unsupported { what: "a later device list" });
        }
        if malformed(input.uint())? != FIRST_SEQ || !input.try_null() {
            return Err(MALFORMED);
        }
        let root = PublicKey::from_bytes(malformed(input.byte_array())?);
        let recovery = Recovery::decode(&mut input)?;
        let count = malformed(input.array())?;
        if count == 0 || count > MAX_DEVICES {
            return Err(MALFORMED);
        }
        let mut devices = Vec::with_capacity(count);
        for _ in 0..count {
            devices.push(Device::decode(&mut input)?);
        }
        if malformed(input.array())? != 0 || !devices.is_sorted_by(|a, b| a.key < b.key) {
            return Err(MALFORMED);
        }
        malformed(input.finish())?;
        Ok(Self { root, recovery, devices })
    }
}

impl Recovery {
    fn encode(&self, out: &mut Encoder) {
        out.array(2).uint(self.threshold).array(self.keys.len());
        for key in &self.keys {
            out.bytes(key.as_bytes());
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Error> {
        if malformed(input.array())? != 2 {
            return Err(MALFORMED);
        }
        let threshold = malformed(input.uint_up_to(MAX_RECOVERY_KEYS as u64))?;
        let count = malformed(input.array())?;
        if count > MAX_RECOVERY_KEYS || threshold > count as u64 {
            return Err(MALFORMED);
        }
        let mut keys = Vec::with_capacity(count);
        for _ in 0..count {
            keys.push(PublicKey::from_bytes(malformed(input.byte_array())?));
        }
        if keys.is_sorted_by(|a, b| a < b) { Ok(Self { threshold, keys }) } else { Err(MALFORMED) }
    }
}

impl Device {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, Error> {
        if malformed(input.array())? != 4 {
            return Err(MALFORMED);
        }
        let key = PublicKey::from_bytes(malformed(input.byte_array())?);
        let exchange = malformed(input.byte_array())?;
        let added_s = malformed(input.uint())?;
        let proof = Signature::from_bytes(malformed(input.byte_array())?);
        Ok(Self { key, exchange, added_s, proof })
    }
}

/// What a device signs to join a first list: stand-in agent ‖ seq ‖ its two keys.
fn proof_message(root: &PublicKey, recovery: &Recovery, key: &PublicKey, exchange: &[u8; 32]) -> Vec<u8> {
    let mut encoded = Encoder::new();
    recovery.encode(&mut encoded);
    let agent = Sha256::new().chain_update(root.as_bytes()).chain_update(encoded.as_bytes()).finalize();
    [&agent[..], &FIRST_SEQ.to_be_bytes(), key.as_bytes(), exchange].concat()
}

fn malformed<T>(result: Result<T, civic_types::cbor::Error>) -> Result<T, Error> {
    result.map_err(|_| MALFORMED)
}

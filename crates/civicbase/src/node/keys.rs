#[cfg(feature = "lan")]
use std::path::Path;
use std::sync::Arc;

use civic_crypto::community::{CommunityKey, Genesis, TicketAddress};
use civic_crypto::devices::DeviceList;
use civic_crypto::keystore::KeyFile;
#[cfg(feature = "lan")]
use civic_crypto::keystore::{KdfParams, KeyStoreError};
use civic_crypto::rng::SystemRng;
#[cfg(feature = "lan")]
use civic_crypto::rng::random_bytes;
use civic_crypto::{DeviceKey, ExchangeKey};
#[cfg(feature = "lan")]
use civic_store::StoreKey;
use civic_types::PeerId;
use civic_types::cbor::{self, Decoder, Encoder};
use zeroize::Zeroizing;

use super::membership::Member;
use crate::error::Error;

/// Names of the entries in the key file.
const DEVICE: &str = "device";
const EXCHANGE: &str = "exchange";
const DEVICES: &str = "devices";
#[cfg(feature = "lan")]
const STORE: &str = "store";
const COMMUNITIES: &str = "communities";

const FORMAT: u64 = 1;
const MALFORMED: Error = Error::Crypto(civic_crypto::Error::Malformed { what: "list of communities" });

/// A device's secrets in its key file.
#[derive(Debug)]
pub(super) struct KeyRing(KeyFile);

impl KeyRing {
    #[cfg(feature = "lan")]
    /// Opens the file or makes it. Takes as long as its key derivation, some tenths of a second.
    pub(super) fn open_or_create(path: &Path, passphrase: &str, params: KdfParams) -> Result<Self, Error> {
        let there = path.exists();
        let opened = if there {
            KeyFile::open(path, passphrase)
        } else {
            KeyFile::create(path, passphrase, params, &mut SystemRng::new())
        };
        opened.map(Self).map_err(|error| match error {
            KeyStoreError::Unlock if there => Error::WrongPassphrase { path: path.to_owned() },
            KeyStoreError::Unlock => Error::Unsupported { what: "a key derivation of that strength" },
            error => error.into(),
        })
    }

    /// Takes a key file that the application has opened.
    pub(super) const fn new(file: KeyFile) -> Self {
        Self(file)
    }

    /// The device's key, its first device list, and the key of its store, all made if they are missing.
    pub(super) fn device(&mut self, now_s: u64) -> Result<(Arc<DeviceKey>, DeviceList), Error> {
        let mut rng = SystemRng::new();
        let device = match self.0.get_32(DEVICE) {
            Some(seed) => DeviceKey::from_seed(&seed),
            None => DeviceKey::generate(&mut rng),
        };
        let exchange = match self.0.get_32(EXCHANGE) {
            Some(secret) => ExchangeKey::from_bytes(&secret),
            None => ExchangeKey::generate(&mut rng),
        };
        let list = match self.0.get(DEVICES) {
            Some(bytes) => DeviceList::decode(bytes)?,
            None => DeviceList::single(&device, &exchange, now_s),
        };
        if list.root != device.public_key() {
            return Err(civic_crypto::Error::Malformed {
                what: "key file: its device list is another device's",
            }
            .into());
        }
        let all = [DEVICE, EXCHANGE, DEVICES].iter().all(|name| self.0.get(name).is_some());
        if !all {
            let (seed, secret, encoded) = (device.seed(), exchange.to_bytes(), list.encode());
            let entries = [(DEVICE, &seed[..]), (EXCHANGE, &secret[..]), (DEVICES, &encoded[..])];
            self.0.set(entries, &mut rng)?;
        }
        Ok((Arc::new(device), list))
    }

    #[cfg(feature = "lan")]
    /// The key of the store, made if it is missing.
    pub(super) fn store_key(&mut self) -> Result<StoreKey, Error> {
        if let Some(secret) = self.0.get_32(STORE) {
            return Ok(StoreKey::from_bytes(*secret));
        }
        let mut rng = SystemRng::new();
        let secret: Zeroizing<[u8; 32]> = Zeroizing::new(random_bytes(&mut rng));
        self.0.set([(STORE, &secret[..])], &mut rng)?;
        Ok(StoreKey::from_bytes(*secret))
    }

    pub(super) fn members(&self) -> Result<Vec<Member>, Error> {
        match self.0.get(COMMUNITIES) {
            Some(bytes) => decode(bytes).map_err(|_| MALFORMED)?.into_iter().map(Encoded::open).collect(),
            None => Ok(Vec::new()),
        }
    }

    pub(super) fn save_members<'a>(
        &mut self,
        members: impl Iterator<Item = &'a Member>,
    ) -> Result<(), Error> {
        let encoded = encode(&members.collect::<Vec<_>>());
        Ok(self.0.set([(COMMUNITIES, &encoded[..])], &mut SystemRng::new())?)
    }
}

struct Encoded<'a> {
    genesis: &'a [u8],
    key: [u8; 32],
    addresses: Vec<TicketAddress>,
}

impl Encoded<'_> {
    fn open(self) -> Result<Member, Error> {
        let genesis = Genesis::decode(self.genesis)?;
        Ok(Member { genesis, key: CommunityKey::from_bytes(self.key), addresses: self.addresses })
    }
}

/// `[1, [[genesis, key, [[peer or null, address] …]] …]]`.
fn encode(members: &[&Member]) -> Zeroizing<Vec<u8>> {
    let mut out = Encoder::new();
    out.array(2).uint(FORMAT).array(members.len());
    for member in members {
        out.array(3).bytes(&member.genesis.encode()).bytes(&member.key.to_bytes()[..]);
        out.array(member.addresses.len());
        for address in &member.addresses {
            out.array(2);
            match &address.peer {
                Some(peer) => out.bytes(peer.as_bytes()),
                None => out.null(),
            };
            out.text(&address.address);
        }
    }
    Zeroizing::new(out.into_bytes())
}

fn decode(bytes: &[u8]) -> Result<Vec<Encoded<'_>>, cbor::Error> {
    let mut input = Decoder::new(bytes);
    expect(&mut input, 2)?;
    input.uint_up_to(FORMAT)?;
    let mut members = Vec::new();
    for _ in 0..input.array()? {
        expect(&mut input, 3)?;
        let (genesis, key) = (input.bytes()?, input.byte_array()?);
        let mut addresses = Vec::new();
        for _ in 0..input.array()? {
            expect(&mut input, 2)?;
            let peer = if input.try_null() { None } else { Some(PeerId::from_bytes(input.byte_array()?)) };
            addresses.push(TicketAddress { peer, address: input.text()?.to_owned() });
        }
        members.push(Encoded { genesis, key, addresses });
    }
    input.finish()?;
    Ok(members)
}

fn expect(input: &mut Decoder<'_>, elements: usize) -> Result<(), cbor::Error> {
    let offset = input.offset();
    if input.array()? == elements {
        Ok(())
    } else {
        Err(cbor::Error { kind: cbor::ErrorKind::Range, offset })
    }
}

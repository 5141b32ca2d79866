//! [`Sealed`]: an engine whose values are encrypted.
//!
//! Every value is sealed by XChaCha20-Poly1305 under a key of the store, with the store's id, the table and
//! the key as associated data: a value that was changed, moved to another key or brought from another
//! store gives [`Error::Corrupt`]. That is also the store's protection from bit rot.
//!
//! What it does not hide: how many rows there are, how large they are, when they change, and the tables
//! and keys of records. What it does not notice on a read: a row that was removed as a whole, or a whole file put
//! back to an earlier state.

mod key;

use bytes::Bytes;
use civic_crypto::aead::RecordKey;
use civic_crypto::rng::{SystemRng, random_bytes};
use civic_types::label::Label;

pub use key::StoreKey;

use crate::adapter::{DurabilityProof, Maintain, Report};
use crate::batch::Durability;
use crate::engine::{Blinder, Engine, EngineOp, KeyRange, Pair, Snapshot, Table};
use crate::error::Error;

/// Key of the row that says which store this is and lets a key be tried.
const SEAL: &[u8] = b"seal";
/// What that row's check opens to.
const CHECK: &[u8] = b"civicbase";
const STORE_ID_LEN: usize = 16;
const SUM_LEN: usize = 16;

/// An engine that encrypts what another keeps.
#[derive(Debug)]
pub struct Sealed<E: Engine> {
    inner: E,
    cipher: Cipher,
    blinder: Blinder,
}

#[derive(Clone, Debug)]
struct Cipher {
    key: RecordKey,
    store: [u8; STORE_ID_LEN],
}

impl<E: Engine> Sealed<E> {
    /// Opens a sealed engine, or seals an empty one.
    ///
    /// # Errors
    ///
    /// [`Error::WrongKey`] when it was sealed with another key, [`Error::Corrupt`] when its seal is
    /// damaged, [`Error::InvalidRequest`] when it holds clear data; else what the engine says.
    pub fn open(inner: E, key: &StoreKey) -> Result<Self, Error> {
        let snapshot = inner.snapshot()?;
        let seal = match snapshot.get(Table::Seal, SEAL)? {
            Some(seal) => seal,
            None => {
                for table in Table::ALL {
                    if !snapshot.scan(table, &KeyRange::all(), 1)?.is_empty() {
                        return Err(Error::InvalidRequest {
                            what: "the store holds clear data: it is not sealed",
                        });
                    }
                }
                drop(snapshot);
                let seal = new_seal(key);
                let op =
                    EngineOp { table: Table::Seal, key: Bytes::from_static(SEAL), value: Some(seal.clone()) };
                inner.write(&[op], Durability::Full)?;
                seal
            }
        };
        let cipher = try_seal(key, &seal)?;
        let blinder = Blinder::new(&key.derive(Label::STORE_BLIND, &cipher.store));
        Ok(Self { inner, cipher, blinder })
    }
}

impl<E: Engine> Engine for Sealed<E> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn write(&self, ops: &[EngineOp], durability: Durability) -> Result<(), Error> {
        let sealed: Vec<EngineOp> = ops
            .iter()
            .map(|op| EngineOp {
                table: op.table,
                key: op.key.clone(),
                value: op.value.as_ref().map(|value| self.cipher.seal(op.table, &op.key, value)),
            })
            .collect();
        self.inner.write(&sealed, durability)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
        Ok(Box::new(SealedSnapshot { inner: self.inner.snapshot()?, cipher: self.cipher.clone() }))
    }

    fn maintain(&self, task: Maintain) -> Result<Report, Error> {
        self.inner.maintain(task)
    }

    fn proof(&self) -> DurabilityProof {
        self.inner.proof()
    }

    fn blinder(&self) -> Option<Blinder> {
        Some(self.blinder.clone())
    }

    fn close(&self) -> Result<(), Error> {
        self.inner.close()
    }
}

struct SealedSnapshot {
    inner: Box<dyn Snapshot>,
    cipher: Cipher,
}

impl Snapshot for SealedSnapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let sealed = self.inner.get(table, key)?;
        sealed.map(|sealed| self.cipher.open(table, key, &sealed)).transpose()
    }

    fn scan(&self, table: Table, range: &KeyRange, limit: usize) -> Result<Vec<Pair>, Error> {
        // The seal itself is not part of what was sealed.
        if table == Table::Seal {
            return Ok(Vec::new());
        }
        let sealed = self.inner.scan(table, range, limit)?;
        sealed
            .into_iter()
            .map(|(key, value)| Ok((key.clone(), self.cipher.open(table, &key, &value)?)))
            .collect()
    }
}

impl Cipher {
    fn seal(&self, table: Table, key: &[u8], value: &[u8]) -> Bytes {
        self.key.seal(&mut SystemRng::new(), &self.associated(table, key), value).into()
    }

    fn open(&self, table: Table, key: &[u8], sealed: &[u8]) -> Result<Bytes, Error> {
        let opened = self.key.open(&self.associated(table, key), sealed);
        // The cause says nothing more, by design.
        opened.map(Bytes::from).map_err(|_| Error::Corrupt { what: "a sealed value" })
    }

    /// Store id, table, key.
    fn associated(&self, table: Table, key: &[u8]) -> Vec<u8> {
        [&self.store, &[table.number()][..], key].concat()
    }
}

/// `store id 16 ‖ checksum 16 ‖ sealed check`: the checksum tells damage from a wrong key.
fn new_seal(key: &StoreKey) -> Bytes {
    let store: [u8; STORE_ID_LEN] = random_bytes(&mut SystemRng::new());
    let cipher = Cipher { key: RecordKey::from_bytes(*key.derive(Label::STORE_RECORD, &store)), store };
    let check = cipher.seal(Table::Seal, SEAL, CHECK);
    Bytes::from([&store[..], &checksum(&store, &check), &check].concat())
}

fn try_seal(key: &StoreKey, seal: &[u8]) -> Result<Cipher, Error> {
    let damaged = Error::Corrupt { what: "the store's seal" };
    let Some((store, rest)) = seal.split_first_chunk::<STORE_ID_LEN>() else { return Err(damaged) };
    let Some((sum, check)) = rest.split_first_chunk::<SUM_LEN>() else { return Err(damaged) };
    if *sum != checksum(store, check) {
        return Err(damaged);
    }
    let cipher =
        Cipher { key: RecordKey::from_bytes(*key.derive(Label::STORE_RECORD, store)), store: *store };
    match cipher.open(Table::Seal, SEAL, check) {
        Ok(opened) if opened == CHECK => Ok(cipher),
        _ => Err(Error::WrongKey),
    }
}

fn checksum(store: &[u8], check: &[u8]) -> [u8; SUM_LEN] {
    let mut sum = [0; SUM_LEN];
    blake3::Hasher::new().update(store).update(check).finalize_xof().fill(&mut sum);
    sum
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engines::MemoryEngine;

    fn row(table: Table, key: &'static [u8], value: &'static [u8]) -> EngineOp {
        EngineOp { table, key: Bytes::from_static(key), value: Some(Bytes::from_static(value)) }
    }

    #[test]
    fn a_value_opens_at_its_own_place_only() {
        let inner = Arc::new(MemoryEngine::new());
        let sealed = Sealed::open(Arc::clone(&inner), &StoreKey::from_bytes([1; 32])).unwrap();
        sealed.write(&[row(Table::Records, b"a", b"secret")], Durability::Full).unwrap();
        assert_eq!(sealed.snapshot().unwrap().get(Table::Records, b"a").unwrap().unwrap(), "secret");

        let value = inner.snapshot().unwrap().get(Table::Records, b"a").unwrap().unwrap();
        assert!(!value.windows(6).any(|bytes| bytes == b"secret"));
        for (table, key) in [(Table::Records, b"b"), (Table::Blobs, b"a")] {
            let moved = EngineOp { table, key: Bytes::from_static(key), value: Some(value.clone()) };
            inner.write(&[moved], Durability::Full).unwrap();
            let read = sealed.snapshot().unwrap().get(table, key);
            assert!(matches!(read, Err(Error::Corrupt { .. })), "{table:?}");
        }
        for at in 0..value.len() {
            let mut changed = value.to_vec();
            changed[at] ^= 1;
            let op = EngineOp { table: Table::Records, key: "a".into(), value: Some(changed.into()) };
            inner.write(&[op], Durability::Full).unwrap();
            assert!(matches!(
                sealed.snapshot().unwrap().get(Table::Records, b"a"),
                Err(Error::Corrupt { .. })
            ));
        }
    }

    #[test]
    fn a_wrong_key_a_damaged_seal_and_clear_data_are_told_apart() {
        let inner = Arc::new(MemoryEngine::new());
        let open = |key| Sealed::open(Arc::clone(&inner), &StoreKey::from_bytes([key; 32]));
        drop(open(1).unwrap());
        assert!(open(1).is_ok());
        assert!(matches!(open(2), Err(Error::WrongKey)));

        let seal = inner.snapshot().unwrap().get(Table::Seal, SEAL).unwrap().unwrap();
        for at in 0..seal.len() {
            let mut changed = seal.to_vec();
            changed[at] ^= 1;
            let op = EngineOp { table: Table::Seal, key: SEAL.into(), value: Some(changed.into()) };
            inner.write(&[op], Durability::Full).unwrap();
            assert!(matches!(open(1), Err(Error::Corrupt { .. })), "byte {at}");
        }

        let clear = MemoryEngine::new();
        clear.write(&[row(Table::Records, b"a", b"b")], Durability::Full).unwrap();
        let sealed = Sealed::open(clear, &StoreKey::from_bytes([1; 32]));
        assert!(matches!(sealed, Err(Error::InvalidRequest { .. })));
    }
}

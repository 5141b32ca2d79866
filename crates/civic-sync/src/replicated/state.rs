use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use bytes::Bytes;
use civic_crdt::root::database_root;
use civic_crypto::DeviceKey;
use civic_crypto::rng::random_bytes;
use civic_store::{Origin, Record, RecordScan, StorageAdapter, WriteBatch};
use civic_types::item::ReplicaRecord;
use civic_types::{Cid, CollectionId, CollectionSpec, CommunityId, PeerId};
use rand_core::CryptoRng;

use super::Replicated;
use crate::error::Error;
use crate::session::ScopeView;
use crate::table::{self, Cursor, ScopeState};

/// What a store's replication is made of.
pub(super) struct Meta {
    pub(super) record: ReplicaRecord,
    pub(super) row_secret: [u8; 32],
    pub(super) epoch: [u8; 16],
}

const NONCE: &[u8] = b"nonce";
const ROW_SECRET: &[u8] = b"row-secret";
const EPOCH: &[u8] = b"epoch";
const DEVICE: &[u8] = b"device";

impl Meta {
    pub(super) async fn load_or_create(
        store: &dyn StorageAdapter,
        key: &DeviceKey,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<Self, Error> {
        let damaged = || Error::Damaged { what: "the replica's identity" };
        if let Some(nonce) = record(store, table::META, NONCE).await? {
            let nonce = nonce.as_ref().try_into().map_err(|_| damaged())?;
            let row_secret = record(store, table::META, ROW_SECRET).await?.ok_or_else(damaged)?;
            let epoch = record(store, table::META, EPOCH).await?.ok_or_else(damaged)?;
            let device = record(store, table::META, DEVICE).await?.ok_or_else(damaged)?;
            if device.as_ref() != key.public_key().as_bytes() {
                return Err(Error::Damaged { what: "the store belongs to another device" });
            }
            return Ok(Self {
                record: ReplicaRecord { key: key.public_key(), nonce },
                row_secret: row_secret.as_ref().try_into().map_err(|_| damaged())?,
                epoch: epoch.as_ref().try_into().map_err(|_| damaged())?,
            });
        }
        let made = Self {
            record: ReplicaRecord { key: key.public_key(), nonce: random_bytes(rng) },
            row_secret: random_bytes(rng),
            epoch: random_bytes(rng),
        };
        let meta = |key: &'static [u8], value: &[u8]| {
            table::put(table::META, Bytes::from_static(key), Bytes::copy_from_slice(value))
        };
        let replica = Bytes::copy_from_slice(made.record.id().as_bytes());
        let batch = WriteBatch::new()
            .with(meta(NONCE, &made.record.nonce))
            .with(meta(ROW_SECRET, &made.row_secret))
            .with(meta(EPOCH, &made.epoch))
            .with(meta(DEVICE, key.public_key().as_bytes()))
            .with(table::put(table::REPLICA, replica, made.record.to_bytes().to_vec()));
        store.commit(batch, Origin::Local).await?;
        Ok(made)
    }
}

impl Replicated {
    /// The scopes of these communities as they are now, ascending by collection.
    pub(crate) async fn scopes(
        &self,
        peer: &PeerId,
        communities: &[CommunityId],
        cursors: &[(CollectionId, Cursor)],
    ) -> Result<Vec<ScopeView>, Error> {
        let mut scopes = Vec::new();
        for spec in self.collections() {
            if !communities.contains(&spec.community) {
                continue;
            }
            let collection = spec.id();
            let state = record(&*self.store, table::SCOPE, collection.as_bytes()).await?;
            let state = ScopeState::read(state, &self.shared.epoch)?;
            let peer_key = [&peer.as_bytes()[..], collection.as_bytes()].concat();
            let consumed = record(&*self.store, table::PEER, &peer_key).await?;
            let consumed = consumed.map(|bytes| decode_cursor(&bytes)).transpose()?;
            let cursor = cursors.iter().find(|(id, _)| *id == collection).map(|(_, cursor)| cursor);
            let verified = match cursor {
                Some(cursor) => self.verifies(&collection, cursor).await?,
                None => false,
            };
            scopes.push(ScopeView {
                collection,
                community: spec.community,
                definition: spec.encode().into(),
                count: state.seq,
                logs: state.logs,
                fingerprint: state.hash.fingerprint(&*self.shared.scope_key(&spec)?),
                end: Cursor { seq: state.seq, chain: state.chain },
                consumed,
                verified,
            });
        }
        scopes.sort_by_key(|scope| scope.collection);
        Ok(scopes)
    }

    /// Remembers what we have consumed of a peer's log.
    pub(crate) async fn remember(
        &self,
        peer: &PeerId,
        consumed: &[(CollectionId, Cursor)],
        unequal: &[CollectionId],
    ) -> Result<(), Error> {
        let mut batch = WriteBatch { durability: civic_store::Durability::Relaxed, ..WriteBatch::new() };
        let key = |collection: &CollectionId| table::key(&[peer.as_bytes(), collection.as_bytes()]);
        for (collection, cursor) in consumed {
            let mut out = civic_types::cbor::Encoder::new();
            cursor.encode_into(&mut out);
            batch.push(table::put(table::PEER, key(collection), out.into_bytes()));
        }
        for collection in unequal {
            batch.push(table::remove(table::PEER, key(collection)));
        }
        if !batch.ops.is_empty() {
            self.store.commit(batch, Origin::Remote(*peer)).await?;
        }
        Ok(())
    }

    /// The root over all replicated collections that are known here.
    ///
    /// # Errors
    ///
    /// As [`root`](Self::root).
    pub async fn database_root(&self) -> Result<Cid, Error> {
        let mut roots = Vec::new();
        for spec in self.collections() {
            let id = spec.id();
            roots.push((id, self.root(&id).await?));
        }
        Ok(database_root(&roots))
    }
}

/// The definitions that the store has.
pub(super) async fn load_definitions(store: &dyn StorageAdapter) -> Result<Vec<CollectionSpec>, Error> {
    let records = all(store, table::DEFINITION, &[]).await?;
    let decode = |record: Record| CollectionSpec::decode(&record.value);
    records
        .into_iter()
        .map(decode)
        .collect::<Result<_, _>>()
        .map_err(|_| Error::Damaged { what: "a definition" })
}

/// One record.
pub(super) async fn record(
    store: &dyn StorageAdapter,
    table: &str,
    key: &[u8],
) -> Result<Option<Bytes>, Error> {
    let scan = RecordScan::table(table).prefix(Bytes::copy_from_slice(key)).limit(1);
    let page = store.records(&scan).await?;
    Ok(page.items.into_iter().next().filter(|record| record.key.as_ref() == key).map(|record| record.value))
}

/// All records that start so.
pub(super) async fn all(
    store: &dyn StorageAdapter,
    table: &str,
    prefix: &[u8],
) -> Result<Vec<Record>, Error> {
    let mut scan = RecordScan::table(table).prefix(Bytes::copy_from_slice(prefix));
    let mut records = Vec::new();
    loop {
        let page = store.records(&scan).await?;
        let last = page.items.last().map(|record| record.key.clone());
        records.extend(page.items);
        match (page.next, last) {
            (Some(_), Some(last)) => scan = scan.after(last),
            _ => return Ok(records),
        }
    }
}

fn decode_cursor(bytes: &[u8]) -> Result<Cursor, Error> {
    let mut input = civic_types::cbor::Decoder::new(bytes);
    Ok(Cursor::decode_from(&mut input)?)
}

pub(super) fn lock<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

use std::sync::Arc;

use bytes::Bytes;
use civic_crdt::Version;
use civic_crdt::version::Rules;
use civic_store::{Record, RecordScan, StorageAdapter};
use civic_types::cbor::{self, Decoder};
use civic_types::item::{ReplicaRecord, kind};
use civic_types::{Cid, CollectionId, CollectionSpec, DocumentId, PeerId, Signature};

use super::{Held, Ledger};
use crate::error::Error;

/// The record tables of civic-sync, read as its documentation of them says.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    store: Arc<dyn StorageAdapter>,
    collection: CollectionId,
    rules: Rules,
}

impl Tables {
    pub(crate) fn new(store: Arc<dyn StorageAdapter>, spec: &CollectionSpec) -> Self {
        Self { store, collection: spec.id(), rules: Rules::from(spec) }
    }

    async fn of_collection(&self, table: &str) -> Result<Vec<Record>, Error> {
        all(&*self.store, RecordScan::table(table).prefix(self.prefix(&[]))).await
    }

    async fn one(&self, table: &str, key: Bytes) -> Result<Option<Bytes>, Error> {
        let page = self.store.records(&RecordScan::table(table).prefix(key.clone()).limit(1)).await?;
        Ok(page.items.into_iter().find(|record| record.key == key).map(|record| record.value))
    }

    fn prefix(&self, rest: &[&[u8]]) -> Bytes {
        Bytes::from([&[&self.collection.as_bytes()[..]], rest].concat().concat())
    }

    async fn at(&self, place: &[u8]) -> Result<Held, Error> {
        let bytes = self.one(VERSION, self.prefix(&[place])).await?;
        self.held(&bytes.ok_or(Error::Table { table: VERSION, what: "a version is missing" })?)
    }

    fn held(&self, bytes: &Bytes) -> Result<Held, Error> {
        let damaged = |_| Error::Table { table: VERSION, what: "no version" };
        let (header, signature) = version(bytes).map_err(damaged)?;
        let version = Version::decode(bytes.slice_ref(header), &self.rules)
            .map_err(|_| Error::Table { table: VERSION, what: "a header that breaks the rules" })?;
        Ok(Held { version, signature })
    }
}

impl Ledger for Tables {
    async fn newest_own(&self) -> Result<Option<(u64, Cid)>, Error> {
        let Some(bytes) = self.one(AUTHOR, self.prefix(&[])).await? else { return Ok(None) };
        let mut input = Decoder::new(&bytes);
        let read = input.array().and_then(|_| Ok((input.uint()?, input.link()?)));
        read.map(Some).map_err(|_| Error::Table { table: AUTHOR, what: "no place in a log" })
    }

    async fn own_after(&self, position: u64) -> Result<Vec<Version>, Error> {
        let Some((newest, cid)) = self.newest_own().await? else { return Ok(Vec::new()) };
        if newest <= position {
            return Ok(Vec::new());
        }
        let item = self.one(ITEM, self.prefix(&[&[kind::VERSION], cid.as_bytes()])).await?;
        let last = self.at(&item.ok_or(Error::Table { table: ITEM, what: "an item is missing" })?).await?;
        let replica = last.version.header().replica;
        let log = self.prefix(&[replica.as_bytes()]);
        // Keys of the place itself go on with a CID, which never starts so.
        let after = self.prefix(&[replica.as_bytes(), &position.to_be_bytes(), &[0xff]]);
        let mut versions = Vec::new();
        for record in all(&*self.store, RecordScan::table(LOG).prefix(log).after(after)).await? {
            // The place, then the number of the arrival.
            let place = record.value.get(..PLACE_BYTES);
            let place = place.ok_or(Error::Table { table: LOG, what: "no place" })?;
            versions.push(self.at(place).await?.version);
        }
        Ok(versions)
    }

    async fn count(&self) -> Result<u64, Error> {
        let Some(bytes) = self.one(SCOPE, self.prefix(&[])).await? else { return Ok(0) };
        let mut input = Decoder::new(&bytes);
        input.array().and_then(|_| input.uint()).map_err(|_| Error::Table { table: SCOPE, what: "no scope" })
    }

    async fn versions(&self) -> Result<Vec<Held>, Error> {
        self.of_collection(VERSION).await?.iter().map(|record| self.held(&record.value)).collect()
    }

    async fn arrivals(&self) -> Result<Vec<(Cid, Option<PeerId>)>, Error> {
        let damaged = |_| Error::Table { table: ARRIVAL, what: "no arrival" };
        self.of_collection(ARRIVAL)
            .await?
            .iter()
            .map(|record| arrival(&record.value).map_err(damaged))
            .collect()
    }

    async fn replicas(&self) -> Result<Vec<ReplicaRecord>, Error> {
        let mut found = Vec::new();
        for record in all(&*self.store, RecordScan::table(REPLICA)).await? {
            let (records, rest) = record.value.as_chunks::<48>();
            if !rest.is_empty() || records.is_empty() {
                return Err(Error::Table { table: REPLICA, what: "no replica records" });
            }
            let records = records.iter().map(ReplicaRecord::from_bytes);
            // A record stands under the id that it makes.
            let mine = records.filter(|made| made.id().as_bytes()[..] == record.key[..]);
            found.extend(mine);
        }
        Ok(found)
    }

    async fn heads(&self) -> Result<Vec<(DocumentId, Vec<Cid>)>, Error> {
        let damaged = |_| Error::Table { table: HEAD, what: "no heads" };
        self.of_collection(HEAD).await?.iter().map(|record| head(&record.value).map_err(damaged)).collect()
    }
}

pub(super) async fn definitions(store: &dyn StorageAdapter) -> Result<Vec<CollectionSpec>, Error> {
    let records = all(store, RecordScan::table(DEFINITION)).await?;
    let decode = |record: &Record| CollectionSpec::decode(&record.value);
    let specs = records.iter().map(decode).collect::<Result<_, _>>();
    specs.map_err(|_| Error::Table { table: DEFINITION, what: "no definition" })
}

/// `CBOR([header, signature or null])`.
fn version(bytes: &[u8]) -> Result<(&[u8], Option<Signature>), cbor::Error> {
    let mut input = Decoder::new(bytes);
    input.array()?;
    let header = input.bytes()?;
    let signature = if input.try_null() { None } else { Some(Signature::from_bytes(input.byte_array()?)) };
    input.finish()?;
    Ok((header, signature))
}

/// `CBOR([cid, short id, chain, source or null, place])`.
fn arrival(bytes: &[u8]) -> Result<(Cid, Option<PeerId>), cbor::Error> {
    let mut input = Decoder::new(bytes);
    input.array()?;
    let cid = input.link()?;
    input.uint()?;
    input.bytes()?;
    let source = if input.try_null() { None } else { Some(PeerId::from_bytes(input.byte_array()?)) };
    Ok((cid, source))
}

/// `CBOR([document, versions, [head…]])`.
fn head(bytes: &[u8]) -> Result<(DocumentId, Vec<Cid>), cbor::Error> {
    let mut input = Decoder::new(bytes);
    input.array()?;
    let (offset, text) = (input.offset(), input.text()?);
    let document = DocumentId::new(text).map_err(|_| cbor::Error { kind: cbor::ErrorKind::Range, offset })?;
    input.uint()?;
    let heads = (0..input.array()?).map(|_| input.link()).collect::<Result<_, _>>()?;
    Ok((document, heads))
}

async fn all(store: &dyn StorageAdapter, mut scan: RecordScan) -> Result<Vec<Record>, Error> {
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

/// A document's row and the version's number in it.
const PLACE_BYTES: usize = 20;

const ARRIVAL: &str = "sync.arrival";
const AUTHOR: &str = "sync.author";
const DEFINITION: &str = "sync.definition";
const HEAD: &str = "sync.head";
const ITEM: &str = "sync.item";
const LOG: &str = "sync.log";
const REPLICA: &str = "sync.replica";
const SCOPE: &str = "sync.scope";
const VERSION: &str = "sync.version";

//! Who really wrote: one signature vouches for an author's whole unbroken run.
//!
//! A version is authentic when its own signature verifies, or when an unbroken chain of `q` links leads to
//! it from a header of the same replica and collection whose signature does. Nothing else of the headers
//! on the chain is checked, and they may be ones that are not held or never admitted: hashes bind them.
#![warn(clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use civic_types::cbor::{self, Decoder};
use civic_types::item::{ReplicaRecord, kind};
use civic_types::{Cid, CollectionId, HashAlgorithm, PublicKey, ReplicaId, Signature};

use super::Version;

/// The hook that checks one signature.
///
/// `message` is what [`item_message`] gives; the label `civicbase/item/1` goes in front of it and is the
/// implementor's to prepend, so that no signature for another purpose can pass. Closures implement it.
pub trait Verify {
    /// Whether `key` signed `message` under the label of items.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool;
}

impl<F: Fn(&PublicKey, &[u8], &Signature) -> bool> Verify for F {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        self(key, message, signature)
    }
}

/// What an item's signature covers after the label: kind u8, then the CID's bytes.
#[must_use]
pub fn item_message(kind: u8, cid: &Cid) -> Vec<u8> {
    let mut message = Vec::with_capacity(1 + cid.as_bytes().len());
    message.push(kind);
    message.extend_from_slice(cid.as_bytes());
    message
}

/// The part of a header that binds it into its author's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainLink {
    /// The header's CID.
    pub cid: Cid,
    /// Its collection.
    pub collection: CollectionId,
    /// Its replica.
    pub replica: ReplicaId,
    /// The link to the header before it.
    pub previous: Option<Cid>,
}

impl ChainLink {
    /// Reads the link out of canonical bytes that need not be an admissible header: a proof may lead
    /// through versions that nobody would admit.
    ///
    /// # Errors
    ///
    /// [`cbor::Error`] unless the bytes are a canonical map in which `c`, `q` and `r` have their types.
    pub fn decode(bytes: &[u8], hash: HashAlgorithm) -> Result<Self, cbor::Error> {
        let wrong = |offset| cbor::Error { kind: cbor::ErrorKind::Type, offset };
        // The whole is walked first, so that nesting counts from the outermost map.
        let mut whole = Decoder::new(bytes);
        whole.raw()?;
        whole.finish()?;
        let mut input = Decoder::new(bytes);
        let (mut collection, mut replica, mut previous) = (None, None, None);
        let mut last = None;
        for _ in 0..input.map()? {
            match input.key(&mut last)? {
                "c" => collection = Some(CollectionId::from_bytes(input.byte_array()?)),
                "q" => previous = Some(if input.try_null() { None } else { Some(input.link()?) }),
                "r" => replica = Some(ReplicaId::from_bytes(input.byte_array()?)),
                _ => drop(input.raw()?),
            }
        }
        let offset = input.offset();
        match (collection, replica, previous) {
            (Some(collection), Some(replica), Some(previous)) => {
                Ok(Self { cid: Cid::dag_cbor(hash, bytes), collection, replica, previous })
            }
            _ => Err(wrong(offset)),
        }
    }
}

impl From<&Version> for ChainLink {
    fn from(version: &Version) -> Self {
        let header = version.header();
        Self {
            cid: version.cid().clone(),
            collection: header.collection,
            replica: header.replica,
            previous: header.previous.clone(),
        }
    }
}

/// What [`authenticate`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authenticated {
    /// Every header that is authentic.
    pub authentic: BTreeSet<Cid>,
    /// Those whose own signature was verified. Other signatures were not looked at, because a chain made
    /// it needless, or are wrong: keep only these.
    pub signed: BTreeSet<Cid>,
}

/// Finds which of these headers are authentic, with one verification per unbroken run where it can.
///
/// `headers` may be of several replicas and in any order. Of several records with one id each is tried.
pub fn authenticate<I>(headers: I, records: &[ReplicaRecord], verify: &dyn Verify) -> Authenticated
where
    I: IntoIterator<Item = (ChainLink, Option<Signature>)>,
{
    let mut keys: BTreeMap<ReplicaId, BTreeSet<PublicKey>> = BTreeMap::new();
    for record in records {
        keys.entry(record.id()).or_default().insert(record.key);
    }
    let mut links: Vec<ChainLink> = Vec::new();
    let mut signatures: Vec<(usize, Signature)> = Vec::new();
    for (link, signature) in headers {
        signatures.extend(signature.map(|signature| (links.len(), signature)));
        links.push(link);
    }
    let chains = Chains::new(&links);
    // Tips first: what a good tip vouches for needs no verification of its own.
    let mut followed = vec![false; links.len()];
    for at in chains.before.iter().flatten() {
        followed.get_mut(*at).into_iter().for_each(|followed| *followed = true);
    }
    signatures.sort_by_key(|(at, _)| followed.get(chains.first(*at)).copied());
    let mut authentic = vec![false; links.len()];
    let mut signed = BTreeSet::new();
    for (at, signature) in signatures {
        let Some(link) = links.get(at) else { continue };
        if authentic.get(chains.first(at)).is_some_and(|authentic| *authentic) {
            continue;
        }
        let message = item_message(kind::VERSION, &link.cid);
        let verifies = |key: &PublicKey| verify.verify(key, &message, &signature);
        if keys.get(&link.replica).is_some_and(|keys| keys.iter().any(verifies)) {
            signed.insert(link.cid.clone());
            chains.vouch(chains.first(at), &mut authentic);
        }
    }
    let authentic = links.iter().zip(authentic).filter(|(_, authentic)| *authentic);
    Authenticated { authentic: authentic.map(|(link, _)| link.cid.clone()).collect(), signed }
}

/// Headers by number, and which stands before which in its log.
struct Chains {
    /// Of one header given several times, the number that stands for all.
    same: Vec<usize>,
    before: Vec<Option<usize>>,
}

impl Chains {
    fn new(links: &[ChainLink]) -> Self {
        let mut numbers: HashMap<&Cid, usize> = HashMap::with_capacity(links.len());
        let same = links.iter().enumerate().map(|(at, link)| *numbers.entry(&link.cid).or_insert(at));
        let same = same.collect();
        let before = |link: &ChainLink| {
            let at = *numbers.get(link.previous.as_ref()?)?;
            let before = links.get(at)?;
            (before.replica == link.replica && before.collection == link.collection).then_some(at)
        };
        Self { same, before: links.iter().map(before).collect() }
    }

    fn first(&self, at: usize) -> usize {
        self.same.get(at).copied().unwrap_or(at)
    }

    /// Marks a header and everything behind it in its log.
    fn vouch(&self, tip: usize, authentic: &mut [bool]) {
        let mut next = Some(tip);
        while let Some(at) = next {
            match authentic.get_mut(at) {
                Some(known) if !*known => *known = true,
                _ => return,
            }
            next = self.before.get(at).copied().flatten();
        }
    }
}

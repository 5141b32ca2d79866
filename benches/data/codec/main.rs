//! Canonical DAG-CBOR beside serde_ipld_dagcbor: G9 encoding, G10 strict decoding, G11 encoding and a CID.
//!
//! Documents of 159 B and of 1.6 KB, as `Value` here and as `Ipld` there.

mod documents;

use cid::Cid as PeerCid;
use civic_figures::{Outcome, Series, beside, busy, cpu, figure, rounds, same};
use civic_types::cid::HashAlgorithm;
use civic_types::{Cid, Value, cbor};
use documents::{large, small};
use ipld_core::ipld::Ipld;
use multihash_codetable::{Code, MultihashDigest};

/// Calls in a round: some milliseconds of them.
const CALLS: usize = 20_000;

const PEER: &str = "serde_ipld_dagcbor 0.7";
const DAG_CBOR: u64 = 0x71;

fn main() -> Outcome {
    for (size, value) in [("159B", small()), ("1.6KB", large())] {
        let bytes = cbor::encode(&value)?;
        let ipld: Ipld = serde_ipld_dagcbor::from_slice(&bytes)?;
        alike(&value, &ipld, &bytes)?;
        let what = format!("{} B encoded", bytes.len());
        let (a, b) = calls(|| cbor::encode(&value), || serde_ipld_dagcbor::to_vec(&ipld));
        beside(&format!("G9-{size}"), &what, "ns", &a, PEER, &b);
        let what = format!("{} B decoded", bytes.len());
        let (a, b) = calls(|| cbor::decode(&bytes), || serde_ipld_dagcbor::from_slice::<Ipld>(&bytes));
        beside(&format!("G10-{size}"), &what, "ns", &a, PEER, &b);
        let what = format!("{} B encoded, and their CID with sha2-256", bytes.len());
        let (a, b) = calls(|| cid_ours(&value), || cid_theirs(&ipld));
        beside(&format!("G11-{size}"), &what, "ns", &a, PEER, &b);
    }
    figure("load", "processes that wanted to run at the end", "processes", &busy()?);
    Ok(())
}

/// The two sides do the same work: equal bytes and CIDs, and what the bytes say is read alike.
fn alike(value: &Value, ipld: &Ipld, bytes: &[u8]) -> Outcome {
    same("bytes", &cbor::encode(value)?, &serde_ipld_dagcbor::to_vec(ipld)?)?;
    same("CID", &cid_ours(value)?.as_bytes().to_vec(), &cid_theirs(ipld)?.to_bytes())?;
    same("value", &cbor::decode(bytes)?, value)?;
    // Bytes that are not canonical must fail on both sides, or one of them checks less.
    let mut longer = bytes.to_vec();
    longer.push(0);
    let refused = (cbor::decode(&longer).is_err(), serde_ipld_dagcbor::from_slice::<Ipld>(&longer).is_err());
    same("refusal", &refused, &(true, true))
}

fn cid_ours(value: &Value) -> Result<Cid, cbor::Error> {
    Ok(Cid::dag_cbor(HashAlgorithm::Sha2_256, &cbor::encode(value)?))
}

fn cid_theirs(ipld: &Ipld) -> Outcome<PeerCid> {
    Ok(PeerCid::new_v1(DAG_CBOR, Code::Sha2_256.digest(&serde_ipld_dagcbor::to_vec(ipld)?)))
}

/// Nanoseconds a call.
fn calls<A, B>(ours: impl Fn() -> A, theirs: impl Fn() -> B) -> (Series, Series) {
    fn each<T>(call: impl Fn() -> T) -> f64 {
        let all = || (0..CALLS).for_each(|_| drop(std::hint::black_box(call())));
        cpu(all).1 / CALLS as f64
    }
    rounds(|| each(&ours), || each(&theirs))
}

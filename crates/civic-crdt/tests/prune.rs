//! Pruning: who has to agree, on what, and how long nobody may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use civic_crdt::prune::{MAX_MEMBERS, Members, Prune, PruneError, complete};
use civic_types::cbor::Encoder;
use civic_types::{Cid, CollectionId, HashAlgorithm, PublicKey};

const HASH: HashAlgorithm = HashAlgorithm::Sha2_256;
const COLLECTION: CollectionId = CollectionId::from_bytes([7; 32]);

fn key(number: usize) -> PublicKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    PublicKey::from_bytes(bytes)
}

fn members(numbers: std::ops::Range<usize>) -> Members {
    Members::new(numbers.map(key)).unwrap()
}

fn word(by: usize, frontier: &[u8], snapshot: &[u8], members: &Members) -> Prune {
    Prune {
        by: key(by),
        collection: COLLECTION,
        frontier: Cid::dag_cbor(HASH, frontier),
        members: members.link(HASH),
        snapshot: Cid::dag_cbor(HASH, snapshot),
    }
}

#[test]
fn pruning_is_agreed_when_every_member_has_said_the_same() {
    let all = members(0..3);
    let mut items = vec![word(0, b"f", b"s", &all), word(1, b"f", b"s", &all)];
    let agreed = |items: &[Prune]| complete(items, &COLLECTION, &all, HASH).len();
    assert_eq!(agreed(&items), 0);
    // Twice the same word, a stranger's, another frontier, another snapshot, another collection.
    items.push(items[0].clone());
    items.push(word(9, b"f", b"s", &all));
    items.push(word(2, b"g", b"s", &all));
    items.push(word(2, b"f", b"t", &all));
    items.push(Prune { collection: CollectionId::from_bytes([8; 32]), ..word(2, b"f", b"s", &all) });
    assert_eq!(agreed(&items), 0);
    items.push(word(2, b"f", b"s", &all));
    assert_eq!(agreed(&items), 1);
    assert_eq!(complete(&items, &COLLECTION, &all, HASH)[0].frontier, Cid::dag_cbor(HASH, b"f"));
}

#[test]
fn words_of_other_members_than_the_current_ones_agree_on_nothing() {
    let (before, after) = (members(0..3), members(0..4));
    let items: Vec<_> = (0..3).map(|by| word(by, b"f", b"s", &before)).collect();
    assert_eq!(complete(&items, &COLLECTION, &before, HASH).len(), 1);
    // Somebody joined, or was removed: everybody says it anew.
    assert_eq!(complete(&items, &COLLECTION, &after, HASH).len(), 0);
    assert_eq!(complete(&items, &COLLECTION, &members(0..2), HASH).len(), 0);
}

#[test]
fn items_and_members_read_as_they_were_written_and_nothing_else_does() {
    let all = members(0..3);
    let item = word(1, b"f", b"s", &all);
    let bytes = item.encode();
    assert_eq!(Prune::decode(&bytes, HASH).unwrap(), item);
    assert_eq!(Prune::decode(&bytes, HashAlgorithm::Blake3), Err(PruneError::Link));
    for end in 0..bytes.len() {
        assert!(Prune::decode(&bytes[..end], HASH).is_err());
    }
    assert!(Prune::decode(&[&bytes[..], &[0]].concat(), HASH).is_err());
    let raw = Prune { frontier: Cid::raw(HASH, b"f"), ..item };
    assert_eq!(Prune::decode(&raw.encode(), HASH), Err(PruneError::Link));
    assert_eq!(Members::decode(&all.encode()).unwrap(), all);
}

#[test]
fn member_lists_are_ascending_bounded_and_never_empty() {
    assert_eq!(Members::new([]), Err(PruneError::Members));
    assert!(Members::new((0..MAX_MEMBERS).map(key)).is_ok());
    assert_eq!(Members::new((0..=MAX_MEMBERS).map(key)), Err(PruneError::Members));
    let list = |numbers: &[usize]| {
        let mut out = Encoder::new();
        out.array(numbers.len());
        for number in numbers {
            out.bytes(key(*number).as_bytes());
        }
        out.into_bytes()
    };
    assert!(Members::decode(&list(&[1, 2])).is_ok());
    for wrong in [&[][..], &[2, 1], &[1, 1]] {
        assert_eq!(Members::decode(&list(wrong)), Err(PruneError::Members));
    }
    let many: Vec<_> = (0..=MAX_MEMBERS).collect();
    assert_eq!(Members::decode(&list(&many)), Err(PruneError::Members));
}

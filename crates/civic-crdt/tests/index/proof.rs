use civic_crdt::root::{Proof, ProofError, RowHeads, Trie};

use crate::{HASH, head, key, trie};

#[test]
fn a_proof_shows_the_heads_of_what_is_there_and_the_absence_of_what_is_not() {
    for documents in [0, 1, 32, 33, 600, 5000] {
        let trie = trie(documents);
        let root = trie.root();
        for number in (0..documents).step_by(97) {
            let shown = trie.prove(&key(number)).check(&root, &key(number), HASH).unwrap();
            assert_eq!(shown, Some(RowHeads::Listed(vec![head(number)])));
        }
        for number in documents..documents + 50 {
            assert_eq!(trie.prove(&key(number)).check(&root, &key(number), HASH).unwrap(), None);
        }
    }
}

#[test]
fn a_proof_shows_nothing_of_another_root_or_another_document() {
    let trie = trie(1000);
    let proof = trie.prove(&key(7));
    let other = crate::trie(1001);
    assert_eq!(proof.check(&other.root(), &key(7), HASH), Err(ProofError::Mismatch { depth: 0 }));
    // Another document's way parts from this one's somewhere, and the proof does not go along.
    let strangers = (0..1000).filter(|n| key(*n)[0] >> 4 != key(7)[0] >> 4);
    for number in strangers.take(50) {
        assert!(proof.check(&trie.root(), &key(number), HASH).is_err());
    }
}

#[test]
fn a_changed_cut_or_longer_proof_is_refused() {
    let trie = trie(3000);
    let (root, bytes) = (trie.root(), trie.prove(&key(1)).encode());
    assert!(Proof::decode(&bytes).unwrap().check(&root, &key(1), HASH).unwrap().is_some());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let shown = Proof::decode(&changed).and_then(|proof| proof.check(&root, &key(1), HASH));
        assert!(shown.is_err(), "byte {at}");
        assert!(Proof::decode(&bytes[..at]).is_err());
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(Proof::decode(&longer).is_err());
}

#[test]
fn many_heads_are_shown_by_their_version_id() {
    let mut heads: Vec<_> = (0..65).map(head).collect();
    heads.sort();
    let trie = Trie::from_keys(HASH, [(key(1), heads.clone())]);
    let shown = trie.prove(&key(1)).check(&trie.root(), &key(1), HASH).unwrap().unwrap();
    assert!(matches!(shown, RowHeads::Version(_)));
    assert!(shown.are(&heads, HASH));
    assert!(!shown.are(&heads[1..], HASH));
}

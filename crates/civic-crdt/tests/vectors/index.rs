use civic_crdt::root::{Trie, database_root};
use civic_types::{Cid, CollectionId, DocumentId, HashAlgorithm, Value, cbor, value};

use crate::common::{Shuffle, array, cid, load};

fn head(hash: HashAlgorithm, value: &Value) -> Cid {
    Cid::dag_cbor(hash, &cbor::encode(value).unwrap())
}

fn rows(rule: &str, hash: HashAlgorithm, count: u64) -> Vec<(DocumentId, Vec<Cid>)> {
    if rule.starts_with("document i is") {
        let heads = |i: u64| (0..=i % 3).map(|j| head(HashAlgorithm::Sha2_256, &value!([i, j]))).collect();
        return (0..count).map(|i| (DocumentId::new(format!("doc-{i}")).unwrap(), heads(i))).collect();
    }
    let heads = if rule.contains("65 heads") { 65_u64 } else { 64 };
    let heads = (0..heads).map(|j| head(hash, &value!(["many", j]))).collect();
    vec![(DocumentId::new("many").unwrap(), heads)]
}

#[test]
fn tries_have_the_given_roots_and_blocks_in_any_order() {
    let data = load(include_str!("index.json"));
    let tries: Vec<_> = data.as_array().unwrap().iter().filter(|json| json["rule"].is_string()).collect();
    assert_eq!(tries.len(), 13);
    for json in tries {
        let hash = HashAlgorithm::from_name(json["hash"].as_str().unwrap()).unwrap();
        let mut rows = rows(json["rule"].as_str().unwrap(), hash, json["documents"].as_u64().unwrap());
        let root = cid(&json["root"]);
        let trie = Trie::from_rows(hash, rows.iter().map(|(document, heads)| (document, heads.clone())));
        assert_eq!(trie.root(), root, "{json}");
        assert_eq!(trie.blocks().len() as u64, json["blocks"].as_u64().unwrap());
        assert!(trie.blocks().iter().all(|(cid, block)| cid.matches(block) && cbor::decode(block).is_ok()));
        assert_eq!(trie.blocks()[0].0, root);
        // Another order, with other heads on the way and documents that come and go.
        let mut random = Shuffle(3);
        let mut other = Trie::new(hash);
        let gone: Vec<_> = (0..50).map(|i| DocumentId::new(format!("gone-{i}")).unwrap()).collect();
        while !rows.is_empty() {
            let (document, heads) = rows.swap_remove(random.below(rows.len()));
            other.set(&gone[random.below(50)], vec![root.clone()]);
            other.set(&document, vec![root.clone()]);
            let _ = other.root();
            other.set(&document, heads);
        }
        for document in &gone {
            other.set(document, Vec::new());
        }
        assert_eq!(other.root(), root, "{json}");
    }
}

#[test]
fn the_database_root_covers_the_collections_in_any_order() {
    let data = load(include_str!("index.json"));
    let json = data.as_array().unwrap().iter().find(|json| json["database_root"].is_string()).unwrap();
    let rows = json["collections"].as_array().unwrap().iter();
    let mut rows: Vec<_> = rows.map(|row| (CollectionId::from_bytes(array(&row[0])), cid(&row[1]))).collect();
    assert!(rows.len() > 1);
    let root = cid(&json["database_root"]);
    assert_eq!(database_root(&rows), root);
    rows.reverse();
    assert_eq!(database_root(&rows), root);
}

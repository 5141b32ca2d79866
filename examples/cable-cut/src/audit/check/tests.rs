use civic_crypto::keystore::KdfParams;
use civic_store::{Origin, RecordScan, WriteBatch, WriteOp};
use civicbase::{LanConfig, Node, value};

use super::*;

const PASSPHRASE: &str = "for a test";
const KDF: KdfParams = KdfParams::Argon2id { memory_kib: 8 * 1024, passes: 1, lanes: 1 };

/// A device's folder with some documents in it.
async fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::at(dir.path(), PASSPHRASE).kdf(KDF).lan(LanConfig::loopback()).start().await.unwrap();
    node.create_community("Harbour").await.unwrap();
    let areas = node.collection("areas").await.unwrap();
    for n in 0..5 {
        areas.set(format!("area-{n}"), value!({"status": "normal"})).await.unwrap();
        areas
            .patch(format!("area-{n}"))
            .increment("needs", 2)
            .add("volunteers", "Kim")
            .commit()
            .await
            .unwrap();
    }
    areas.delete("area-4").await.unwrap();
    node.close().await.unwrap();
    dir
}

/// Changes the first record of a table and gives the differences that the audit finds.
async fn tampered(table: &str, change: impl FnOnce(&mut Vec<u8>) -> Keep) -> Vec<String> {
    let dir = folder().await;
    let store = keys::open(dir.path(), PASSPHRASE).unwrap();
    let record = store.records(&RecordScan::table(table).limit(1)).await.unwrap().items.remove(0);
    let mut bytes = record.value.to_vec();
    let value = match change(&mut bytes) {
        Keep::Changed => Some(bytes.into()),
        Keep::Removed => None,
    };
    let op = WriteOp::Record { table: table.to_owned(), key: record.key, value };
    store.commit(WriteBatch::new().with(op), Origin::Local).await.unwrap();
    store.close().await.unwrap();
    super::store(dir.path(), PASSPHRASE).await.unwrap().0.differences
}

enum Keep {
    Changed,
    Removed,
}

#[tokio::test]
async fn an_untouched_store_is_as_its_versions_say() {
    let dir = folder().await;
    let (audited, state) = store(dir.path(), PASSPHRASE).await.unwrap();
    assert_eq!(audited.differences, Vec::<String>::new());
    assert_eq!((audited.versions, audited.documents, state.documents.len()), (11, 5, 4));
    assert!(audited.signatures > 0);
    assert!(matches!(store(dir.path(), "another").await, Err(Error::Keys { .. })));
}

#[tokio::test]
async fn a_forged_signature_is_found() {
    let differences = tampered("sync.version", |bytes| {
        *bytes.last_mut().unwrap() ^= 1;
        Keep::Changed
    });
    let differences = differences.await;
    assert!(differences.iter().any(|text| text.contains("signature")), "{differences:?}");
}

#[tokio::test]
async fn a_lost_version_and_a_lost_arrival_are_found() {
    for table in ["sync.version", "sync.arrival"] {
        let differences = tampered(table, |_| Keep::Removed).await;
        assert!(differences.iter().any(|text| text.contains("arrival log")), "{table}: {differences:?}");
    }
}

#[tokio::test]
async fn forged_heads_are_found() {
    let differences = tampered("sync.head", |bytes| {
        *bytes.last_mut().unwrap() ^= 1;
        Keep::Changed
    });
    let differences = differences.await;
    assert!(differences.iter().any(|text| text.contains("heads")), "{differences:?}");
}

//! Notes in a sealed file: `cargo run -p civic-store --example notes`.

use std::error::Error;
use std::sync::Arc;

use civic_store::query::{CompareOp, Direction};
use civic_store::{Filter, Query, Sqlite, StorageAdapter, StorageExt, StoreKey, WriteBatch, WriteOp};
use civic_types::{CollectionId, DocumentId, DocumentKey, value};
use futures_util::StreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    // An application keeps this key in its key store.
    let key = StoreKey::from_bytes([7; 32]);
    let store: Arc<dyn StorageAdapter> = Arc::new(Sqlite::open(dir.path().join("notes.db"), &key)?);
    let notes = CollectionId::local("notes")?;
    let note = |id: &str| DocumentId::new(id).map(|id| DocumentKey::new(notes, id));

    let mut batch = WriteBatch::new();
    for (id, text, urgent) in
        [("water", "Pump 3 is dry", 2), ("bread", "Baker opens at six", 0), ("light", "Cable cut", 3)]
    {
        let value = value!({"text": text, "urgent": urgent});
        batch.push(WriteOp::Put { key: note(id)?, value, base: None });
    }
    let commit = store.batch_write(batch).await?;
    println!("commit {} is on disk", commit.seq);

    let urgent = Filter::Compare { path: "urgent".try_into()?, op: CompareOp::Greater, value: value!(0) };
    let query = Query::new(notes, 10).filter(urgent).order_by("urgent".try_into()?, Direction::Descending);
    for stored in store.query(&query).await?.items {
        println!("{}: {}", stored.key.document, stored.value);
    }

    let mut water = store.subscribe(note("water")?);
    water.next().await;
    store.update_document(&note("water")?, |_| value!({"text": "Pump 3 runs again", "urgent": 0})).await?;
    if let Some(Some(stored)) = water.next().await.transpose()? {
        println!("water is now {}", stored.value);
    }
    store.close().await?;
    Ok(())
}

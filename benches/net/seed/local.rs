//! Local write and read, in memory and durable, beside SQLite alone and a bare fsync.

use std::time::Instant;

use civic_figures::{Latency, Outcome, ROUNDS, beside, figure, progress};
use civicbase::{Collection, Node};

use crate::nodes::{Floor, Raw, document, key, millis, node};

const WRITES: u64 = 100;
const READS: u64 = 2000;
const HELD: u64 = 2000;

/// Number of the first document that is there before the writes.
const OLD: u64 = 1_000_000;

pub async fn write() -> Outcome {
    let dir = tempfile::tempdir()?;
    let sealed = node(&dir.path().join("node")).start().await?;
    let memory = Node::ephemeral().start().await?;
    let (durable, volatile) = (pumps(&sealed).await?, pumps(&memory).await?);
    let (raw, mut floor) = (Raw::open(dir.path())?, Floor::open(dir.path())?);
    let [mut new, mut change, mut in_memory, mut sqlite, mut fsync] = [(); 5].map(|()| Latency::default());
    fill(&durable, OLD..OLD + HELD).await?;
    // The round before the first is not counted: it fills caches and makes files.
    for round in 0..=ROUNDS as u64 {
        progress(&format!("write {round}/{ROUNDS}"));
        let numbers = round * WRITES..(round + 1) * WRITES;
        let mut samples: [Vec<f64>; 5] = Default::default();
        for number in numbers {
            // Whoever follows a sleeper is scheduled sooner on a busy machine, so the order turns.
            for leg in (0..5).map(|step| (number + step) % 5) {
                let begun = Instant::now();
                match leg {
                    0 => {
                        durable.set(key(number), document(number)).await?;
                    }
                    1 => {
                        let status = format!("repaired {number}");
                        durable.patch(key(OLD + number % HELD)).set("status", status).commit().await?;
                    }
                    2 => {
                        volatile.set(key(number), document(number)).await?;
                    }
                    3 => raw.set(number)?,
                    _ => floor.set(number)?,
                }
                samples[leg as usize].push(millis(begun));
            }
        }
        if round > 0 {
            let legs = [&mut new, &mut change, &mut in_memory, &mut sqlite, &mut fsync];
            legs.into_iter().zip(&samples).for_each(|(leg, samples)| leg.push(samples));
        }
    }
    let what = "durable write of a new document, sealed SQLite";
    let peer = "rusqlite 0.41, same settings";
    beside("write-p50", &format!("{what}, median"), "ms", &new.p50, peer, &sqlite.p50);
    beside("write-p99", &format!("{what}, 99th percentile"), "ms", &new.p99, peer, &sqlite.p99);
    let what = "durable change of a field, sealed SQLite";
    figure("patch-p50", &format!("{what}, median"), "ms", &change.p50);
    figure("patch-p99", &format!("{what}, 99th percentile"), "ms", &change.p99);
    let what = "write of a new document, store in memory";
    figure("write-memory-p50", &format!("{what}, median"), "ms", &in_memory.p50);
    figure("write-memory-p99", &format!("{what}, 99th percentile"), "ms", &in_memory.p99);
    let what = "append and fdatasync of the same bytes";
    figure("floor-p50", &format!("{what}, median"), "ms", &fsync.p50);
    figure("floor-p99", &format!("{what}, 99th percentile"), "ms", &fsync.p99);
    sealed.close().await?;
    Ok(memory.close().await?)
}

pub async fn read() -> Outcome {
    let dir = tempfile::tempdir()?;
    let sealed = node(&dir.path().join("node")).start().await?;
    let memory = Node::ephemeral().start().await?;
    let (durable, volatile) = (pumps(&sealed).await?, pumps(&memory).await?);
    fill(&durable, 0..HELD).await?;
    fill(&volatile, 0..HELD).await?;
    let raw = Raw::open(dir.path())?;
    raw.fill(HELD)?;
    let (mut ours, mut in_memory, mut sqlite) = (Latency::default(), Latency::default(), Latency::default());
    for round in 0..=ROUNDS {
        progress(&format!("read {round}/{ROUNDS}"));
        let mut samples: [Vec<f64>; 3] = Default::default();
        for number in 0..READS {
            // Every document once, none next to the one before.
            let number = number * 769 % HELD;
            for leg in (0..3).map(|step| (number + step) % 3) {
                let begun = Instant::now();
                let read = match leg {
                    0 => durable.get(key(number)).await?.ok_or("missing")?.value,
                    1 => volatile.get(key(number)).await?.ok_or("missing")?.value,
                    _ => raw.get(number)?,
                };
                samples[leg as usize].push(millis(begun));
                assert_eq!(read, document(number));
            }
        }
        if round > 0 {
            let legs = [&mut ours, &mut in_memory, &mut sqlite];
            legs.into_iter().zip(&samples).for_each(|(leg, samples)| leg.push(samples));
        }
    }
    let what = "read of a document by id, hot, sealed SQLite";
    let peer = "rusqlite 0.41, same settings";
    beside("read-p50", &format!("{what}, median"), "ms", &ours.p50, peer, &sqlite.p50);
    beside("read-p99", &format!("{what}, 99th percentile"), "ms", &ours.p99, peer, &sqlite.p99);
    let what = "read of a document by id, store in memory";
    figure("read-memory-p50", &format!("{what}, median"), "ms", &in_memory.p50);
    figure("read-memory-p99", &format!("{what}, 99th percentile"), "ms", &in_memory.p99);
    sealed.close().await?;
    Ok(memory.close().await?)
}

/// The collection, in a community of the node's own.
pub async fn pumps(node: &Node) -> Outcome<Collection> {
    node.create_community("Harbour").await?;
    Ok(node.collection("pumps").await?)
}

/// Writes documents, a hundred a commit.
pub async fn fill(collection: &Collection, numbers: std::ops::Range<u64>) -> Outcome {
    let numbers: Vec<u64> = numbers.collect();
    for chunk in numbers.chunks(100) {
        let empty = collection.batch();
        chunk.iter().fold(empty, |batch, n| batch.set(key(*n), document(*n))).commit().await?;
    }
    Ok(())
}

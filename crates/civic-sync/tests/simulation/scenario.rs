//! What happens in a run, drawn from its seed, and what must hold at its end.

use std::collections::BTreeMap;
use std::time::Duration;

use civic_store::{Origin, StorageAdapter, WriteBatch, WriteOp};
use civic_transport::sim::{LinkModel, NodeId};
use civic_types::time::Clock;
use civic_types::{Cid, DocumentId, DocumentKey, FieldOp, FieldPath, Value, value};

use super::world::{PATIENCE, World};

/// What an acknowledged write must leave behind: its version, and its line in the document's log.
type Acknowledged = Vec<(DocumentKey, Cid, i64)>;

const DOCUMENTS: usize = 12;

/// Runs a seed; gives a hash of everything that was sent.
pub(crate) async fn run(seed: u64) -> Result<[u8; 32], String> {
    let (mut world, acknowledged) = mayhem(seed).await;
    heal(&mut world).await;
    settle(&mut world).await?;
    check(&world, &acknowledged).await?;
    Ok(world.network.trace_hash())
}

/// As [`run`], but one device stays alone for ever.
pub(crate) async fn run_unhealed(seed: u64) -> Result<(), String> {
    let (mut world, acknowledged) = mayhem(seed).await;
    heal(&mut world).await;
    let (alone, others) = split(&world, 1);
    world.network.partition(&[&alone, &others]);
    // Nobody can tell the lonely one, so it lacks at least this.
    write(&mut world, 1, &mut 1_000_000, &mut Vec::new()).await;
    for _ in 0..2000 {
        let until = world.clock.now().saturating_add(Duration::from_secs(1));
        world.step(until).await;
    }
    check(&world, &acknowledged).await
}

async fn mayhem(seed: u64) -> (World, Acknowledged) {
    let devices = 3 + usize::try_from(seed % 8).unwrap();
    let model = LinkModel::perfect()
        .with_loss_permille(u16::try_from(seed * 7 % 250).unwrap())
        .with_duplicate_permille(u16::try_from(seed * 13 % 100).unwrap())
        .with_delay(Duration::from_millis(1), Duration::from_millis(1 + seed * 31 % 400));
    let mut world = World::new(seed, devices, model).await;
    let (mut acknowledged, mut line) = (Acknowledged::new(), 0);
    for device in 1..devices {
        let other = world.below(device);
        world.connect(other, device).await;
    }
    for _ in 0..devices / 2 {
        let (a, b) = (world.below(devices), world.below(devices));
        if a != b {
            world.connect(a.min(b), a.max(b)).await;
        }
    }
    for _ in 0..40 {
        match world.below(20) {
            0 => {
                let first = world.below(devices);
                let (some, others) = split(&world, 1 + first);
                world.network.partition(&[&some, &others]);
            }
            1 => world.network.heal_all(),
            2 => {
                let device = world.below(devices);
                world.restart(device).await;
            }
            3 => {
                let device = world.below(devices);
                world.devices[device].up = !world.devices[device].up;
            }
            4..=13 => {
                let device = world.below(devices);
                write(&mut world, device, &mut line, &mut acknowledged).await;
            }
            _ => {
                let until = world.clock.now().saturating_add(Duration::from_millis(500));
                while world.step(until).await {}
            }
        }
    }
    (world, acknowledged)
}

fn split(world: &World, first: usize) -> (Vec<NodeId>, Vec<NodeId>) {
    let nodes: Vec<NodeId> = world.devices.iter().map(|device| device.node).collect();
    let first = first.min(nodes.len() - 1);
    (nodes[..first].to_vec(), nodes[first..].to_vec())
}

/// One commit of one to three documents on a device that knows the collection.
async fn write(world: &mut World, device: usize, line: &mut i64, acknowledged: &mut Acknowledged) {
    let replicated = std::sync::Arc::clone(&world.devices[device].replicated);
    if replicated.collections().is_empty() {
        return;
    }
    let mut batch = WriteBatch::new();
    let mut keys = BTreeMap::new();
    for _ in 0..1 + world.below(3) {
        let document = DocumentId::new(format!("pump-{}", world.below(DOCUMENTS))).unwrap();
        let key = DocumentKey::new(world.collection, document);
        if keys.contains_key(&key) {
            continue;
        }
        *line += 1;
        keys.insert(key.clone(), *line);
        let path = |name: &str| FieldPath::try_from(name).unwrap();
        let mut ops = vec![FieldOp::Append { path: path("log"), value: value!(*line) }];
        ops.push(match world.below(5) {
            0 => FieldOp::Increment { path: path("needs"), by: *line },
            1 => FieldOp::Add { path: path("crew"), value: value!(*line % 5) },
            2 => FieldOp::Remove { path: path("crew"), value: value!(*line % 5) },
            3 => FieldOp::Set { path: path("photo"), value: Value::Bytes(vec![7; 5000]) },
            _ => FieldOp::Set { path: path("status"), value: value!(format!("state {line}")) },
        });
        batch.push(WriteOp::Patch { key, ops });
    }
    replicated.commit(batch, Origin::Local).await.unwrap();
    for (key, line) in keys {
        let stored = replicated.get(&key).await.unwrap().unwrap();
        // Fresh from this device's hand, so one of its heads is the new version.
        for head in stored.heads {
            acknowledged.push((key.clone(), head, line));
        }
    }
    world.changed(device, None).await;
}

async fn heal(world: &mut World) {
    world.network.heal_all();
    for device in &mut world.devices {
        device.up = true;
    }
}

/// Runs until every device has the same root.
async fn settle(world: &mut World) -> Result<(), String> {
    let deadline = world.clock.now().saturating_add(PATIENCE);
    // Every device knows the collection only once the definition has gone round.
    while world.clock.now() < deadline {
        let until = world.clock.now().saturating_add(Duration::from_secs(5));
        while world.step(until).await {}
        if converged(world).await {
            return Ok(());
        }
    }
    Err(format!("not converged after {PATIENCE:?} of virtual time\n{}", world.describe()))
}

async fn converged(world: &World) -> bool {
    let mut roots = Vec::new();
    for device in &world.devices {
        match device.replicated.root(&world.collection).await {
            Ok(root) => roots.push(root),
            Err(_) => return false,
        }
    }
    roots.windows(2).all(|pair| pair[0] == pair[1])
}

async fn check(world: &World, acknowledged: &Acknowledged) -> Result<(), String> {
    if !converged(world).await {
        return Err("roots differ".to_owned());
    }
    for (at, device) in world.devices.iter().enumerate() {
        for (key, version, line) in acknowledged {
            if !device.replicated.holds(&world.collection, version).await.unwrap() {
                return Err(format!("device {at} lacks version {version} of {key}"));
            }
            let stored = device.replicated.get(key).await.unwrap().ok_or("a document is missing")?;
            if stored.incomplete.is_some() {
                return Err(format!("device {at} lacks a block of {key}"));
            }
            if !stored.value["log"].as_list().is_some_and(|log| log.contains(&value!(*line))) {
                return Err(format!("device {at} lacks line {line} in {key}"));
            }
        }
        let first = &world.devices[0].replicated;
        for number in 0..DOCUMENTS {
            let key = DocumentKey::new(world.collection, DocumentId::new(format!("pump-{number}")).unwrap());
            let (ours, theirs) = (device.replicated.get(&key).await.unwrap(), first.get(&key).await.unwrap());
            if ours.map(|stored| stored.value) != theirs.map(|stored| stored.value) {
                return Err(format!("device {at} shows another {key}"));
            }
        }
    }
    Ok(())
}

//! The primitives alone: a register and a set that two replicas change apart and merge by delta.

use civic_crdt::{Crdt, LwwRegister, OrSet};
use civic_types::time::Hlc;
use civic_types::{PeerId, ReplicaId};

fn main() {
    let at = |millis, peer| Hlc { millis, counter: 0, peer: PeerId::from_bytes([peer; 32]) };
    let mut hall = LwwRegister::new(at(1, 1), "dry".to_owned());
    let mut shop = hall.clone();
    hall.set(at(5, 1), "repaired".to_owned());
    shop.set(at(5, 2), "broken".to_owned());
    hall.merge(&shop.clone());
    shop.merge(&hall);
    println!("status: {} (equal times, the greater peer wins)", hall.value());
    assert_eq!(hall.encode_canonical(), shop.encode_canonical());

    let (a, b) = (ReplicaId::from_bytes([1; 16]), ReplicaId::from_bytes([2; 16]));
    let mut hall = OrSet::new();
    hall.add(a, "Åsa".to_owned());
    hall.add(a, "Ali".to_owned());
    let mut shop = hall.clone();
    hall.remove(a, &"Ali".to_owned());
    shop.add(b, "Ali".to_owned());
    shop.remove(b, &"Åsa".to_owned());
    let (news, olds) = (shop.delta_since(&hall.version()), hall.delta_since(&shop.version()));
    hall.apply(&news);
    shop.apply(&olds);
    println!("crew: {:?} (the add that the remove had not seen stays)", hall.iter().collect::<Vec<_>>());
    assert_eq!(hall.encode_canonical(), shop.encode_canonical());
}

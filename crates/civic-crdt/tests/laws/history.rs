//! Random histories of devices, honest and hostile, that write one document.

use bytes::Bytes;
use civic_crdt::document::BodyState;
use civic_crdt::version::{Admission, Body, BodyRef, Header, Operation, Rules, Version};
use civic_crdt::{Document, Dot};
use civic_types::time::Stamp;
use civic_types::{FieldOp, FieldPath, ReplicaId, Value, cbor, value};
use proptest::prelude::*;

use crate::common::{Device, key};

/// Small histories fork until there are this many devices.
const FORKS_UNTIL: usize = 5;

/// One step of a history; indices are taken modulo what there is.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A device applies a patch as an application would.
    Patch { device: usize, changes: Vec<FieldOp> },
    /// A device puts a whole value, or deletes.
    Put { device: usize, value: Option<Value> },
    /// A device takes everything that another holds.
    Pull { device: usize, from: usize },
    /// A device's key and store are copied: from here on two write as one replica.
    Fork { device: usize },
    /// A device writes whatever it likes behind whatever parents it likes.
    Raw { device: usize, parents: Vec<usize>, operations: Vec<RawOperation>, spoil: u8 },
}

/// An operation without regard for what is allowed; kills are indices into all dots ever named.
#[derive(Clone, Debug)]
pub(crate) struct RawOperation {
    path: FieldPath,
    kind: u64,
    code: u64,
    argument: Value,
    kills: Vec<(usize, u64)>,
}

#[allow(dead_code, reason = "each test program uses its own part")]
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..20)
}

/// Histories with several checkpoints.
#[allow(dead_code, reason = "each test program uses its own part")]
pub(crate) fn long_steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 100..400)
}

fn step() -> impl Strategy<Value = Step> {
    let device = 0..5_usize;
    prop_oneof![
        4 => (device.clone(), proptest::collection::vec(change(), 1..4))
            .prop_map(|(device, changes)| Step::Patch { device, changes }),
        1 => (device.clone(), proptest::option::of(plain()))
            .prop_map(|(device, value)| Step::Put { device, value }),
        4 => (device.clone(), 0..5_usize).prop_map(|(device, from)| Step::Pull { device, from }),
        1 => device.clone().prop_map(|device| Step::Fork { device }),
        3 => (
            device,
            proptest::collection::vec(0..40_usize, 0..4),
            proptest::collection::vec(raw(), 1..5),
            any::<u8>(),
        )
            .prop_map(|(device, parents, operations, spoil)| Step::Raw { device, parents, operations, spoil }),
    ]
}

fn path() -> impl Strategy<Value = FieldPath> {
    let segment = prop_oneof![Just("a"), Just("b"), Just("c")];
    proptest::collection::vec(segment, 0..4).prop_map(|segments| FieldPath::new(segments).unwrap())
}

fn argument() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(value!(null)),
        any::<bool>().prop_map(|b| value!(b)),
        (-3..4_i64).prop_map(|i| value!(i)),
        Just(value!(i64::MAX)),
        Just(value!(u64::MAX)),
        Just(value!("x")),
        Just(value!([1, "y"])),
        (23..27_usize).prop_map(|depth| (0..depth).fold(value!(0), |inner, _| Value::List(vec![inner]))),
    ]
}

fn plain() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![(0..3_i64).prop_map(|i| value!(i)), Just(value!("x")), Just(value!([1]))];
    let nested = leaf.prop_recursive(2, 8, 3, |inner| {
        proptest::collection::vec((prop_oneof![Just("a"), Just("b"), Just("c")], inner), 0..3)
            .prop_map(|pairs| Value::Map(pairs.into_iter().collect()))
    });
    proptest::collection::vec((prop_oneof![Just("a"), Just("b")], nested), 0..3)
        .prop_map(|pairs| Value::Map(pairs.into_iter().collect()))
}

fn change() -> impl Strategy<Value = FieldOp> {
    let value = || prop_oneof![(0..3_i64).prop_map(|i| value!(i)), Just(value!("x")), plain()];
    prop_oneof![
        (path(), value()).prop_map(|(path, value)| FieldOp::Set { path, value }),
        (path(), value()).prop_map(|(path, value)| FieldOp::Add { path, value }),
        (path(), value()).prop_map(|(path, value)| FieldOp::Remove { path, value }),
        (path(), value()).prop_map(|(path, value)| FieldOp::Append { path, value }),
        (path(), -2..3_i64).prop_map(|(path, by)| FieldOp::Increment { path, by }),
        path().prop_map(|path| FieldOp::Unset { path }),
        path().prop_map(|path| FieldOp::Clear { path }),
    ]
}

fn raw() -> impl Strategy<Value = RawOperation> {
    let kills = proptest::collection::vec((0..6_usize, 1..12_u64), 0..6);
    (path(), 0..8_u64, 0..3_u64, argument(), kills)
        .prop_map(|(path, kind, code, argument, kills)| RawOperation { path, kind, code, argument, kills })
}

/// Plays a history; gives the devices and every version that any of them holds.
pub(crate) fn play(steps: &[Step]) -> (Vec<Device>, Vec<(Version, BodyState)>) {
    play_with((1..=3).map(Device::new).collect(), steps)
}

/// As [`play`], going on from these devices.
pub(crate) fn play_with(
    mut devices: Vec<Device>,
    steps: &[Step],
) -> (Vec<Device>, Vec<(Version, BodyState)>) {
    for step in steps {
        let count = devices.len();
        let at = |i: &usize| i % count;
        match step {
            Step::Patch { device, changes } => {
                let device = at(device);
                // A refused patch writes nothing.
                let _ = devices[device].patch(changes);
            }
            Step::Put { device, value: Some(value) } => {
                let device = &mut devices[at(device)];
                let plan = device.document.put(&device.document.heads(), value);
                let _ = plan.map(|plan| device.commit(&plan));
            }
            Step::Put { device, value: None } => drop(devices[at(device)].delete()),
            Step::Pull { device, from } => {
                let from = devices[at(from)].clone();
                let device = at(device);
                devices[device].pull(&from);
            }
            Step::Fork { device } if devices.len() < FORKS_UNTIL || devices.len() > 50 => {
                let twin = Device { millis: devices[at(device)].millis + 5, ..devices[at(device)].clone() };
                devices.push(twin);
            }
            Step::Fork { .. } => {}
            Step::Raw { device, parents, operations, spoil } => {
                let device = at(device);
                write_raw(&mut devices[device], parents, operations, *spoil);
            }
        }
    }
    let mut whole = Device::new(0);
    devices.iter().for_each(|device| whole.pull(device));
    (devices, whole.versions)
}

/// Builds an admissible header around a body that need not mean anything.
fn write_raw(device: &mut Device, parents: &[usize], operations: &[RawOperation], spoil: u8) {
    let held = &device.versions;
    let mut parents: Vec<_> = if held.is_empty() {
        Vec::new()
    } else {
        parents.iter().map(|i| held[i % held.len()].0.cid().clone()).collect()
    };
    parents.sort();
    parents.dedup();
    let past = device.document.checkout(&parents).unwrap();
    let own = |get: &dyn Fn(&civic_crdt::document::Admitted<'_>) -> u64| {
        past.versions()
            .filter(|v| v.replica() == Some(device.replica))
            .map(|v| get(&v))
            .max()
            .unwrap_or_default()
    };
    let (last_dot, millis) = (own(&|v| v.first_dot() + v.operations() - 1), own(&|v| v.stamp().millis));
    let replicas: Vec<ReplicaId> = (0..6).map(|i| ReplicaId::from_bytes([i; 16])).collect();
    let operations: Vec<Operation> = operations.iter().map(|raw| operation(raw, &replicas)).collect();
    let count = operations.len() as u64 + u64::from(spoil % 16 == 1);
    let mut body = Body::new(operations).encode();
    if spoil % 16 == 2 {
        body.push(0);
    }
    device.millis = device.millis.max(millis) + 1;
    let header = Header {
        auth: None,
        body: BodyRef::Inline(Bytes::from(body)),
        collection: key().collection,
        document: key().document,
        group: None,
        position: device.log.len() as u64 + 1,
        operations: count,
        parents,
        previous: device.log.last().cloned(),
        replica: device.replica,
        first_dot: last_dot + 1,
        stamp: Stamp { millis: device.millis, counter: 0 },
    };
    let version = Version::from_header(&header, &Rules::default()).unwrap();
    device.log.push(version.cid().clone());
    let body = if spoil % 16 == 3 { BodyState::Unreadable } else { BodyState::of(&version) };
    assert_eq!(device.take(&version, &body), Admission::Admitted);
}

fn operation(raw: &RawOperation, replicas: &[ReplicaId]) -> Operation {
    let mut kills: Vec<Dot> =
        raw.kills.iter().map(|(replica, number)| Dot::new(replicas[*replica], *number)).collect();
    kills.sort_unstable();
    kills.dedup();
    let argument = Bytes::from(cbor::encode(&raw.argument).unwrap());
    Operation { path: raw.path.clone(), kind: raw.kind, code: raw.code, argument, kills }
}

/// Delivers versions in the order that `seed` makes, parked ones again later and some twice.
#[allow(dead_code, reason = "each test program uses its own part")]
pub(crate) fn deliver(versions: &[(Version, BodyState)], mut document: Document, seed: u64) -> Document {
    let mut state = seed | 1;
    let mut random = move |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % end as u64) as usize
    };
    let mut open: Vec<usize> = (0..versions.len()).collect();
    while !open.is_empty() {
        let next = open.swap_remove(random(open.len()));
        let (version, body) = &versions[next];
        match document.insert(version, body.clone()) {
            Admission::Admitted if random(4) == 0 => open.push(next),
            Admission::Parked { .. } => open.push(next),
            Admission::Admitted | Admission::Known => {}
            Admission::Refused(refusal) => panic!("{refusal}"),
        }
    }
    document
}

//! Operations that no plan writes: what is wrong does nothing, and what is vast stays cheap.

use bytes::Bytes;
use civic_crdt::Dot;
use civic_crdt::version::Operation;
use civic_types::{Cid, FieldPath, ReplicaId, Value, cbor, value};
use proptest::prelude::*;

use crate::common::{Device, path};
use crate::deliver;
use crate::model::Model;

const TEXT: u64 = 1;
const LIST: u64 = 2;

/// An operation on the text `t`.
fn op(code: u64, argument: &Value) -> Operation {
    at("t", TEXT, code, argument)
}

fn at(name: &str, kind: u64, code: u64, argument: &Value) -> Operation {
    let argument = Bytes::from(cbor::encode(argument).unwrap());
    Operation { path: path([name]), kind, code, argument, kills: Vec::new() }
}

fn insert(anchor: Value, side: u64, content: &str) -> Operation {
    op(0, &Value::List(vec![anchor, value!(side), value!(content)]))
}

fn present() -> Operation {
    let argument = Bytes::from_static(&[0xf5]);
    Operation { path: FieldPath::root(), kind: 5, code: 0, argument, kills: Vec::new() }
}

/// An element by another replica.
fn of(replica: u8, number: u64, offset: u64) -> Value {
    Value::List(vec![Value::Bytes(vec![replica; 16]), value!(number), value!(offset)])
}

fn heads(device: &Device) -> Vec<Cid> {
    device.document.heads()
}

fn shown(device: &Device) -> Value {
    device.view().get(&["t"]).cloned().unwrap_or_default()
}

#[test]
fn the_example_of_the_format_shows_what_it_says() {
    let mut here = Device::new(1);
    for (code, argument, text) in
        [(0, "83f60162 6163", "ac"), (0, "8382020100 6162", "abc"), (3, "8183020001", "bc")]
    {
        let argument = Bytes::from(hex::decode(argument.replace(' ', "")).unwrap());
        here.raw(&heads(&here), vec![present(), Operation { argument, ..op(code, &value!(null)) }]);
        assert_eq!(shown(&here), value!(text));
    }
}

#[test]
fn wrong_arguments_do_nothing() {
    let deep = (0..25).fold(value!(1), |inner, _| Value::List(vec![inner]));
    let mut here = Device::new(1);
    here.raw(&[], vec![present(), insert(value!(null), 1, "ab")]);
    let bytes = Value::Bytes(vec![1; 15]);
    for wrong in [
        op(0, &value!(null)),
        op(0, &value!([null, 1])),
        op(0, &value!([null, 1, "x", 1])),
        op(0, &value!([null, 0, "x"])),
        op(0, &value!([null, 2, "x"])),
        op(0, &value!([null, 1, ""])),
        op(0, &value!([null, 1, ["x"]])),
        op(0, &value!([[2], 1, "x"])),
        op(0, &value!([[2, 0, 0, 0], 1, "x"])),
        op(0, &value!([[2, (-1)], 1, "x"])),
        op(0, &Value::List(vec![Value::List(vec![bytes, value!(2), value!(0)]), value!(1), value!("x")])),
        op(1, &value!(0)),
        op(2, &value!(0)),
        op(3, &value!(null)),
        op(3, &value!([])),
        op(3, &value!([[2, 0]])),
        op(3, &value!([[2, 0, 0]])),
        op(3, &value!([[2, 0, 1], [2, (u64::MAX), 1]])),
        op(4, &value!(null)),
        at("t", LIST, 0, &value!([null, 1, "x"])),
        at("t", LIST, 0, &value!([null, 1, []])),
        at("t", LIST, 0, &Value::List(vec![value!(null), value!(1), Value::List(vec![deep])])),
        at("t", 0, 2, &value!(null)),
        at("t", 5, 3, &value!([[2, 0, 1]])),
        Operation { path: FieldPath::root(), ..op(2, &value!(null)) },
        Operation { path: FieldPath::root(), ..op(1, &value!(null)) },
        Operation { path: FieldPath::root(), ..insert(value!(null), 1, "x") },
    ] {
        let mut there = here.clone();
        let dots = there.document.live_dots();
        let kills = vec![Dot::new(here.replica, 1), Dot::new(here.replica, 2)];
        there.raw(&heads(&here), vec![Operation { kills, ..wrong.clone() }]);
        assert_eq!(there.document.live_dots(), dots, "{wrong:?}");
        assert_eq!(shown(&there), value!("ab"));
    }
    let right = Operation { kills: vec![Dot::new(here.replica, 2)], ..op(2, &value!(null)) };
    here.raw(&heads(&here), vec![right]);
    assert_eq!(shown(&here), value!(""), "the kills would have counted");
}

#[test]
fn anchors_that_do_not_fit_place_nothing() {
    let (mut here, mut there) = (Device::new(1), Device::new(2));
    let list = at("t", LIST, 0, &value!([null, 1, [1, 2]]));
    let other = Operation { path: path(["u"]), ..insert(value!(null), 1, "uu") };
    here.raw(&[], vec![present(), insert(value!(null), 1, "ab"), list, other, op(2, &value!(null))]);
    there.raw(&[], vec![present(), insert(value!(null), 1, "cd")]);
    here.pull(&there);
    let own = here.versions[0].0.cid().clone();
    for (anchor, why) in [
        (of(2, 2, 0), "a stranger's"),
        (value!([7, 0]), "itself"),
        (value!([8, 0]), "later in the body"),
        (value!([2, 2]), "behind the end"),
        (value!([3, 0]), "another kind"),
        (value!([4, 0]), "another path"),
        (value!([5, 0]), "a create"),
        (value!([1, 0]), "no sequence"),
        (value!([0, 0]), "no dot"),
        (value!([9, 0]), "not there"),
    ] {
        let mut here = here.clone();
        let first = insert(value!([2, 1]), 1, "x");
        here.raw(
            std::slice::from_ref(&own),
            vec![first, insert(anchor, 1, "no"), insert(value!([2, 1]), 0, "y")],
        );
        assert_eq!(shown(&here), value!("aybxcd"), "{why}");
    }
    here.raw(
        &[own],
        vec![insert(value!([2, 1]), 1, "x"), insert(value!([6, 0]), 1, "yes"), insert(of(1, 7, 2), 1, "!")],
    );
    assert_eq!(shown(&here), value!("abxyes!cd"), "own earlier operations do, in both forms");
}

#[test]
fn what_hangs_on_a_no_op_is_one_too() {
    let mut here = Device::new(1);
    let chain =
        [insert(value!([9, 0]), 1, "a"), insert(value!([1, 0]), 1, "b"), insert(value!([2, 0]), 1, "c")];
    here.raw(&[], [chain.to_vec(), vec![present()]].concat());
    assert_eq!(here.view(), value!({}));
}

#[test]
fn a_delete_reaches_ancestors_only_and_every_twin_of_a_fork() {
    let mut here = Device::new(1);
    here.raw(&[], vec![present(), insert(value!(null), 1, "abc")]);
    let root = heads(&here);
    let mut twin = Device { millis: here.millis + 5, ..here.clone() };
    here.raw(&root, vec![insert(value!([2, 2]), 1, "xyz")]);
    twin.raw(&root, vec![insert(value!([2, 2]), 1, "XYZZ")]);
    let mut there = Device::new(2);
    there.pull(&here);
    there.pull(&twin);
    let both = heads(&there);
    assert_eq!(both.len(), 2);
    let order = if both[0] == *here.log.last().unwrap() { "abcxyzXYZZ" } else { "abcXYZZxyz" };
    assert_eq!(shown(&there), value!(order), "twins stand in the order of their versions' CIDs");
    let delete = op(
        3,
        &Value::List(vec![Value::List(vec![Value::Bytes(vec![1; 16]), value!(3), value!(1), value!(9)])]),
    );
    let mut half = there.clone();
    half.raw(&here.log[1..], vec![delete.clone()]);
    assert_eq!(shown(&half), value!(order.replace("yz", "")), "the other twin was not seen");
    there.raw(&both, vec![delete]);
    assert_eq!(shown(&there), value!(order.replace("yz", "").replace("YZZ", "")));
}

#[test]
fn an_anchor_on_a_fork_means_the_version_with_the_smallest_cid_that_fits() {
    let mut here = Device::new(1);
    here.raw(&[], vec![present()]);
    let root = heads(&here);
    let mut twin = Device { millis: here.millis + 5, ..here.clone() };
    here.raw(&root, vec![insert(value!(null), 1, "ab")]);
    twin.raw(&root, vec![insert(value!(null), 1, "ABC")]);
    let mut there = Device::new(2);
    there.pull(&here);
    there.pull(&twin);
    let both = heads(&there);
    let first = if both[0] == here.log[1] { "ab" } else { "ABC" };
    there.raw(&both, vec![insert(of(1, 2, 1), 0, "-"), insert(of(1, 2, 2), 1, "+")]);
    let text = shown(&there).as_str().unwrap().to_owned();
    let (head, tail) = first.split_at(1);
    assert!(text.contains(&format!("{head}-{tail}")), "{text}");
    assert!(text.contains("C+"), "only one twin is long enough: {text}");
}

#[test]
fn shapes_that_are_deep_or_wide_stay_cheap() {
    const OPERATIONS: u64 = 4096;
    const VERSIONS: u64 = 25;
    let total = OPERATIONS * VERSIONS - 1;
    let chain = |side| move |number: u64| insert(value!([(number - 1), 0]), side, "x");
    let fan = |number: u64| insert(value!([2, 0]), number % 2, "x");
    for shape in [&chain(0) as &dyn Fn(u64) -> Operation, &chain(1), &fan] {
        let mut here = Device::new(1);
        for version in 0..VERSIONS {
            let operations = (1..=OPERATIONS).map(|i| match version * OPERATIONS + i {
                1 => present(),
                2 => insert(value!(null), 1, "x"),
                number => shape(number),
            });
            here.raw(&heads(&here), operations.collect());
        }
        assert_eq!(shown(&here).as_str().unwrap().len() as u64, total);
        here.patch(&[crate::text(total as usize / 2, 1, "y")]).unwrap();
        assert_eq!(shown(&here).as_str().unwrap().find('y').unwrap() as u64, total / 2);
    }
}

#[test]
fn a_long_insert_in_many_parts_stays_cheap() {
    const LENGTH: u64 = 400_000;
    let mut here = Device::new(1);
    here.raw(&[], vec![present(), insert(value!(null), 1, &"ß".repeat(LENGTH as usize))]);
    let every_other = (0..LENGTH / 8).map(|i| value!([2, (i * 2), 1])).collect();
    here.raw(&heads(&here), vec![op(3, &Value::List(every_other))]);
    assert_eq!(shown(&here).as_str().unwrap().chars().count() as u64, LENGTH - LENGTH / 8);
    let nested = (0..LENGTH / 8).map(|i| value!([2, i, (LENGTH / 4 - 2 * i)])).collect();
    here.raw(&heads(&here), vec![op(3, &Value::List(nested))]);
    assert_eq!(shown(&here).as_str().unwrap().chars().count() as u64, LENGTH - LENGTH / 4);
    for part in 0..4 {
        let inserts = (0..4096).map(|i| insert(value!([2, ((part * 4096 + i) * 20)]), 1, "-"));
        here.raw(&heads(&here), inserts.collect());
    }
    let shown = shown(&here);
    assert_eq!(shown.as_str().unwrap().chars().filter(|c| *c == '-').count(), 4 * 4096);
}

/// One version: who writes, on top of which, what.
#[derive(Clone, Debug)]
enum Step {
    Fork(usize),
    Pull(usize, usize),
    Write { device: usize, parents: Option<Vec<usize>>, operations: Vec<Wild> },
}

/// An operation on one of two sequences, with numbers that often name something.
#[derive(Clone, Debug)]
struct Wild {
    list: bool,
    code: u64,
    named: Vec<(u8, u64, u64, u64)>,
    side: u64,
    length: usize,
    kills: Vec<(u8, u64)>,
}

fn step() -> impl Strategy<Value = Step> {
    let named = proptest::collection::vec((0..5_u8, 1..9_u64, 0..4_u64, 1..4_u64), 0..4);
    let kills = proptest::collection::vec((1..5_u8, 1..9_u64), 0..2);
    let code = prop_oneof![6 => Just(0), 1 => Just(1), 1 => Just(2), 2 => Just(3)];
    let wild = (proptest::bool::weighted(0.2), code, named, 0..2_u64, 1..4_usize, kills)
        .prop_map(|(list, code, named, side, length, kills)| Wild { list, code, named, side, length, kills });
    let parents = proptest::option::weighted(0.3, proptest::collection::vec(0..30_usize, 0..3));
    prop_oneof![
        1 => (0..5_usize).prop_map(Step::Fork),
        4 => (0..5_usize, 0..5_usize).prop_map(|(to, from)| Step::Pull(to, from)),
        8 => (0..5_usize, parents, proptest::collection::vec(wild, 1..4)).prop_map(
            |(device, parents, operations)| Step::Write { device, parents, operations },
        ),
    ]
}

impl Wild {
    /// Content letters tell inserts apart.
    fn operation(&self, letter: &mut u8) -> Operation {
        let dot = |(replica, number, a, b): &(u8, u64, u64, u64), range: bool| {
            let mut parts = vec![value!(*number), value!(*a)];
            if range {
                parts.push(value!(*b));
            }
            if *replica > 0 {
                parts.insert(0, Value::Bytes(vec![*replica; 16]));
            }
            Value::List(parts)
        };
        *letter = if *letter == b'z' { b'a' } else { *letter + 1 };
        let content = String::from(*letter as char).repeat(self.length);
        let content = if self.list {
            Value::List(content.chars().map(|c| value!(c.to_string())).collect())
        } else {
            Value::Text(content)
        };
        let argument = match (self.code, self.named.first()) {
            (0, Some(anchor)) => Value::List(vec![dot(anchor, false), value!(self.side), content]),
            (0, None) => Value::List(vec![value!(null), value!(1), content]),
            (3, _) => Value::List(self.named.iter().map(|range| dot(range, true)).collect()),
            _ => Value::Null,
        };
        let mut kills: Vec<Dot> =
            self.kills.iter().map(|(r, number)| Dot::new(ReplicaId::from_bytes([*r; 16]), *number)).collect();
        kills.sort_unstable();
        kills.dedup();
        Operation { kills, ..at("t", if self.list { LIST } else { TEXT }, self.code, &argument) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_shows_what_the_literal_model_shows(
        steps in proptest::collection::vec(step(), 1..25), seeds in any::<[u64; 2]>(),
    ) {
        let mut devices: Vec<_> = (1..=3).map(Device::new).collect();
        let mut letter = b'a';
        for step in steps {
            let count = devices.len();
            match step {
                Step::Fork(i) if count < 5 => {
                    let i = i % count;
                    devices.push(Device { millis: devices[i].millis + 5, ..devices[i].clone() });
                }
                Step::Fork(_) => {}
                Step::Pull(to, from) => {
                    let from = devices[from % count].clone();
                    devices[to % count].pull(&from);
                }
                Step::Write { device, parents, operations } => {
                    let device = &mut devices[device % count];
                    let held = &device.versions;
                    let parents = match parents {
                        Some(picks) if !held.is_empty() => {
                            picks.iter().map(|i| held[i % held.len()].0.cid().clone()).collect()
                        }
                        _ => heads(device),
                    };
                    let own = device.millis;
                    let past = device.document.checkout(&parents).unwrap();
                    let seen = past.versions().map(|v| v.stamp().millis).max().unwrap_or_default();
                    device.millis = own.max(seen);
                    let operations = operations.iter().map(|wild| wild.operation(&mut letter));
                    let operations = std::iter::once(present()).chain(operations).collect();
                    device.raw(&parents, operations);
                }
            }
        }
        let mut whole = Device::new(9);
        devices.iter().for_each(|device| whole.pull(device));
        let model = Model::new(&path(["t"]), &whole.versions);
        let letters = |shown: Vec<Value>| shown.iter().map(|letter| letter.as_str().unwrap()).collect();
        let text = model.shown(TEXT).map(|shown| Value::Text(letters(shown)));
        let expected = text.or_else(|| model.shown(LIST).map(Value::List));
        let view = whole.view();
        prop_assert_eq!(view.get(&["t"]), expected.as_ref());
        for seed in seeds {
            let document = deliver(&whole.versions, seed);
            prop_assert_eq!(document.view(), whole.document.view());
            prop_assert_eq!(document.live_dots(), whole.document.live_dots());
        }
        // Whatever forks there are, what a plan inserts shows, and nothing else changes unless the plan ends
        // a list beside the text: its dots may be those of a twin's inserts.
        if let Some(before) = view.get(&["t"]).and_then(Value::as_str) {
            let alone = whole.document.conflicts().is_empty();
            whole.patch(&[crate::text(before.chars().count() / 2, 0, "!")]).unwrap();
            let after = shown(&whole);
            prop_assert!(after.as_str().unwrap().contains('!'));
            prop_assert!(!alone || after.as_str().unwrap().replace('!', "") == before);
        }
    }
}

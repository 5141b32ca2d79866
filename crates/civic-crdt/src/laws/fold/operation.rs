//! What devices write, over a tiny space of keys so that it meets.

use bytes::Bytes;
use civic_types::{FieldOp, FieldPath, ReplicaId, Value, cbor, value};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;

use crate::clock::Dot;
use crate::version::Operation;

/// An operation without regard for what is allowed.
#[derive(Clone, Debug)]
pub(super) struct RawOperation(Operation);

impl RawOperation {
    pub(super) fn operation(&self) -> Operation {
        self.0.clone()
    }
}

/// Whatever a hostile writer may write, wrong or right.
pub(super) fn raw() -> impl Strategy<Value = RawOperation> {
    let kills = vec(dot(), 0..6);
    let body = prop_oneof![
        3 => (path(), 0..8_u64, 0..4_u64, argument()),
        2 => (field(), Just(1), Just(0), insert(content(value!("xyz"), value!("")))),
        2 => (field(), Just(2), Just(0), insert(content(value!([1, 2]), value!([])))),
        1 => (field(), 1..3_u64, Just(3), delete()),
    ];
    (body, kills).prop_map(|((path, kind, code, argument), mut kills)| {
        kills.sort_unstable();
        kills.dedup();
        let argument = Bytes::from(cbor::encode(&argument).unwrap_or_default());
        RawOperation(Operation { path, kind, code, argument, kills })
    })
}

/// What an application asks for.
pub(super) fn change() -> impl Strategy<Value = FieldOp> {
    let value = || prop_oneof![(0..3_i64).prop_map(Value::from), Just(value!("x")), plain()];
    let text = prop_oneof![Just(""), Just("x"), Just("åse"), Just("yz")];
    let splice = || (field(), 0..4_usize, 0..3_usize);
    prop_oneof![
        3 => (path(), value()).prop_map(|(path, value)| FieldOp::Set { path, value }),
        3 => (path(), value()).prop_map(|(path, value)| FieldOp::Add { path, value }),
        1 => (path(), value()).prop_map(|(path, value)| FieldOp::Remove { path, value }),
        1 => (path(), value()).prop_map(|(path, value)| FieldOp::Append { path, value }),
        1 => (path(), -2..3_i64).prop_map(|(path, by)| FieldOp::Increment { path, by }),
        1 => path().prop_map(|path| FieldOp::Unset { path }),
        1 => path().prop_map(|path| FieldOp::Clear { path }),
        3 => (splice(), text).prop_map(|((path, index, remove), insert)| {
            FieldOp::SpliceText { path, index, remove, insert: insert.to_owned() }
        }),
        3 => (splice(), vec((0..3_i64).prop_map(Value::from), 0..3))
            .prop_map(|((path, index, remove), insert)| FieldOp::Splice { path, index, remove, insert }),
    ]
}

/// A whole document.
pub(super) fn plain() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![(0..3_i64).prop_map(Value::from), Just(value!("x")), Just(value!([1]))];
    let name = || prop_oneof![Just("a"), Just("b"), Just("c")];
    let map = |pairs: Vec<(&str, Value)>| Value::Map(pairs.into_iter().collect());
    let nested = leaf.prop_recursive(2, 8, 3, move |inner| vec((name(), inner), 0..3).prop_map(map));
    vec((name(), nested), 0..3).prop_map(map)
}

/// Any path, the empty one seldom.
fn path() -> impl Strategy<Value = FieldPath> {
    let name = || prop_oneof![3 => Just("a"), 1 => Just("b"), 1 => Just("c")];
    prop_oneof![1 => vec(name(), 0), 8 => vec(name(), 1), 3 => vec(name(), 2..4)]
        .prop_map(|names| FieldPath::new(names).unwrap_or_default())
}

fn argument() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        3 => (-3..4_i64).prop_map(Value::from),
        1 => Just(value!(i64::MAX)),
        1 => Just(value!(u64::MAX)),
        1 => Just(value!("x")),
        1 => Just(value!([1, "y"])),
        1 => (23..27_usize).prop_map(nested),
    ]
}

/// One of two fields, where inserts meet.
fn field() -> impl Strategy<Value = FieldPath> {
    prop_oneof![3 => Just("a"), 1 => Just("b")].prop_map(|name| FieldPath::new([name]).unwrap_or_default())
}

/// What is inserted, seldom something wrong.
fn content(right: Value, empty: Value) -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => Just(right),
        1 => Just(empty),
        1 => (22..26_usize).prop_map(|depth| Value::List(vec![nested(depth)])),
    ]
}

/// `[anchor, side, content]`, seldom wrong.
fn insert(content: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let anchor = prop_oneof![
        2 => Just(Value::Null),
        2 => (1..9_u64, 0..4_u64).prop_map(|(number, offset)| value!([number, offset])),
        3 => (dot(), 0..4_u64).prop_map(|(dot, offset)| {
            value!([(Value::Bytes(dot.replica.as_bytes().to_vec())), (dot.number), offset])
        }),
    ];
    let side = prop_oneof![4 => Just(0_u64), 8 => Just(1), 1 => Just(2)];
    (anchor, side, content).prop_map(|(anchor, side, content)| value!([anchor, side, content]))
}

/// Ranges, seldom wrong.
fn delete() -> impl Strategy<Value = Value> {
    let count = prop_oneof![8 => 1..4_u64, 1 => Just(0), 1 => Just(u64::MAX)];
    let range = (any::<bool>(), dot(), 0..4_u64, count).prop_map(|(short, dot, from, count)| {
        let replica = Value::Bytes(dot.replica.as_bytes().to_vec());
        if short { value!([(dot.number), from, count]) } else { value!([replica, (dot.number), from, count]) }
    });
    vec(range, 0..3).prop_map(Value::List)
}

/// A dot that somebody may have: replicas are numbered from 1, and none writes many.
fn dot() -> impl Strategy<Value = Dot> {
    let replica = prop_oneof![6 => 1..4_u8, 1 => 4..7_u8];
    (replica, 1..9_u64).prop_map(|(replica, number)| Dot::new(ReplicaId::from_bytes([replica; 16]), number))
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(value!(0), |inner, _| Value::List(vec![inner]))
}

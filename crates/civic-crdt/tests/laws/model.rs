//! The fold of FORMATS 4, word for word and without a thought for speed.
//!
//! Nothing of the fold under test is used: only headers and bodies as decoded.

use std::collections::{BTreeMap, BTreeSet};

use civic_crdt::Dot;
use civic_crdt::version::{Body, Version};
use civic_types::id::DeletePolicy;
use civic_types::value::Int;
use civic_types::{Cid, Map, Value, cbor};

type Path = Vec<String>;

/// A version with the body that can be read here, if any.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) version: Version,
    pub(crate) body: Option<bytes::Bytes>,
}

/// One live operation.
#[derive(Clone, Debug)]
struct Op {
    version: Cid,
    index: usize,
    dot: Dot,
    path: Path,
    kind: u64,
    code: u64,
    argument: Vec<u8>,
    kills: Vec<Dot>,
    stamp: civic_types::time::Stamp,
}

#[derive(Debug)]
pub(crate) struct Model {
    versions: BTreeMap<Cid, Held>,
    live: Vec<Op>,
}

impl Model {
    pub(crate) fn new(held: &[Held]) -> Self {
        let versions: BTreeMap<Cid, Held> =
            held.iter().map(|h| (h.version.cid().clone(), h.clone())).collect();
        let mut model = Self { versions, live: Vec::new() };
        let all: Vec<Op> = model.versions.values().flat_map(operations).collect();
        // Operations of unknown kind or code or with a wrong argument are no-ops, kills included.
        let meant: Vec<&Op> = all.iter().filter(|op| is_meant(op)).collect();
        let mut live: Vec<Op> = meant.iter().filter(|op| op.code != 1).map(|op| (*op).clone()).collect();
        live.retain(|victim| !meant.iter().any(|killer| model.kills(killer, victim)));
        model.live = live;
        model
    }

    pub(crate) fn heads(&self) -> Vec<Cid> {
        let parents: BTreeSet<&Cid> =
            self.versions.values().flat_map(|h| &h.version.header().parents).collect();
        self.versions.keys().filter(|cid| !parents.contains(cid)).cloned().collect()
    }

    pub(crate) fn live_dots(&self) -> Vec<(Dot, Cid)> {
        let mut dots: Vec<_> = self.live.iter().map(|op| (op.dot, op.version.clone())).collect();
        dots.sort();
        dots
    }

    pub(crate) fn present(&self, policy: DeletePolicy) -> bool {
        let presence: Vec<&Op> = self.live.iter().filter(|op| op.path.is_empty()).collect();
        match policy {
            DeletePolicy::AddWins => presence.iter().any(|op| op.argument == [0xf5]),
            DeletePolicy::Lww => greatest(presence).is_some_and(|op| op.argument == [0xf5]),
        }
    }

    pub(crate) fn view(&self, policy: DeletePolicy) -> Option<Value> {
        self.present(policy).then(|| self.map_at(&[]))
    }

    pub(crate) fn conflicts(&self) -> Vec<Path> {
        let paths: BTreeSet<&Path> = self.live.iter().map(|op| &op.path).filter(|p| !p.is_empty()).collect();
        let conflicted = |path: &&&Path| {
            let registers = self.live.iter().filter(|op| op.path == ***path && op.kind == 5).count();
            self.kinds(path).len() > 1 || registers > 1
        };
        paths.iter().filter(conflicted).map(|path| (*path).clone()).collect()
    }

    /// A kill counts only if its dot names an operation of an ancestor of the killing version that lives
    /// at the operation's path or below it.
    fn kills(&self, killer: &Op, victim: &Op) -> bool {
        let reaches = if victim.path.is_empty() {
            killer.path.is_empty() && killer.kind == 5
        } else {
            victim.path.starts_with(&killer.path) && !(killer.path.is_empty() && killer.kind == 5)
        };
        reaches
            && victim.kind != 6
            && killer.kills.contains(&victim.dot)
            && self.ancestors(&killer.version).contains(&victim.version)
    }

    fn ancestors(&self, cid: &Cid) -> BTreeSet<Cid> {
        let mut found = BTreeSet::new();
        let mut open = self.versions[cid].version.header().parents.clone();
        while let Some(next) = open.pop() {
            open.extend(self.versions[&next].version.header().parents.iter().cloned());
            found.insert(next);
        }
        found
    }

    fn kinds(&self, path: &[String]) -> BTreeSet<u64> {
        let mut kinds: BTreeSet<u64> =
            self.live.iter().filter(|op| op.path == path).map(|op| op.kind).collect();
        let below = |op: &&Op| op.path.len() > path.len() && op.path.starts_with(path);
        let implied = self.live.iter().filter(below).any(|op| op.kind != 6);
        let by_g_set = self.live.iter().any(|op| below(&op)) && kinds.iter().all(|kind| *kind == 0);
        if implied || by_g_set {
            kinds.insert(0);
        }
        kinds
    }

    fn map_at(&self, path: &[String]) -> Value {
        let below = self.live.iter().filter(|op| op.path.len() > path.len() && op.path.starts_with(path));
        let names: BTreeSet<&String> = below.map(|op| &op.path[path.len()]).collect();
        let child = |name: &String| [path, std::slice::from_ref(name)].concat();
        Value::Map(names.into_iter().map(|name| (name.clone(), self.at(&child(name)))).collect::<Map>())
    }

    fn at(&self, path: &[String]) -> Value {
        let own = |kind| self.live.iter().filter(move |op| op.path == path && op.kind == kind);
        match *self.kinds(path).first().unwrap() {
            0 => self.map_at(path),
            1 => Value::Text(String::new()),
            2 => Value::List(Vec::new()),
            4 => {
                let sum: i128 = own(4).map(|op| i128::from(decode(&op.argument).as_i64().unwrap())).sum();
                let clamped = sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
                Value::Int(Int::try_from(clamped).unwrap())
            }
            5 => decode(&greatest(own(5).collect()).unwrap().argument),
            kind => {
                let distinct: BTreeSet<Vec<u8>> = own(kind).map(|op| op.argument.clone()).collect();
                Value::List(distinct.iter().map(|bytes| decode(bytes)).collect())
            }
        }
    }
}

/// The operations of a version; none where the body cannot be read, breaks the grammar or is not `n` long.
fn operations(held: &Held) -> Vec<Op> {
    let header = held.version.header();
    let Some(Ok(body)) = held.body.as_ref().map(Body::decode) else { return Vec::new() };
    if body.operations.len() as u64 != header.operations {
        return Vec::new();
    }
    let op = |(index, op): (usize, civic_crdt::version::Operation)| Op {
        version: held.version.cid().clone(),
        index,
        dot: Dot::new(header.replica, header.first_dot + index as u64),
        path: op.path.segments().to_vec(),
        kind: op.kind,
        code: op.code,
        argument: op.argument.to_vec(),
        kills: op.kills,
        stamp: header.stamp,
    };
    body.operations.into_iter().enumerate().map(op).collect()
}

fn is_meant(op: &Op) -> bool {
    let argument = decode(&op.argument);
    if op.path.is_empty() {
        let presence = op.kind == 5 && op.code == 0 && argument.as_bool().is_some();
        let clear = op.kind == 0 && op.code == 1 && argument.is_null();
        return presence || clear;
    }
    match (op.kind, op.code) {
        // Texts and lists are created and cleared here; `tests/sequences` has a model of their elements.
        (0, 0) | (0..=6, 1) | (1 | 2, 2) => argument.is_null(),
        (4, 0) => argument.as_i64().is_some(),
        (3 | 5 | 6, 0) => argument.depth() <= 24,
        _ => false,
    }
}

fn greatest(ops: Vec<&Op>) -> Option<&Op> {
    ops.into_iter().max_by_key(|op| (op.stamp, op.dot.replica, op.index, op.argument.clone()))
}

fn decode(bytes: &[u8]) -> Value {
    cbor::decode(bytes).unwrap()
}

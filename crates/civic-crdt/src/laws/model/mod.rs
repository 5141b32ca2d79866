//! [`Model`]: the fold as docs/wire-format.md words it, without a thought for speed.
//!
//! Nothing of [`Document`](crate::Document) is used, only headers and bodies as decoded. It looks at every pair
//! of operations, so it is for tests of a few hundred versions.

mod op;
mod read;
mod rules;
mod sequence;

use std::collections::BTreeSet;

use civic_types::cid::DAG_CBOR;
use civic_types::id::DeletePolicy;
use civic_types::{Cid, HashAlgorithm, cbor, value};

use super::fold::{Folder, Shown};
use crate::document::BodyState;
use crate::version::{Admission, Refusal, Version};
pub use op::{Op, Placement};
pub use rules::{FoldRules, Literal};

/// A set of versions and the text of the format; `R` is where a mutant reads the text wrongly.
#[derive(Clone, Debug)]
pub struct Model<R = Literal> {
    rules: R,
    policy: DeletePolicy,
    hash: HashAlgorithm,
    /// In order of arrival, so parents come before children.
    held: Vec<Held>,
}

/// A version, what can be read of it, and its ancestors by their number.
#[derive(Clone, Debug)]
struct Held {
    version: Version,
    body: BodyState,
    ancestors: BTreeSet<usize>,
}

impl<R: FoldRules> Folder for Model<R> {
    fn start(policy: DeletePolicy, hash: HashAlgorithm) -> Self {
        Self { rules: R::default(), policy, hash, held: Vec::new() }
    }

    fn insert(&mut self, version: &Version, body: BodyState) -> Admission {
        if self.find(version.cid()).is_some() && !self.rules.takes_again() {
            return Admission::Known;
        }
        match self.judge(version) {
            Ok(ancestors) => {
                self.held.push(Held { version: version.clone(), body, ancestors });
                Admission::Admitted
            }
            Err(admission) => admission,
        }
    }

    fn body_arrived(&mut self, version: &Cid, body: BodyState) {
        if let Some(held) = self.held.iter_mut().find(|held| held.version.cid() == version)
            && self.rules.takes_late_bodies()
        {
            held.body = body;
        }
    }

    fn shown(&self) -> Shown {
        let fields = read::Fields::new(&self.rules, op::live(&self.rules, &self.held));
        let heads = self.heads();
        let view = fields.view(self.policy);
        let content = cbor::encode_with(&view.clone().unwrap_or_default(), &cbor::Limits::DEPTH_ONLY);
        Shown {
            version_id: self.version_id(&heads),
            heads,
            present: view.is_some(),
            content_cid: Cid::dag_cbor(self.hash, &content.unwrap_or_default()),
            view,
            conflicts: fields.conflicts(),
            live: fields.live(),
        }
    }

    fn at(&self, heads: &[Cid]) -> Option<Shown> {
        let mut past = Self { held: Vec::new(), ..self.clone() };
        let named: Vec<usize> = heads.iter().filter_map(|head| self.find(head)).collect();
        let seen = |at: &usize| named.iter().any(|head| head == at || self.ancestors(*head).contains(at));
        for (_, held) in self.held.iter().enumerate().filter(|(at, _)| seen(at)) {
            let _is_known_to_be_admitted = past.insert(&held.version, held.body.clone());
        }
        Some(past.shown())
    }
}

impl<R: FoldRules> Model<R> {
    fn find(&self, version: &Cid) -> Option<usize> {
        self.held.iter().position(|held| held.version.cid() == version)
    }

    fn ancestors(&self, at: usize) -> BTreeSet<usize> {
        self.held.get(at).map(|held| held.ancestors.clone()).unwrap_or_default()
    }

    /// Versions that are no parent of another, ascending.
    fn heads(&self) -> Vec<Cid> {
        let is_parent = |cid: &Cid| self.held.iter().any(|held| held.version.header().parents.contains(cid));
        let heads = self.held.iter().map(|held| held.version.cid()).filter(|cid| !is_parent(cid)).cloned();
        self.rules.heads(heads.collect())
    }

    /// One head, its CID; several, the CID of `{"p": [heads ascending], "v": 1}`.
    fn version_id(&self, heads: &[Cid]) -> Option<Cid> {
        match heads {
            [] => None,
            [head] => Some(head.clone()),
            _ => {
                let several = cbor::encode(&value!({"p": (heads.to_vec()), "v": 1}));
                Some(Cid::dag_cbor(self.hash, &several.unwrap_or_default()))
            }
        }
    }

    /// The ancestors of a version that is admitted.
    fn judge(&self, version: &Version) -> Result<BTreeSet<usize>, Admission> {
        let header = version.header();
        let first = self.held.first().map(|held| held.version.key());
        if first.is_some_and(|key| key != version.key()) || !version.cid().is(DAG_CBOR, self.hash) {
            return Err(Admission::Refused(Refusal::OtherDocument));
        }
        let missing: Vec<Cid> =
            header.parents.iter().filter(|parent| self.find(parent).is_none()).cloned().collect();
        if !missing.is_empty() && !self.rules.admits_orphans() {
            return Err(Admission::Parked { missing });
        }
        let mut ancestors = BTreeSet::new();
        for parent in header.parents.iter().filter_map(|parent| self.find(parent)) {
            ancestors.insert(parent);
            ancestors.extend(self.ancestors(parent));
        }
        let own = ancestors.iter().filter_map(|at| self.held.get(*at)).map(|held| held.version.header());
        let own: Vec<_> = own.filter(|ancestor| ancestor.replica == header.replica).collect();
        let want = own.iter().map(|ancestor| ancestor.last_dot()).max().unwrap_or(0).saturating_add(1);
        if header.first_dot != want && self.rules.counts_dots() {
            return Err(Admission::Refused(Refusal::FirstDot { got: header.first_dot, want }));
        }
        match own.iter().map(|ancestor| ancestor.stamp).max() {
            Some(last) if header.stamp <= last => {
                Err(Admission::Refused(Refusal::Stamp { got: header.stamp, last }))
            }
            _ => Ok(ancestors),
        }
    }
}

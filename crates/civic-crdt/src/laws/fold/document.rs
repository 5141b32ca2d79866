use civic_types::id::DeletePolicy;
use civic_types::{Cid, HashAlgorithm};

use super::{Folder, Shown};
use crate::Document;
use crate::document::BodyState;
use crate::version::{Admission, Version};

impl Folder for Document {
    fn start(policy: DeletePolicy, hash: HashAlgorithm) -> Self {
        Self::new(policy, hash)
    }

    fn insert(&mut self, version: &Version, body: BodyState) -> Admission {
        self.insert(version, body)
    }

    fn body_arrived(&mut self, version: &Cid, body: BodyState) {
        // Refused only where bodies were let go of, and the kit keeps all in memory.
        let _never_refused = self.body_arrived(version, body);
    }

    fn shown(&self) -> Shown {
        Shown {
            heads: self.heads(),
            version_id: self.version_id(),
            present: self.present(),
            view: self.view(),
            conflicts: self.conflicts(),
            content_cid: self.content_cid(),
            live: self.live_dots(),
        }
    }

    /// As read in place; the live operations are those of a branch.
    fn at(&self, heads: &[Cid]) -> Option<Shown> {
        let (past, branch) = (Self::at(self, heads).ok()?, self.checkout(heads).ok()?);
        Some(Shown {
            heads: past.heads(),
            version_id: past.version_id(),
            present: past.present(),
            view: past.view(),
            conflicts: past.conflicts(),
            content_cid: past.content_cid(),
            live: branch.live_dots(),
        })
    }

    /// One that does not open comes back empty, and so breaks the law.
    fn reopened(&self) -> Option<Self> {
        Some(Self::open(&self.save()).unwrap_or_default())
    }

    /// As [`reopened`](Self::reopened).
    fn pruned(&self) -> Option<(Cid, Self)> {
        let snapshot = self.snapshot().ok()??;
        Some((snapshot.version, Self::from_snapshot(&snapshot.bytes).unwrap_or_default()))
    }
}

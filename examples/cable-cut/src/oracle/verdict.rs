/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Writes that were acknowledged and made a version.
    pub(crate) acknowledged: usize,
    /// Acknowledged writes that a device does not hold.
    pub(crate) missing: usize,
    /// Fields, documents or orders that are not as they must be.
    pub(crate) wrong_merges: usize,
    /// Documents in which plain values collided.
    pub(crate) conflicts: usize,
    /// Commits in flight at a kill that were found whole.
    pub(crate) kept: usize,
    /// Commits in flight at a kill that left nothing.
    pub(crate) gone: usize,
    /// The first findings, in words.
    pub(crate) findings: Vec<String>,
}

impl Verdict {
    pub(super) fn missing(&mut self, finding: String) {
        self.missing += 1;
        self.note(finding);
    }

    pub(super) fn wrong(&mut self, finding: String) {
        self.wrong_merges += 1;
        self.note(finding);
    }

    /// Whether nothing is wrong.
    pub(crate) const fn is_good(&self) -> bool {
        self.missing == 0 && self.wrong_merges == 0
    }

    fn note(&mut self, finding: String) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }
}

const MAX_FINDINGS: usize = 20;

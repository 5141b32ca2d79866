//! The audit: what stands in the stores of a kept run, recomputed from the bytes of its versions.
//!
//! A new process without network opens every store with its key file, verifies every signature and every
//! run, recomputes every CID, every view and every root, and compares them with what the store shows, with
//! the other stores and with the journals.

mod check;
mod keys;

use std::path::{Path, PathBuf};

use self::check::Audited;
use crate::error::Error;
use crate::journal;
use crate::oracle::{Verdict, Witness, judge};

/// What an audit came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audit {
    stores: Vec<(String, Audited)>,
    verdict: Verdict,
}

/// Audits every device of a kept run.
pub(crate) fn run(dir: &Path, passphrase: &str) -> Result<Audit, Error> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().map_err(Error::pipe("start a runtime"))?;
    runtime.block_on(async {
        let mut audit = Audit::default();
        let mut witnesses = Vec::new();
        for folder in devices(dir)? {
            let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let (audited, state) = check::store(&folder, passphrase).await?;
            witnesses.push(Witness { name: name.clone(), journal: journal::read(&folder)?, state });
            audit.stores.push((name, audited));
        }
        audit.verdict = judge(&witnesses);
        Ok(audit)
    })
}

/// The folders d1, d2, … as far as they go.
fn devices(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let folders = (1..).map(|number| dir.join(format!("d{number}")));
    let found: Vec<PathBuf> = folders.take_while(|folder| folder.is_dir()).collect();
    if found.is_empty() { Err(Error::NoRun { path: dir.to_owned() }) } else { Ok(found) }
}

impl Audit {
    /// Whether nothing differs.
    pub(crate) fn is_good(&self) -> bool {
        self.verdict.is_good()
            && self.stores.iter().all(|(_, store)| store.differences.is_empty())
            && self.equal()
    }

    /// Whether all stores come to one root.
    fn equal(&self) -> bool {
        self.stores.windows(2).all(|pair| matches!(pair, [(_, a), (_, b)] if a.root == b.root))
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for (name, store) in &self.stores {
            let Audited { versions, signatures, documents, root, differences } = store;
            out.push_str(&format!(
                "{name}: {versions} versions and {signatures} signatures verified, {documents} documents folded anew, \
                 root {root}\n"
            ));
            for difference in differences.iter().take(MAX_SHOWN) {
                out.push_str(&format!("  ! {difference}\n"));
            }
            let more = differences.len().saturating_sub(MAX_SHOWN);
            if more > 0 {
                out.push_str(&format!("  ! and {more} more\n"));
            }
        }
        if !self.equal() {
            out.push_str("  ! the roots differ\n");
        }
        let Verdict { acknowledged, missing, wrong_merges, .. } = &self.verdict;
        out.push_str(&format!(
            "journals: {acknowledged} acknowledged, {missing} missing; {wrong_merges} wrong merges\n"
        ));
        for finding in &self.verdict.findings {
            out.push_str(&format!("  ! {finding}\n"));
        }
        out.push_str(if self.is_good() { "AUDITED: everything is as its versions say" } else { "NOT GOOD" });
        out
    }
}

const MAX_SHOWN: usize = 20;

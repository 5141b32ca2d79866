//! [`ForkProof`]: that a replica signed two versions for one place, for whoever holds neither.
#![warn(clippy::indexing_slicing)]

use bytes::Bytes;
use civic_types::Signature;
use civic_types::cbor::{self, Decoder, Encoder};
use civic_types::item::ReplicaRecord;

use super::{ChainLink, Header, HeaderError, Rules, Verify, Version, authenticate};

/// Two branches of one replica's log, each up to a header that it signed.
///
/// It accuses nobody else and removes nothing: both branches stay and count. What it is worth: a device that
/// was copied, restored from an old backup or stolen is told, and so is everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkProof {
    /// Who forked.
    pub record: ReplicaRecord,
    /// The branch of the version with the smaller CID.
    pub first: Branch,
    /// The branch of the version with the greater CID.
    pub second: Branch,
}

/// A version and what shows that its replica wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The bytes of the version's header, then those of the headers that follow it in the log, up to one that is
    /// signed; mostly one, at most [`MAX_BRANCH_HEADERS`].
    pub headers: Vec<Bytes>,
    /// Of the last of them.
    pub signature: Signature,
}

impl ForkProof {
    /// Checks everything and gives the two versions for one place: the same position of the collection's log,
    /// or the same first dot of one document.
    ///
    /// # Errors
    ///
    /// [`ForkProofError`]: nothing is proved.
    pub fn check(&self, rules: &Rules, verify: &dyn Verify) -> Result<(Version, Version), ForkProofError> {
        let first = self.first.check(&self.record, rules, verify)?;
        let second = self.second.check(&self.record, rules, verify)?;
        if first.cid() >= second.cid() || !one_place(first.header(), second.header()) {
            return Err(ForkProofError::NoFork);
        }
        Ok((first, second))
    }

    /// The canonical bytes: `[1, record 48, [header…], signature 64, [header…], signature 64]`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(6).uint(FORMAT_VERSION).bytes(&self.record.to_bytes());
        for branch in [&self.first, &self.second] {
            out.array(branch.headers.len());
            for header in &branch.headers {
                out.bytes(header);
            }
            out.bytes(branch.signature.as_bytes());
        }
        out.into_bytes()
    }

    /// Reads what [`encode`](Self::encode) wrote; nothing is checked but the form.
    ///
    /// # Errors
    ///
    /// [`ForkProofError`] when the bytes are not canonical, of another shape or longer than
    /// [`MAX_FORK_PROOF_BYTES`].
    pub fn decode(bytes: &Bytes) -> Result<Self, ForkProofError> {
        if bytes.len() > MAX_FORK_PROOF_BYTES {
            return Err(ForkProofError::Shape);
        }
        let input = &mut Decoder::new(bytes);
        if input.array()? != 6 || input.uint()? != FORMAT_VERSION {
            return Err(ForkProofError::Shape);
        }
        let record = ReplicaRecord::from_bytes(&input.byte_array()?);
        let (first, second) = (Branch::read(input, bytes)?, Branch::read(input, bytes)?);
        input.clone().finish()?;
        Ok(Self { record, first, second })
    }
}

impl Branch {
    fn check(
        &self,
        record: &ReplicaRecord,
        rules: &Rules,
        verify: &dyn Verify,
    ) -> Result<Version, ForkProofError> {
        let Some((first, followers)) = self.headers.split_first() else { return Err(ForkProofError::Shape) };
        if followers.len() >= MAX_BRANCH_HEADERS {
            return Err(ForkProofError::Shape);
        }
        let version = Version::decode(first.clone(), rules)?;
        let mut links = vec![(ChainLink::from(&version), None)];
        for header in followers {
            links.push((ChainLink::decode(header, rules.hash)?, None));
        }
        if let Some((_, signature)) = links.last_mut() {
            *signature = Some(self.signature);
        }
        let found = authenticate(links, std::slice::from_ref(record), verify);
        if found.authentic.contains(version.cid()) { Ok(version) } else { Err(ForkProofError::Unsigned) }
    }

    fn read(input: &mut Decoder<'_>, bytes: &Bytes) -> Result<Self, ForkProofError> {
        let count = input.array()?;
        if count == 0 || count > MAX_BRANCH_HEADERS {
            return Err(ForkProofError::Shape);
        }
        let headers = (0..count).map(|_| Ok(bytes.slice_ref(input.bytes()?)));
        let headers = headers.collect::<Result<_, cbor::Error>>()?;
        Ok(Self { headers, signature: Signature::from_bytes(input.byte_array()?) })
    }
}

/// Whether two versions of one replica that has not forked cannot both be.
fn one_place(a: &Header, b: &Header) -> bool {
    let one_log = a.replica == b.replica && a.collection == b.collection;
    one_log && (a.position == b.position || (a.document == b.document && a.first_dot == b.first_dot))
}

/// Most headers of one branch: an author signs at least the last version of every
/// commit, and a commit has no more.
pub const MAX_BRANCH_HEADERS: usize = 4096;

/// Most bytes of a proof: larger ones are not worth a link's time, and a version further on will do as well.
pub const MAX_FORK_PROOF_BYTES: usize = 256 * 1024;

const FORMAT_VERSION: u64 = 1;

/// Why a fork is not proved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForkProofError {
    /// Not canonical.
    #[error("the proof or a header in it is not canonical")]
    Cbor(#[from] cbor::Error),
    /// A version breaks a rule of headers.
    #[error("a version breaks a rule")]
    Header(#[from] HeaderError),
    /// The two versions are one, out of order, of two logs, or for two places.
    #[error("the versions are not two for one place")]
    NoFork,
    /// Not a proof's shape, or too large.
    #[error("the bytes are no proof of a fork")]
    Shape,
    /// The signature does not verify or does not vouch for the version.
    #[error("a version is not shown to be the replica's own")]
    Unsigned,
}

use std::fmt;

use civic_types::label::Label;
use civic_types::{CollectionId, CommunityId};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::Error;
use crate::aead::{SUITE_XCHACHA20_POLY1305, decrypt, encrypt};
use crate::rng::random_bytes;

/// Longest plaintext of a community pack.
pub const MAX_PACK_BYTES: usize = 16 * 1024 * 1024;

const EPOCH_LEN: usize = 16;
const NONCE_LEN: usize = 24;

/// The secret that the members of a community share in one epoch. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct CommunityKey(Zeroizing<[u8; 32]>);

/// Which end of a connection proves membership: the one with the smaller or the greater `PeerId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The smaller.
    Smaller,
    /// The greater.
    Greater,
}

impl CommunityKey {
    /// A fresh key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self::from_bytes(random_bytes(rng))
    }

    /// Takes the 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The 32 bytes, to keep in a key store or a ticket.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    /// The epoch's id, which commits to the key.
    #[must_use]
    pub fn epoch_id(&self) -> [u8; EPOCH_LEN] {
        let mut id = [0; EPOCH_LEN];
        // 16 bytes are far below HKDF's limit, the one thing that expand refuses.
        let _infallible =
            Hkdf::<Sha256>::new(None, &self.0[..]).expand(Label::COMMUNITY_ID.as_bytes(), &mut id);
        id
    }

    /// The key of a collection's short ids and fingerprints; this key must be the one of epoch 0.
    #[must_use]
    pub fn scope_key(&self, collection: &CollectionId) -> Zeroizing<[u8; 32]> {
        let mut hasher = blake3::Hasher::new_derive_key(Label::SCOPE.context());
        hasher.update(&self.0[..]).update(collection.as_bytes());
        Zeroizing::new(*hasher.finalize().as_bytes())
    }

    /// Proves membership on one connection: keyed BLAKE3 over role ‖ binding ‖ community under a key
    /// derived for that alone. It reveals nothing to who lacks the key and is worthless elsewhere.
    #[must_use]
    pub fn proof(&self, role: Role, binding: &[u8; 32], community: &CommunityId) -> [u8; 32] {
        let key = blake3::derive_key(Label::COMMUNITY_PROOF.context(), &self.0[..]);
        let mut hasher = blake3::Hasher::new_keyed(&key);
        hasher.update(&[match role {
            Role::Smaller => 0,
            Role::Greater => 1,
        }]);
        *hasher.update(binding).update(community.as_bytes()).finalize().as_bytes()
    }

    /// Whether the other end's proof holds, in constant time.
    #[must_use]
    pub fn check_proof(
        &self,
        role: Role,
        binding: &[u8; 32],
        community: &CommunityId,
        proof: &[u8; 32],
    ) -> bool {
        self.proof(role, binding, community).ct_eq(proof).into()
    }

    /// Encrypts for carriers without a session: `suite ‖ epoch 16 ‖ nonce 24 ‖ ciphertext ‖ tag 16`.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] above [`MAX_PACK_BYTES`].
    pub fn seal(
        &self,
        rng: &mut dyn CryptoRng,
        community: &CommunityId,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        if plaintext.len() > MAX_PACK_BYTES {
            return Err(Error::Malformed { what: "community pack" });
        }
        let epoch = self.epoch_id();
        let nonce: [u8; NONCE_LEN] = random_bytes(rng);
        let ciphertext = encrypt(&self.0, &nonce, &associated(community, &epoch), plaintext);
        Ok([&[SUITE_XCHACHA20_POLY1305][..], &epoch, &nonce, &ciphertext].concat())
    }

    /// Decrypts.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for another suite; [`Error::Aead`] for everything else, also for a pack of
    /// another epoch.
    pub fn open(&self, community: &CommunityId, pack: &[u8]) -> Result<Vec<u8>, Error> {
        let (suite, rest) = pack.split_first().ok_or(Error::Aead)?;
        if *suite != SUITE_XCHACHA20_POLY1305 {
            return Err(Error::Unsupported { what: "this encryption suite" });
        }
        let (epoch, rest) = rest.split_first_chunk::<EPOCH_LEN>().ok_or(Error::Aead)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(Error::Aead)?;
        if *epoch != self.epoch_id() || ciphertext.len() > MAX_PACK_BYTES + 16 {
            return Err(Error::Aead);
        }
        decrypt(&self.0, nonce, &associated(community, epoch), ciphertext)
    }
}

fn associated(community: &CommunityId, epoch: &[u8; EPOCH_LEN]) -> Vec<u8> {
    let mut aad = Label::COMMUNITY_EVENT.as_bytes().to_vec();
    aad.extend_from_slice(&32_u32.to_be_bytes());
    aad.extend_from_slice(community.as_bytes());
    aad.push(SUITE_XCHACHA20_POLY1305);
    aad.extend_from_slice(epoch);
    aad
}

impl fmt::Debug for CommunityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommunityKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    const COMMUNITY: CommunityId = CommunityId::from_bytes([3; 32]);

    #[test]
    fn packs_open_for_the_same_key_and_community_only_and_no_byte_may_change() {
        let key = CommunityKey::generate(&mut SystemRng::new());
        let pack = key.seal(&mut SystemRng::new(), &COMMUNITY, b"news").unwrap();
        assert_eq!(key.open(&COMMUNITY, &pack).unwrap(), b"news");
        assert!(key.open(&CommunityId::from_bytes([4; 32]), &pack).is_err());
        assert!(CommunityKey::generate(&mut SystemRng::new()).open(&COMMUNITY, &pack).is_err());
        for at in 0..pack.len() {
            let mut changed = pack.clone();
            changed[at] ^= 0x10;
            assert!(key.open(&COMMUNITY, &changed).is_err(), "byte {at}");
            assert!(key.open(&COMMUNITY, &pack[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_proof_holds_for_its_role_binding_and_community_only() {
        let key = CommunityKey::from_bytes([7; 32]);
        let proof = key.proof(Role::Smaller, &[1; 32], &COMMUNITY);
        assert!(key.check_proof(Role::Smaller, &[1; 32], &COMMUNITY, &proof));
        assert!(!key.check_proof(Role::Greater, &[1; 32], &COMMUNITY, &proof), "a reflected proof");
        assert!(!key.check_proof(Role::Smaller, &[2; 32], &COMMUNITY, &proof), "a relayed proof");
        assert!(!key.check_proof(Role::Smaller, &[1; 32], &CommunityId::from_bytes([9; 32]), &proof));
        assert!(!CommunityKey::from_bytes([8; 32]).check_proof(Role::Smaller, &[1; 32], &COMMUNITY, &proof));
    }
}

use std::collections::BTreeMap;

use civic_crypto::community::{CommunityKey, Genesis, TicketAddress};
use civic_types::CommunityId;

#[cfg(feature = "sqlite")]
use super::keys::KeyRing;
use crate::error::Error;

/// A community that this device is in.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) genesis: Genesis,
    pub(super) key: CommunityKey,
    /// Where its ticket said that members may be reached.
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "nobody but a key file keeps it"))]
    pub(super) addresses: Vec<TicketAddress>,
}

/// The communities of this device, kept in its key file if it has one.
#[derive(Debug, Default)]
pub(super) struct Membership {
    members: BTreeMap<CommunityId, Member>,
    #[cfg(feature = "sqlite")]
    ring: Option<KeyRing>,
}

impl Membership {
    /// The communities of a key file.
    #[cfg(feature = "sqlite")]
    pub(super) fn of(ring: KeyRing) -> Result<Self, Error> {
        let members = ring.members()?.into_iter().map(|member| (member.genesis.id(), member)).collect();
        Ok(Self { members, ring: Some(ring) })
    }

    /// Adds a community, durably where there is a key file; not added on an error.
    pub(super) fn add(&mut self, member: Member) -> Result<(), Error> {
        let community = member.genesis.id();
        // A forged ticket must not replace the key of a community that one is in.
        if self.get(&community).is_some_and(|known| known.key.epoch_id() != member.key.epoch_id()) {
            return Err(Error::TicketMismatch { community });
        }
        #[cfg(feature = "sqlite")]
        if let Some(ring) = &mut self.ring {
            let others = self.members.iter().filter(|(id, _)| **id != community).map(|(_, member)| member);
            ring.save_members(others.chain([&member]))?;
        }
        self.members.insert(community, member);
        Ok(())
    }

    pub(super) fn get(&self, community: &CommunityId) -> Option<&Member> {
        self.members.get(community)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&CommunityId, &Member)> {
        self.members.iter()
    }
}

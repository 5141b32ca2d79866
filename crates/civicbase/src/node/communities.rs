use civic_crypto::community::{CommunityKey, Genesis, MAX_TICKET_ADDRESSES, Ticket};
use civic_crypto::rng::{SystemRng, random_bytes};
use civic_transport::PeerAddr;
use civic_types::id::CollectionKind;
use civic_types::{CollectionSpec, CommunityId};
use futures_util::future::join_all;

use super::membership::Member;
use super::running::{Node, lock};
use crate::data::Collection;
use crate::error::Error;

/// Communities and their collections.
impl Node {
    /// Makes a community, with this device's agent as its admin, and joins it. The ticket is **secret**:
    /// whoever reads it is a member too.
    ///
    /// # Errors
    ///
    /// [`Error::Crypto`] when the name is empty, longer than 128 bytes or has a control character,
    /// [`Error::KeyFile`] when it cannot be kept, [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Cancelled, the community may have been made; [`ticket`](Self::ticket) gives its ticket.
    pub async fn create_community(&self, name: &str) -> Result<Ticket, Error> {
        let mut rng = SystemRng::new();
        let genesis = Genesis {
            name: name.to_owned(),
            admins: vec![self.inner().agent],
            created_s: self.inner().timer.wall().as_secs(),
            nonce: random_bytes(&mut rng),
        };
        // What others would refuse to read must not be made.
        let genesis = Genesis::decode(&genesis.encode())?;
        let member = Member { genesis, key: CommunityKey::generate(&mut rng), addresses: Vec::new() };
        let ticket = self.ticket_of(&member);
        self.become_member(member).await?;
        Ok(ticket)
    }

    /// Joins the community of a ticket, and tries the addresses in it. Joining again only tries them again.
    ///
    /// The membership stands whether or not anybody answers; who does not is logged.
    ///
    /// # Errors
    ///
    /// [`Error::TicketMismatch`] when the device is in that community with another key, [`Error::KeyFile`]
    /// when the membership cannot be kept, [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// The membership stands from the first poll on; cancelled, some addresses have not been tried.
    pub async fn join(&self, ticket: &Ticket) -> Result<(), Error> {
        let addresses = ticket.addresses.iter().take(MAX_TICKET_ADDRESSES).cloned().collect();
        self.become_member(Member { genesis: ticket.genesis.clone(), key: ticket.key.clone(), addresses })
            .await?;
        let Some(network) = &self.inner().network else { return Ok(()) };
        let (here, connected) = (self.peer_id(), network.link.peers());
        let open = ticket.addresses.iter().take(MAX_TICKET_ADDRESSES).filter(|address| {
            address.peer.is_none_or(|peer| peer != here && !connected.iter().any(|info| info.peer == peer))
        });
        let dials = open.map(|address| async move {
            let to = PeerAddr { peer: address.peer, address: address.address.clone() };
            if let Err(error) = network.link.connect(&to).await {
                tracing::info!(address = to.address, %error, "a ticket's address does not answer");
            }
        });
        join_all(dials).await;
        Ok(())
    }

    /// A ticket for a community that this device is in, with the address at which it may be reached now.
    /// **Secret**.
    ///
    /// # Errors
    ///
    /// [`Error::NotMember`].
    pub fn ticket(&self, community: &CommunityId) -> Result<Ticket, Error> {
        let members = lock(&self.inner().members);
        let member = members.get(community).ok_or(Error::NotMember { community: *community })?;
        Ok(self.ticket_of(member))
    }

    /// The communities that this device is in with their names, ascending by id.
    #[must_use]
    pub fn communities(&self) -> Vec<(CommunityId, String)> {
        let members = lock(&self.inner().members);
        members.iter().map(|(id, member)| (*id, member.genesis.name.clone())).collect()
    }

    /// Opens the collection of that name in the one community there is, with the default definition; made
    /// here if it is new, and known to the community as soon as devices meet.
    ///
    /// # Errors
    ///
    /// [`Error::NoCommunity`], [`Error::AmbiguousCommunity`]; else as
    /// [`collection_with`](Self::collection_with).
    ///
    /// # Cancel safety
    ///
    /// The collection is known here or not.
    pub async fn collection(&self, name: &str) -> Result<Collection, Error> {
        let communities = self.inner().store.communities();
        match communities.as_slice() {
            [] => Err(Error::NoCommunity),
            [one] => self.collection_in(one, name).await,
            several => Err(Error::AmbiguousCommunity { count: several.len() }),
        }
    }

    /// [`collection`](Self::collection) in a community of several.
    ///
    /// # Errors
    ///
    /// As [`collection_with`](Self::collection_with).
    ///
    /// # Cancel safety
    ///
    /// The collection is known here or not.
    pub async fn collection_in(&self, community: &CommunityId, name: &str) -> Result<Collection, Error> {
        self.collection_with(CollectionSpec::new(*community, name)?).await
    }

    /// Opens a collection by its definition; made here if it is new.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionMismatch`] when the community has that name with another definition,
    /// [`Error::NotMember`], [`Error::Unsupported`] for granted, sealed and item collections,
    /// [`Error::Store`], [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// The collection is known here or not.
    pub async fn collection_with(&self, spec: CollectionSpec) -> Result<Collection, Error> {
        if spec.is_local() && spec.kind != CollectionKind::Documents {
            return Err(Error::Unsupported { what: "a collection of items" });
        }
        if !spec.is_local() {
            self.inner().store.define(&spec).await?;
        }
        Ok(Collection::new(self.inner().store.clone(), spec))
    }

    /// The collection of that name which never leaves this device.
    ///
    /// # Errors
    ///
    /// [`Error::CollectionName`].
    pub fn local_collection(&self, name: &str) -> Result<Collection, Error> {
        let spec = CollectionSpec::new(CommunityId::from_bytes([0; CommunityId::LEN]), name)?;
        Ok(Collection::new(self.inner().store.clone(), spec))
    }

    async fn become_member(&self, member: Member) -> Result<(), Error> {
        let (genesis, key) = (member.genesis.clone(), member.key.clone());
        // First in memory, where there may be no room, so that the key file never holds more than fits.
        self.inner().store.join(&genesis, key)?;
        lock(&self.inner().members).add(member)?;
        if let Some(network) = &self.inner().network {
            network.sync.announce().await?;
        }
        Ok(())
    }

    fn ticket_of(&self, member: &Member) -> Ticket {
        let addresses = self.ticket_address().into_iter().collect();
        Ticket { genesis: member.genesis.clone(), key: member.key.clone(), addresses }
    }
}

use std::fmt;
use std::str::FromStr;

use civic_types::cbor::{self, Decoder, Encoder};
use civic_types::{CommunityId, PeerId};
use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::{CommunityKey, Genesis};
use crate::Error;

/// Most addresses in one ticket: it has to fit a QR code.
pub const MAX_TICKET_ADDRESSES: usize = 4;

const MAX_ADDRESS_BYTES: usize = 128;
const MAX_TEXT_BYTES: usize = 8192;
const PREFIX: &str = "civicbase://ticket/1#";
const FORMAT: u64 = 1;
const MALFORMED: Error = Error::Malformed { what: "community ticket" };

/// All that a device needs to be a member. **Secret**: whoever reads it is one too.
///
/// Text form: `civicbase://ticket/1#` and the base64url of
/// `CBOR([1, genesis bytes, key 32, [[PeerId or null, address]…]])`.
#[derive(Clone)]
pub struct Ticket {
    /// The community.
    pub genesis: Genesis,
    /// Its key of epoch 0.
    pub key: CommunityKey,
    /// Where members may be reached.
    pub addresses: Vec<TicketAddress>,
}

/// Where a member may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketAddress {
    /// Who must answer there.
    pub peer: Option<PeerId>,
    /// Where, in a link's own words.
    pub address: String,
}

impl Ticket {
    /// The community's id.
    #[must_use]
    pub fn community(&self) -> CommunityId {
        self.genesis.id()
    }

    /// The secret text. Addresses beyond the fourth, empty ones and those of over 128 bytes are left out: they
    /// are hints, and the text has to fit a QR code.
    #[must_use]
    pub fn to_secret_text(&self) -> Zeroizing<String> {
        let mut out = Encoder::new();
        out.array(4).uint(FORMAT).bytes(&self.genesis.encode()).bytes(&self.key.to_bytes()[..]);
        let fits = |address: &&TicketAddress| (1..=MAX_ADDRESS_BYTES).contains(&address.address.len());
        let addresses: Vec<_> = self.addresses.iter().filter(fits).take(MAX_TICKET_ADDRESSES).collect();
        out.array(addresses.len());
        for address in addresses {
            out.array(2);
            match &address.peer {
                Some(peer) => out.bytes(peer.as_bytes()),
                None => out.null(),
            };
            out.text(&address.address);
        }
        let bytes = Zeroizing::new(out.into_bytes());
        Zeroizing::new(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes)))
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (genesis, key, addresses) = parse(bytes).map_err(|_| MALFORMED)?;
        let genesis = Genesis::decode(genesis)?;
        let bounded = addresses.iter().all(|a| (1..=MAX_ADDRESS_BYTES).contains(&a.address.len()));
        if addresses.len() > MAX_TICKET_ADDRESSES || !bounded {
            return Err(MALFORMED);
        }
        Ok(Self { genesis, key: CommunityKey::from_bytes(key), addresses })
    }
}

type Parsed<'a> = (&'a [u8], [u8; 32], Vec<TicketAddress>);

fn parse(bytes: &[u8]) -> Result<Parsed<'_>, cbor::Error> {
    let mut input = Decoder::new(bytes);
    let wrong = |input: &Decoder<'_>| cbor::Error { kind: cbor::ErrorKind::Range, offset: input.offset() };
    if input.array()? != 4 || input.uint()? != FORMAT {
        return Err(wrong(&input));
    }
    let (genesis, key) = (input.bytes()?, input.byte_array()?);
    let mut addresses = Vec::new();
    for _ in 0..input.array()? {
        if input.array()? != 2 {
            return Err(wrong(&input));
        }
        let peer = if input.try_null() { None } else { Some(PeerId::from_bytes(input.byte_array()?)) };
        addresses.push(TicketAddress { peer, address: input.text()?.to_owned() });
    }
    input.finish()?;
    Ok((genesis, key, addresses))
}

impl FromStr for Ticket {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(MALFORMED)?;
        if encoded.len() > MAX_TEXT_BYTES {
            return Err(MALFORMED);
        }
        let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(encoded.as_bytes()).map_err(|_| MALFORMED)?);
        Self::decode(&bytes)
    }
}

/// Names the community, never the key.
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({:?})", self.genesis.name)
    }
}

#[cfg(test)]
mod tests {
    use civic_types::AgentId;

    use super::*;

    #[test]
    fn tickets_round_trip_and_damaged_ones_are_refused_or_name_another_community() {
        let genesis = Genesis {
            name: "Hamnen".into(),
            admins: vec![AgentId::from_bytes([1; 32])],
            created_s: 7,
            nonce: [2; 16],
        };
        let address =
            TicketAddress { peer: Some(PeerId::from_bytes([5; 32])), address: "192.0.2.1:4001".into() };
        let ticket = Ticket { genesis, key: CommunityKey::from_bytes([3; 32]), addresses: vec![address] };
        let text = ticket.to_secret_text();
        let back: Ticket = text.parse().unwrap();
        assert_eq!((back.community(), &back.addresses), (ticket.community(), &ticket.addresses));
        assert_eq!(back.key.to_bytes(), ticket.key.to_bytes());
        assert!(!format!("{ticket:?}").contains("03030303"));
        assert!(text[..text.len() - 4].parse::<Ticket>().is_err());
        assert!("civicbase://ticket/2#AA".parse::<Ticket>().is_err());
    }
}

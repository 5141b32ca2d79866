use civic_types::cbor::{Decoder, Encoder};
use civic_types::limits::MAX_NAME_BYTES;
use civic_types::{AgentId, CommunityId};

use crate::Error;

/// Most admins at a community's birth.
pub const MAX_ADMINS: usize = 32;

const FORMAT: u64 = 1;
const MALFORMED: Error = Error::Malformed { what: "community genesis" };

/// What makes a community; its id is the hash of these fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// Its name: 1..=128 bytes without control characters.
    pub name: String,
    /// Its first admins, ascending.
    pub admins: Vec<AgentId>,
    /// When it was made, in seconds since 1970.
    pub created_s: u64,
    /// Random, so that two of one name differ.
    pub nonce: [u8; 16],
}

impl Genesis {
    /// The community's id.
    #[must_use]
    pub fn id(&self) -> CommunityId {
        CommunityId::derive(&self.encode())
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(5).uint(FORMAT).text(&self.name).array(self.admins.len());
        for admin in &self.admins {
            out.bytes(admin.as_bytes());
        }
        out.uint(self.created_s).bytes(&self.nonce);
        out.into_bytes()
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for anything but what [`encode`](Self::encode) writes within its bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Self::parse(bytes).map_err(|_| MALFORMED)?.checked()
    }

    fn parse(bytes: &[u8]) -> Result<Self, civic_types::cbor::Error> {
        let mut input = Decoder::new(bytes);
        let fields = input.array()?;
        let format = input.uint_up_to(FORMAT)?;
        let name = input.text()?.to_owned();
        let count = input.array()?;
        let mut admins = Vec::new();
        for _ in 0..count {
            admins.push(AgentId::from_bytes(input.byte_array()?));
        }
        let (created_s, nonce) = (input.uint()?, input.byte_array()?);
        input.finish()?;
        // Wrong counts make an empty name, which the bounds refuse.
        let name = if fields == 5 && format == FORMAT { name } else { String::new() };
        Ok(Self { name, admins, created_s, nonce })
    }

    fn checked(self) -> Result<Self, Error> {
        let named =
            (1..=MAX_NAME_BYTES).contains(&self.name.len()) && !self.name.chars().any(char::is_control);
        let led = (1..=MAX_ADMINS).contains(&self.admins.len()) && self.admins.is_sorted_by(|a, b| a < b);
        if named && led { Ok(self) } else { Err(MALFORMED) }
    }
}

//! Communities: what one is ([`Genesis`]), what its members share ([`CommunityKey`]), and how the two are
//! handed to a new member ([`Ticket`]).

mod genesis;
mod key;
mod ticket;

pub use genesis::{Genesis, MAX_ADMINS};
pub use key::{CommunityKey, MAX_PACK_BYTES, Role};
pub use ticket::{MAX_TICKET_ADDRESSES, Ticket, TicketAddress};

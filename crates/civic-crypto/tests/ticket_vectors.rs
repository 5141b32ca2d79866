//! Community tickets, proofs of membership and packs against their golden bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use civic_crypto::community::{CommunityKey, Genesis, Role, Ticket, TicketAddress};
use civic_crypto::rng::SystemRng;
use civic_types::{CommunityId, PeerId};
use serde_json::Value as Json;

fn data() -> Json {
    let mut file: Json = serde_json::from_str(include_str!("vectors/ticket.json")).unwrap();
    file["data"].take()
}

fn bytes(json: &Json) -> Vec<u8> {
    hex::decode(json.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(json: &Json) -> [u8; N] {
    bytes(json).try_into().unwrap()
}

fn ticket(data: &Json) -> Ticket {
    let address = |json: &Json| TicketAddress {
        peer: json["peer"].is_string().then(|| PeerId::from_bytes(array(&json["peer"]))),
        address: json["address"].as_str().unwrap().into(),
    };
    Ticket {
        genesis: Genesis::decode(&bytes(&data["genesis"])).unwrap(),
        key: CommunityKey::from_bytes(array(&data["key"])),
        addresses: data["addresses"].as_array().unwrap().iter().map(address).collect(),
    }
}

#[test]
fn a_ticket_has_its_golden_text_and_comes_back() {
    let data = data();
    let (ticket, text) = (ticket(&data), data["text"].as_str().unwrap());
    assert_eq!(*ticket.to_secret_text(), text);
    let back: Ticket = text.parse().unwrap();
    assert_eq!(back.genesis, ticket.genesis);
    assert_eq!(back.genesis.name, data["name"].as_str().unwrap());
    assert_eq!(back.community().as_bytes(), &array(&data["community"]));
    assert_eq!(back.key.to_bytes()[..], bytes(&data["key"]));
    assert_eq!(back.addresses, ticket.addresses);
    let bare = Ticket { addresses: Vec::new(), ..ticket };
    assert_eq!(*bare.to_secret_text(), data["text_without_addresses"].as_str().unwrap());
}

#[test]
fn a_cut_or_lengthened_ticket_is_refused() {
    let data = data();
    for text in [&data["text"], &data["text_without_addresses"]] {
        let text = text.as_str().unwrap();
        for end in 0..text.len() {
            assert!(text[..end].parse::<Ticket>().is_err(), "cut at {end}");
        }
        assert!(format!("{text}A").parse::<Ticket>().is_err());
        assert!(format!("{text}AAAA").parse::<Ticket>().is_err());
        assert!(format!("{text}=").parse::<Ticket>().is_err());
        assert!(text.replace("/1#", "/2#").parse::<Ticket>().is_err());
    }
}

#[test]
fn the_key_has_its_golden_epoch_id_and_proofs() {
    let data = data();
    let key = CommunityKey::from_bytes(array(&data["key"]));
    let community = CommunityId::from_bytes(array(&data["community"]));
    assert_eq!(key.epoch_id()[..], bytes(&data["epoch_id"]));
    let binding = array(&data["binding"]);
    let (smaller, greater) = (array(&data["proof_of_the_smaller"]), array(&data["proof_of_the_greater"]));
    assert_eq!(hex::encode(key.proof(Role::Smaller, &binding, &community)), hex::encode(smaller));
    assert_eq!(hex::encode(key.proof(Role::Greater, &binding, &community)), hex::encode(greater));
    assert!(key.check_proof(Role::Smaller, &binding, &community, &smaller));
    assert!(!key.check_proof(Role::Smaller, &binding, &community, &greater));
}

#[test]
fn the_golden_pack_opens_and_no_part_of_it_does() {
    let data = data();
    let key = CommunityKey::from_bytes(array(&data["key"]));
    let community = CommunityId::from_bytes(array(&data["community"]));
    let (plaintext, pack) = (bytes(&data["pack"]["plaintext"]), bytes(&data["pack"]["pack"]));
    assert_eq!(key.open(&community, &pack).unwrap(), plaintext);
    assert_eq!(pack[17..41], bytes(&data["pack"]["nonce"]));
    for end in 0..pack.len() {
        assert!(key.open(&community, &pack[..end]).is_err(), "cut at {end}");
    }
    let ours = key.seal(&mut SystemRng::new(), &community, &plaintext).unwrap();
    assert_eq!((ours.len(), &ours[..17]), (pack.len(), &pack[..17]), "suite and epoch");
    assert_eq!(key.open(&community, &ours).unwrap(), plaintext);
}

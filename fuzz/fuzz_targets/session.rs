//! A session that is told anything by a member ends nothing but itself: no panic, no endless loop, and never more
//! to do than was said.
#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use civic_crypto::community::CommunityKey;
use civic_sync::Cursor;
use civic_sync::reconcile::Sketch;
use civic_sync::session::{Input, LogHead, NewestOf, Output, ScopeView, Session};
use civic_types::time::Tick;
use civic_types::{CollectionSpec, CommunityId, PeerId, ReplicaId};
use libfuzzer_sys::fuzz_target;

const COMMUNITY: CommunityId = CommunityId::from_bytes([3; 32]);
/// Frames of one run, and what may follow from each.
const FRAMES: usize = 64;
const STEPS: usize = 10_000;

fuzz_target!(|data: &[u8]| {
    let Some((side, mut rest)) = data.split_first() else { return };
    let (small, great) = (PeerId::from_bytes([1; 32]), PeerId::from_bytes([2; 32]));
    let (us, them) = if side & 1 == 1 { (small, great) } else { (great, small) };
    let binding = vec![[9; 32]];
    let (mut session, mut member) =
        (Session::new(us, them, binding.clone()), Session::new(them, us, binding));
    let memberships = || Input::Communities(vec![(COMMUNITY, CommunityKey::from_bytes([4; 32]))]);
    let proof = member.handle(Tick::default(), memberships());
    let mut outputs = session.handle(Tick::default(), memberships());
    for output in proof {
        if let Output::Send(frame) = output {
            outputs.extend(session.handle(Tick::default(), Input::Frame(frame)));
        }
    }
    carry_out(&mut session, outputs);
    for _ in 0..FRAMES {
        let Some((length, more)) = rest.split_first_chunk::<2>() else { return };
        let (frame, more) = more.split_at(more.len().min(u16::from_be_bytes(*length).into()));
        rest = more;
        let outputs = session.handle(Tick::default(), Input::Frame(Bytes::copy_from_slice(frame)));
        if !carry_out(&mut session, outputs) {
            return;
        }
    }
});

/// Does what is asked, as a store with a few items would; says whether the peer is still trusted.
fn carry_out(session: &mut Session, outputs: Vec<Output>) -> bool {
    let mut waiting: std::collections::VecDeque<Output> = outputs.into();
    for _ in 0..STEPS {
        let Some(output) = waiting.pop_front() else { return true };
        let input = match output {
            Output::Misbehaved(_) => return false,
            Output::Summarise { .. } => Input::Summary(vec![scope()]),
            Output::Define(_) => Input::Defined { declined: Vec::new() },
            Output::ListIds(collection) => Input::Ids { collection, ids: [5, 6, 7].into() },
            Output::Sketch(collection) => {
                Input::Sketch { collection, sketch: Arc::new(Sketch::of(&[5, 6, 7], 1024)) }
            }
            Output::ListHeads(collection) => {
                let head = LogHead { replica: ReplicaId::from_bytes([6; 16]), position: 3, cid: [1; 8] };
                Input::Heads { collection, heads: [NewestOf { short: 77, head }].into() }
            }
            Output::Load { collection, .. } => {
                Input::Loaded { collection, pack: Some(Bytes::from_static(b"pack")), more: false }
            }
            Output::Import { collection, .. } => Input::Imported { collection, admitted: Some(1) },
            _ => continue,
        };
        waiting.extend(session.handle(Tick::default(), input));
    }
    panic!("a frame keeps us busy for ever");
}

fn scope() -> ScopeView {
    let Ok(spec) = CollectionSpec::new(COMMUNITY, "pumps") else { panic!("a good name") };
    ScopeView {
        collection: spec.id(),
        community: COMMUNITY,
        definition: spec.encode().into(),
        count: 3,
        logs: 1,
        fingerprint: [8; 32],
        end: Cursor { seq: 3, chain: [2; 16] },
        consumed: None,
        verified: false,
    }
}

use civic_types::{PeerId, value};
use futures_util::{FutureExt, StreamExt};

use super::Breach;
use super::kit::{Kit, batch, delete, ensure, key, put, record};
use crate::adapter::Maintain;
use crate::batch::Origin;
use crate::change::{Change, ChangeEvent, ChangeFrom, ChangeKind};

pub(super) async fn completeness(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    let peer = Origin::Remote(PeerId::from_bytes([5; 32]));
    store.write([put("b", 1), record("u", b"k", Some(b"v")), put("a", 1), record("t", b"k", None)]).await?;
    store.adapter.commit(batch([put("c", 1), delete("a"), delete("never")]), peer).await?;
    store.write([]).await?;
    let (there, gone) = (ChangeKind::Put, ChangeKind::Deleted);
    let expected = [
        Change {
            seq: 1,
            origin: Origin::Local,
            documents: vec![(key("a"), there), (key("b"), there)],
            tables: vec!["t".to_owned(), "u".to_owned()],
        },
        Change { seq: 2, origin: peer, documents: vec![(key("a"), gone), (key("c"), there)], tables: vec![] },
        Change { seq: 3, origin: Origin::Local, documents: vec![], tables: vec![] },
    ];
    for after in 0..3_usize {
        let mut changes = store.changes(ChangeFrom::After(u64::try_from(after).unwrap_or_default()));
        for change in &expected[after..] {
            let found = store.due_commit(&mut changes).await?;
            ensure!(found == *change, "{found:?} instead of {change:?}");
        }
        ensure!(changes.next().now_or_never().is_none(), "the feed gives more than there was");
    }

    // More than any page of the log.
    for n in 0..500_u32 {
        store.write([put("n", n)]).await?;
    }
    let mut changes = store.changes(ChangeFrom::After(3));
    for seq in 4..504 {
        let found = store.due_commit(&mut changes).await?;
        ensure!(found.seq == seq, "commit {} instead of {seq}", found.seq);
    }
    Ok(())
}

pub(super) async fn live(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    store.write([put("before", 1)]).await?;
    let mut streams = [store.changes(ChangeFrom::Now), store.changes(ChangeFrom::After(0))];
    store.due_commit(&mut streams[1]).await?;
    drop(store.changes(ChangeFrom::Now));
    for seq in 2..20 {
        for changes in &mut streams {
            ensure!(changes.next().now_or_never().is_none(), "a change before its commit");
        }
        store.write([put("live", value!(seq))]).await?;
        for changes in &mut streams {
            let found = store.due_commit(changes).await?;
            ensure!(found.seq == seq, "commit {} instead of {seq}", found.seq);
        }
    }
    Ok(())
}

pub(super) async fn gap(kit: &Kit<'_>) -> Result<(), Breach> {
    let store = kit.fresh().await?;
    store.write([put("d", 0)]).await?;
    // Further than the store has come: it is not the store that the reader knew.
    let mut beyond = store.changes(ChangeFrom::After(99));
    let found = store.due(&mut beyond).await?;
    ensure!(found == ChangeEvent::Gap { resume_at: 2 }, "{found:?} for a place beyond the end");

    let Some(retention) = kit.profile.log_retention else { return Ok(()) };
    let mut lagging = store.changes(ChangeFrom::After(0));
    let mut reading = store.changes(ChangeFrom::After(0));
    let head = retention + 50;
    for seq in 2..=head {
        store.write([put("d", seq)]).await?;
        store.due_commit(&mut reading).await?;
    }
    store.maintain(Maintain::Trim).await?;
    let resume_at = head - retention + 1;
    for changes in [&mut lagging, &mut store.changes(ChangeFrom::After(0))] {
        let found = store.due(changes).await?;
        ensure!(found == ChangeEvent::Gap { resume_at }, "{found:?} instead of a gap until {resume_at}");
        for seq in resume_at..=head {
            let found = store.due_commit(changes).await?;
            ensure!(found.seq == seq, "commit {} instead of {seq}", found.seq);
        }
    }
    let found = store.due_commit(&mut reading).await?;
    ensure!(found.seq == head, "who keeps up lost commits: {found:?}");
    Ok(())
}

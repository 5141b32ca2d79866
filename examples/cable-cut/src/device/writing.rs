use civic_types::{Map, Value};
use civicbase::{Collection, Patch};

use super::node::Device;
use crate::error::Error;
use crate::journal::Intended;
use crate::ledger::{self, Ledger};
use crate::write::{How, Op, Write};

impl Device {
    /// Journals the intent, commits, journals the acknowledgement with the versions that were made.
    pub(super) async fn commit(&mut self, number: u64, writes: Vec<Write>) -> Result<usize, Error> {
        let (areas, ledger) = self.areas()?;
        let (areas, ledger) = (areas.clone(), ledger.clone());
        let mut intended = Vec::with_capacity(writes.len());
        for write in &writes {
            let shown = areas.get(&write.document).await?;
            let seen =
                shown.map(|shown| shown.heads.iter().map(ToString::to_string).collect()).unwrap_or_default();
            intended.push(Intended { write: write.clone(), seen });
        }
        self.journal.intent(number, intended)?;
        match writes.as_slice() {
            [Write { document, how: How::Update, ops }] => update(&areas, document, ops).await?,
            writes => batch(&areas, writes).await?,
        }
        // This process writes one commit after the other: what is new in its log is this commit's.
        let made: Vec<_> = ledger.own_after(self.position).await?.iter().map(ledger::row).collect();
        self.position = made.last().map_or(self.position, |last| last.position);
        let versions = made.len();
        self.journal.ack(number, made)?;
        Ok(versions)
    }
}

/// Reads, changes plain fields, and writes on what was read.
async fn update(areas: &Collection, document: &str, ops: &[Op]) -> Result<(), Error> {
    let change = |read: Option<Value>| {
        let mut map = match read {
            Some(Value::Map(map)) => map,
            _ => Map::new(),
        };
        for op in ops {
            if let Op::Set { field, value } = op {
                map.insert(field.as_str(), value.as_str());
            }
        }
        Value::Map(map)
    };
    areas.update(document, change).await?;
    Ok(())
}

async fn batch(areas: &Collection, writes: &[Write]) -> Result<(), Error> {
    let mut batch = areas.batch();
    for write in writes {
        batch = match write.how {
            How::Delete => batch.delete(&write.document),
            How::Patch => batch.patch(&write.document, |patch| write.ops.iter().fold(patch, apply)),
            How::Update => return Err(civicbase::Error::Unsupported { what: "an update in a batch" }.into()),
        };
    }
    batch.commit().await?;
    Ok(())
}

fn apply<T>(patch: Patch<T>, op: &Op) -> Patch<T> {
    match op {
        Op::Add { field, value } => patch.add(field.as_str(), value.as_str()),
        Op::Append { field, value } => patch.append(field.as_str(), value.as_str()),
        Op::Increment { field, by } => patch.increment(field.as_str(), *by),
        Op::Remove { field, value } => patch.remove(field.as_str(), value.as_str()),
        Op::Set { field, value } => patch.set(field.as_str(), value.as_str()),
    }
}

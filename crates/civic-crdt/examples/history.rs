//! A document and its past: read an old version, try something on a branch, go back, save and open again.

use std::error::Error;

use civic_crdt::Document;
use civic_crdt::document::{Author, BodyState, Plan, write};
use civic_crdt::version::{Rules, Version};
use civic_types::time::Stamp;
use civic_types::{Cid, CollectionId, DocumentId, DocumentKey, ReplicaId, value};

/// A writer and the end of its log. A branch is written by a replica of its own: one that wrote both branches would
/// give the same dots twice.
#[derive(Debug)]
struct Writer {
    replica: ReplicaId,
    position: u64,
    previous: Option<Cid>,
}

impl Writer {
    const fn new(number: u8) -> Self {
        Self { replica: ReplicaId::from_bytes([number; 16]), position: 0, previous: None }
    }

    fn commit(&mut self, document: &mut Document, plan: &Plan) -> Result<Version, Box<dyn Error>> {
        let key = DocumentKey::new(CollectionId::from_bytes([9; 32]), DocumentId::new("budget")?);
        self.position += 1;
        let author = Author {
            replica: self.replica,
            position: self.position,
            previous: self.previous.take(),
            stamp: Stamp { millis: self.position * 1000, counter: 0 },
        };
        let written = write(document, &key, plan, &author, None, &Rules::default())?;
        let _ = document.insert(&written.version, written.body());
        self.previous = Some(written.version.cid().clone());
        println!("{} {}", written.version.cid(), document.view().unwrap_or_default());
        Ok(written.version)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut board, mut budget) = (Writer::new(1), Document::default());
    let mut history = Vec::new();
    println!("The board settles a budget in three versions.");
    for well in [100, 200, 300] {
        let plan = budget.put(&budget.heads(), &value!({"well": well, "roof": 50}))?;
        history.push(board.commit(&mut budget, &plan)?.cid().clone());
    }
    let first = std::slice::from_ref(&history[0]);
    println!("\nWhat it said first, and what has changed since:");
    println!("{}", budget.at(first)?.view().unwrap_or_default());
    for change in budget.at(first)?.changes(&budget.now()) {
        println!("{}: {:?} -> {:?}", change.path, change.before, change.after);
    }

    println!("\nSomebody goes on from the first version, on a branch.");
    let (mut member, mut branch) = (Writer::new(2), budget.checkout(first)?);
    let plan = branch.put(&branch.heads(), &value!({"well": 100, "roof": 80, "school": 20}))?;
    let proposed = member.commit(&mut branch, &plan)?;
    assert_eq!(budget.len(), 3, "the branch is a document of its own");

    println!("\nThe board takes the branch in: what it left alone stands beside what was proposed.");
    let _ = budget.insert(&proposed, BodyState::of(&proposed));
    println!("{} heads: {}", budget.heads().len(), budget.view().unwrap_or_default());
    assert_eq!(budget.view(), Some(value!({"well": 300, "roof": 80, "school": 20})));

    println!("\nIt goes back to its second version; nothing is lost from the history.");
    let plan = budget.rollback(std::slice::from_ref(&history[1]))?;
    board.commit(&mut budget, &plan)?;
    assert_eq!(budget.view(), budget.at(std::slice::from_ref(&history[1]))?.view());
    assert_eq!(budget.len(), 5);

    let saved = budget.save();
    let opened = Document::open(&saved)?;
    println!("\nSaved in {} bytes and opened again: {}", saved.len(), opened.view().unwrap_or_default());
    assert_eq!((opened.view(), opened.heads()), (budget.view(), budget.heads()));
    if let Err(needed) = opened.at(first) {
        println!("The past of an opened document asks for what it needs: {needed}.");
    }
    Ok(())
}

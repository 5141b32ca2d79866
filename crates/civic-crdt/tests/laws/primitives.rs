//! Our types keep the laws; `tests/mutants` shows that the kit refuses types that do not.

use civic_crdt::laws::{KeptGenerator, Model, check, check_clock, check_fold};
use civic_crdt::{BoundedCounter, Document, GSet, LwwRegister, MvRegister, OrSet, PnCounter};

#[test]
fn our_types_keep_every_law() {
    check::<LwwRegister<u64>>().unwrap();
    check::<MvRegister<u64>>().unwrap();
    check::<GSet<u64>>().unwrap();
    check::<OrSet<u64>>().unwrap();
    check::<PnCounter>().unwrap();
    check::<BoundedCounter>().unwrap();
}

#[test]
fn documents_keep_every_law_of_folds() {
    check_fold::<Document>().unwrap();
}

#[test]
fn the_text_keeps_the_laws_too() {
    check_fold::<Model>().unwrap();
}

#[test]
fn the_clock_keeps_the_laws_of_clocks() {
    check_clock::<KeptGenerator>().unwrap();
}

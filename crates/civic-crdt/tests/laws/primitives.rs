//! Our types keep the laws; `tests/mutants` shows that the kit refuses types that do not.

use civic_crdt::laws::check;
use civic_crdt::{BoundedCounter, GSet, LwwRegister, MvRegister, OrSet, PnCounter};

#[test]
fn our_types_keep_every_law() {
    check::<LwwRegister<u64>>().unwrap();
    check::<MvRegister<u64>>().unwrap();
    check::<GSet<u64>>().unwrap();
    check::<OrSet<u64>>().unwrap();
    check::<PnCounter>().unwrap();
    check::<BoundedCounter>().unwrap();
}

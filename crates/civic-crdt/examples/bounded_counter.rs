//! Water for a street: three pumps give out what there is, apart from each other, and never more.

use civic_crdt::bounded_counter::RightsError;
use civic_crdt::{BoundedCounter, Crdt};
use civic_types::ReplicaId;

fn main() -> Result<(), RightsError> {
    let [hall, school, church] = [1, 2, 3].map(|number| ReplicaId::from_bytes([number; 16]));
    let mut at_hall = BoundedCounter::at_least(0);
    at_hall.increment(hall, 100)?;
    at_hall.transfer(hall, school, 40)?;
    at_hall.transfer(hall, church, 20)?;
    let (mut at_school, mut at_church) = (at_hall.clone(), at_hall.clone());

    // The cable is cut: each gives out of its own share.
    at_hall.decrement(hall, 35)?;
    at_school.decrement(school, 40)?;
    at_church.decrement(church, 5)?;
    let refused = at_school.decrement(school, 1);
    println!("school: {refused:?}, though it sees {} litres", at_school.value());
    assert_eq!(refused, Err(RightsError::Insufficient { held: 0, needed: 1 }));

    // Somebody walks from the church to the school, with 10 litres' worth of rights on a card.
    at_church.transfer(church, school, 10)?;
    at_school.apply(&at_church.delta_since(&at_school.version()));
    at_school.decrement(school, 10)?;

    // The cable is whole again.
    at_hall.merge(&at_school);
    println!("left: {} litres, of which the hall may give {}", at_hall.value(), at_hall.rights(&hall));
    assert_eq!((at_hall.value(), at_hall.rights(&hall), at_hall.rights(&church)), (10, 5, 5));
    Ok(())
}

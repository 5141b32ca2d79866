use proptest::prelude::*;

use super::*;

const REPLICAS: usize = 5;

fn id(replica: usize) -> ReplicaId {
    ReplicaId::from_bytes([u8::try_from(replica).unwrap(); 16])
}

#[derive(Clone, Debug)]
enum Step {
    Increment {
        at: usize,
        by: u64,
    },
    Decrement {
        at: usize,
        by: u64,
    },
    Transfer {
        at: usize,
        to: usize,
        amount: u64,
    },
    /// A message is made now …
    Send {
        at: usize,
        since: usize,
        full: bool,
    },
    /// … and delivered whenever, to whomever, and not only once.
    Deliver {
        to: usize,
        message: prop::sample::Index,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let replica = || 0..REPLICAS;
    prop_oneof![
        (replica(), 1..9_u64).prop_map(|(at, by)| Step::Increment { at, by }),
        (replica(), 1..9_u64).prop_map(|(at, by)| Step::Decrement { at, by }),
        (replica(), replica(), 0..9_u64).prop_map(|(at, to, amount)| Step::Transfer { at, to, amount }),
        (replica(), replica(), any::<bool>()).prop_map(|(at, since, full)| Step::Send { at, since, full }),
        (replica(), any::<prop::sample::Index>()).prop_map(|(to, message)| Step::Deliver { to, message }),
    ]
}

enum Message {
    Full(BoundedCounter),
    Delta(BoundedCounterDelta),
}

/// Plays a schedule; `careful` asks for rights. Gives the least value that anybody ever saw.
fn least_value(steps: &[Step], careful: bool) -> i128 {
    let mut counters = vec![BoundedCounter::at_least(0); REPLICAS];
    let (mut messages, mut least) = (Vec::new(), 0);
    for step in steps {
        match step {
            Step::Increment { at, by } => counters[*at].increment(id(*at), *by).unwrap(),
            Step::Decrement { at, by } if careful => {
                let held = counters[*at].rights(&id(*at));
                assert_eq!(counters[*at].decrement(id(*at), *by).is_ok(), *by <= held);
            }
            // The wrong counter looks at what it sees of the whole and not at what is its own.
            Step::Decrement { at, by } if counters[*at].value() >= i128::from(*by) => {
                counters[*at]
                    .change(id(*at), |row| {
                        row.spent += by;
                        Some(())
                    })
                    .unwrap();
            }
            Step::Decrement { .. } => {}
            Step::Transfer { at, to, amount } => {
                let _refused = counters[*at].transfer(id(*at), id(*to), *amount);
            }
            Step::Send { at, full: true, .. } => messages.push(Message::Full(counters[*at].clone())),
            Step::Send { at, since, .. } => {
                messages.push(Message::Delta(counters[*at].delta_since(&counters[*since].version())));
            }
            Step::Deliver { .. } if messages.is_empty() => {}
            Step::Deliver { to, message } => {
                let _effect = match message.get(&messages) {
                    Message::Full(counter) => counters[*to].merge(counter),
                    Message::Delta(delta) => counters[*to].apply(delta),
                };
            }
        }
        least = counters.iter().map(BoundedCounter::value).min().unwrap().min(least);
    }
    let mut all = counters[0].clone();
    for counter in &counters {
        all.merge(counter);
    }
    least.min(all.value())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_schedule_spends_more_than_there_is(steps in prop::collection::vec(step(), 0..60)) {
        prop_assert!(least_value(&steps, true) >= 0);
    }
}

#[test]
fn a_counter_without_rights_overspends_on_the_same_schedules() {
    let overspent = |steps: &[Step]| least_value(steps, false) < 0;
    let steps = prop::collection::vec(step(), 0..60);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let found = runner
        .run(&steps, |steps| if overspent(&steps) { Err(TestCaseError::fail("overspent")) } else { Ok(()) });
    assert!(found.is_err());
}

#[test]
fn too_few_rights_are_told_and_nothing_changes() {
    let mut counter = BoundedCounter::at_least(-3);
    counter.increment(id(1), 5).unwrap();
    counter.transfer(id(1), id(2), 2).unwrap();
    let before = counter.clone();
    let refused = Err(RightsError::Insufficient { held: 3, needed: 4 });
    assert_eq!(counter.decrement(id(1), 4), refused);
    assert_eq!(counter.transfer(id(1), id(2), 4), refused);
    assert_eq!(counter.decrement(id(3), 1), Err(RightsError::Insufficient { held: 0, needed: 1 }));
    assert_eq!(counter, before);
    assert_eq!((counter.value(), counter.rights(&id(1)), counter.rights(&id(2))), (2, 3, 2));
}

#[test]
fn a_full_total_is_told_and_nothing_changes() {
    let mut counter = BoundedCounter::at_least(0);
    counter.increment(id(1), u64::MAX).unwrap();
    let before = counter.clone();
    assert_eq!(counter.increment(id(1), 1), Err(RightsError::Overflow));
    assert_eq!(counter, before);
    counter.increment(id(2), u64::MAX).unwrap();
    assert_eq!(counter.value(), i128::from(u64::MAX) * 2);
}

#[test]
fn a_delta_whose_giver_is_unknown_waits_for_the_full_state() {
    let mut giver = BoundedCounter::at_least(0);
    giver.increment(id(1), 5).unwrap();
    giver.transfer(id(1), id(2), 5).unwrap();
    let mut spender = giver.clone();
    spender.decrement(id(2), 5).unwrap();
    let news = spender.delta_since(&giver.version());
    let mut stranger = BoundedCounter::at_least(0);
    assert_eq!(stranger.apply(&news), Effect::Unchanged);
    assert_eq!(giver.apply(&BoundedCounterDelta::decode(&news.encode()).unwrap()), Effect::Changed);
    assert_eq!(giver, spender);
}

#[test]
fn a_state_that_has_overspent_is_not_loaded() {
    let mut counter = BoundedCounter::at_least(0);
    counter.increment(id(1), 5).unwrap();
    counter
        .change(id(1), |row| {
            row.spent = 6;
            Some(())
        })
        .unwrap();
    let refused = BoundedCounter::decode_canonical(&counter.encode_canonical());
    assert_eq!(refused, Err(DecodeError::Contradiction { offset: 0 }));
}

use proptest::prelude::*;

use super::*;

/// Few replicas and numbers, so that gaps open and close.
fn dots() -> impl Strategy<Value = Vec<Dot>> {
    let dot = (1..4_u8, 1..8_u64).prop_map(|(replica, number)| Dot::new(id(replica), number));
    prop::collection::vec(dot, 0..24)
}

fn id(replica: u8) -> ReplicaId {
    ReplicaId::from_bytes([replica; 16])
}

fn context(dots: &[Dot]) -> CausalContext {
    dots.iter().copied().collect()
}

fn model(dots: &[Dot]) -> BTreeSet<Dot> {
    dots.iter().copied().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_context_holds_what_a_set_holds(dots in dots()) {
        let (mut seen, mut set) = (CausalContext::new(), BTreeSet::new());
        for dot in dots {
            prop_assert_eq!(seen.insert(dot).is_changed(), set.insert(dot));
        }
        prop_assert_eq!(&seen.iter().collect::<BTreeSet<_>>(), &set);
        prop_assert_eq!(seen.iter().count(), set.len());
        for (replica, number) in (1..4).flat_map(|r| (1..9).map(move |n| (r, n))) {
            let dot = Dot::new(id(replica), number);
            prop_assert_eq!(seen.contains(dot), set.contains(&dot));
            let gapless = (1..=number).all(|n| set.contains(&Dot::new(id(replica), n)));
            prop_assert_eq!(seen.version_vector().contains(dot), gapless);
        }
    }

    #[test]
    fn joining_is_the_union_and_order_is_inclusion(a in dots(), b in dots()) {
        let (left, right) = (context(&a), context(&b));
        let mut joined = left.clone();
        let effect = joined.join(&right);
        let both = model(&[a.clone(), b.clone()].concat());
        prop_assert_eq!(&joined, &context(&both.iter().copied().collect::<Vec<_>>()));
        prop_assert_eq!(effect.is_changed(), joined != left);
        prop_assert_eq!(left.dominates(&right), model(&a).is_superset(&model(&b)));
        let order = match (model(&a).is_superset(&model(&b)), model(&b).is_superset(&model(&a))) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        };
        prop_assert_eq!(left.partial_cmp(&right), order);
    }

    #[test]
    fn the_order_of_insertion_leaves_no_trace(dots in dots(), seed in any::<prop::sample::Index>()) {
        let mut turned = dots.clone();
        if !turned.is_empty() {
            turned.rotate_left(seed.index(dots.len()));
        }
        prop_assert_eq!(context(&dots).encode(), context(&turned).encode());
    }

    #[test]
    fn bytes_are_taken_iff_they_are_what_would_be_written(
        dots in dots(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = context(&dots).encode();
        prop_assert_eq!(CausalContext::decode(&bytes), Ok(context(&dots)));
        let at = at.index(bytes.len());
        bytes[at] = byte;
        prop_assert!(CausalContext::decode(&bytes[..at]).is_err());
        if let Ok(other) = CausalContext::decode(&bytes) {
            prop_assert_eq!(other.encode(), bytes);
        }
    }
}

#[test]
fn what_is_not_compact_is_refused() {
    let write = |count: u64, above: &[u64]| {
        let mut out = Encoder::new();
        VersionVector::from_iter([(id(1), count)]).write(out.array(2));
        out.array(above.len());
        for number in above {
            out.array(2).bytes(id(1).as_bytes()).uint(*number);
        }
        CausalContext::decode(out.as_bytes())
    };
    assert!(write(3, &[5, 6]).is_ok());
    assert!(matches!(write(3, &[4]), Err(DecodeError::Contradiction { .. })));
    assert!(matches!(write(3, &[2]), Err(DecodeError::Contradiction { .. })));
    assert!(matches!(write(3, &[6, 5]), Err(DecodeError::Order { .. })));
    assert!(matches!(write(3, &[5, 5]), Err(DecodeError::Order { .. })));
}

#[test]
fn too_many_dots_above_gaps_are_refused_before_they_are_read() {
    let mut out = Encoder::new();
    out.array(2).array(0).array(MAX_EXCEPTIONS + 1);
    for _ in 0..=MAX_EXCEPTIONS {
        out.null();
    }
    let limit = MAX_EXCEPTIONS;
    assert_eq!(CausalContext::decode(out.as_bytes()), Err(DecodeError::TooMany { got: limit + 1, limit }));
}

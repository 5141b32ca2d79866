use civic_types::Value;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::*;
use crate::Document;
use crate::laws::fold::trace::{trace_of, traces};

#[test]
fn traces_reach_what_the_laws_are_about() {
    let mut runner = TestRunner::deterministic();
    let (mut versions, mut illegal, mut live) = (0, 0, 0);
    let (mut apart, mut conflicts, mut forks, mut unreadable, mut pruned, mut texts) = (0, 0, 0, 0, 0, 0);
    for _ in 0..1000 {
        let trace = traces().new_tree(&mut runner).unwrap().current();
        let played = play(&trace.steps).unwrap();
        let mut document = Document::default();
        for (version, body) in &played.versions {
            assert_eq!(document.insert(version, body.clone()), Admission::Admitted);
        }
        let shown = document.shown();
        let fields = shown.view.as_ref().and_then(Value::as_map).into_iter().flatten();
        texts += fields.filter(|(_, value)| value.as_str().is_some_and(|text| text.len() > 3)).count();
        versions += played.versions.len();
        illegal += played.illegal.len();
        live += shown.live.len();
        apart += usize::from(shown.heads.len() > 1);
        conflicts += usize::from(!shown.conflicts.is_empty());
        forks += usize::from(!document.forks().is_empty());
        unreadable += usize::from(document.incomplete().is_some());
        pruned += usize::from(document.pruned().is_some_and(|(_, pruned)| !pruned.is_empty()));
    }
    let reached = [versions, illegal, live, apart, conflicts, forks, unreadable, pruned, texts];
    let least = [5000, 200, 5000, 500, 300, 300, 100, 80, 50];
    assert!(reached.iter().zip(least).all(|(reached, least)| *reached >= least), "{reached:?}");
}

#[test]
fn any_bytes_choose_a_trace_and_more_of_them_go_on_with_it() {
    assert!(trace_of(&[0; 7]).is_none());
    let bytes: Vec<u8> = (0..=255).collect();
    let steps = |bytes: &[u8]| format!("{:?}", trace_of(bytes).unwrap().steps);
    assert!(steps(&bytes[..64]).starts_with(steps(&bytes[..40]).trim_end_matches(']')));
    assert_eq!(broken_fold::<Document>(&trace_of(&bytes).unwrap()), None);
}

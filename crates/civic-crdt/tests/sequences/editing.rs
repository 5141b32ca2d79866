//! One device: the document shows exactly what a plain list would.

use civic_crdt::document::PlanError;
use civic_crdt::version::Kind;
use civic_types::{FieldOp, Value, value};
use proptest::prelude::*;

use crate::common::{Device, path};
use crate::{list, shown, text};

#[test]
fn a_text_and_a_list_are_edited_where_they_stand() {
    let mut here = Device::new(1);
    here.patch(&[text(0, 0, "Wasser holn")]).unwrap();
    here.patch(&[text(10, 0, "e"), text(0, 6, "Öl")]).unwrap();
    here.patch(&[list(0, 0, &[1, 2, 4])]).unwrap();
    here.patch(&[list(2, 0, &[3]), list(0, 1, &[])]).unwrap();
    assert_eq!(here.view(), value!({"t": "Öl holen", "l": [2, 3, 4]}));
    assert!(here.document.conflicts().is_empty());
}

#[test]
fn an_emptied_text_stays_a_text() {
    let mut here = Device::new(1);
    here.patch(&[text(0, 0, "x")]).unwrap();
    here.patch(&[text(0, 1, "")]).unwrap();
    here.patch(&[list(0, 0, &[])]).unwrap();
    assert_eq!(here.view(), value!({"t": "", "l": []}));
}

#[test]
fn a_splice_behind_the_end_is_refused() {
    let mut here = Device::new(1);
    here.patch(&[text(0, 0, "abc")]).unwrap();
    let error = |index, length| PlanError::Index { path: path(["t"]), index, length };
    assert_eq!(here.patch(&[text(4, 0, "x")]).unwrap_err(), error(4, 3));
    assert_eq!(here.patch(&[text(2, 2, "")]).unwrap_err(), error(4, 3));
    assert_eq!(here.patch(&[text(2, usize::MAX, "")]).unwrap_err(), error(2, 3));
    assert_eq!(here.patch(&[text(0, 3, ""), text(1, 0, "x")]).unwrap_err(), error(1, 0));
    assert!(here.patch(&[text(3, 0, "d"), text(4, 0, "e")]).is_ok(), "the end itself is no error");
}

#[test]
fn a_splice_of_another_kind_names_both() {
    let mut here = Device::new(1);
    here.put(&value!({"t": "plain", "l": [1]}));
    let mismatch = |at, found, wanted| PlanError::KindMismatch { path: path([at]), found, wanted };
    let (register, kind) = (Kind::Register, Kind::Text);
    assert_eq!(here.patch(&[text(0, 0, "x")]).unwrap_err(), mismatch("t", register, kind));
    assert_eq!(here.patch(&[list(0, 0, &[])]).unwrap_err(), mismatch("l", register, Kind::List));
    here.patch(&[FieldOp::Unset { path: path(["t"]) }, text(0, 0, "x")]).unwrap();
    let increment = FieldOp::Increment { path: path(["t"]), by: 1 };
    assert_eq!(here.patch(&[increment]).unwrap_err(), mismatch("t", kind, Kind::Counter));
    let root = FieldOp::SpliceText { path: path([]), index: 0, remove: 0, insert: String::new() };
    assert_eq!(here.patch(&[root]).unwrap_err(), PlanError::Root);
}

#[test]
fn what_one_plan_takes_back_is_not_written() {
    let mut here = Device::new(1);
    here.patch(&[text(0, 0, "abc")]).unwrap();
    let plan = here.document.patch(&here.document.heads(), &[text(1, 0, "xyz"), text(1, 3, "")]).unwrap();
    assert!(plan.is_empty());
    let edits = [text(1, 0, "xz"), text(2, 0, "y"), text(0, 0, "w"), text(1, 1, "")];
    let plan = here.document.patch(&here.document.heads(), &edits).unwrap();
    assert_eq!(plan.operations().len(), 4, "presence, two inserts and a delete");
    here.commit(&plan);
    assert_eq!(shown(&here), "wxyzbc");
}

#[test]
fn other_changes_of_a_plan_replace_its_splices() {
    let mut here = Device::new(1);
    here.patch(&[text(0, 0, "old")]).unwrap();
    here.patch(&[text(3, 0, "er"), FieldOp::Set { path: path(["t"]), value: value!(1) }]).unwrap();
    assert_eq!(here.view(), value!({"t": 1}));
    let clear = FieldOp::Clear { path: path([]) };
    here.patch(&[clear.clone(), text(0, 0, "new"), list(0, 0, &[1])]).unwrap();
    assert_eq!(here.view(), value!({"t": "new", "l": [1]}));
    here.patch(&[text(0, 3, "x"), clear, text(0, 0, "y")]).unwrap();
    assert_eq!(here.view(), value!({"t": "y"}));
    assert!(here.document.conflicts().is_empty());
}

#[test]
fn a_put_edits_a_text_and_assigns_over_it_what_is_none() {
    let mut here = Device::new(1);
    here.patch(&[text(0, 0, "the pump is dry"), list(0, 0, &[1, 2, 3])]).unwrap();
    here.put(&value!({"t": "the pump was dry", "l": [1, 3, 4]}));
    assert_eq!(here.view(), value!({"t": "the pump was dry", "l": [1, 3, 4]}));
    here.patch(&[text(0, 3, "our")]).expect("it is still a text");
    assert!(here.document.put(&here.document.heads(), &here.view()).unwrap().is_empty());
    assert!(!here.document.overwrite(&value!({"t": "", "l": []})).unwrap().is_empty());
    here.commit(&here.document.overwrite(&value!({"t": 7, "l": [[]]})).unwrap());
    assert_eq!(here.view(), value!({"t": 7, "l": [[]]}));
    assert!(here.document.conflicts().is_empty());
    assert!(here.patch(&[text(0, 0, "x")]).is_err());
}

#[test]
fn an_element_that_nests_too_deep_is_refused() {
    let mut here = Device::new(1);
    let nested = |depth| (0..depth).fold(value!(1), |inner, _| Value::List(vec![inner]));
    let splice = |value| FieldOp::Splice { path: path(["l"]), index: 0, remove: 0, insert: vec![value] };
    assert_eq!(here.patch(&[splice(nested(25))]).unwrap_err(), PlanError::TooDeep { path: path(["l"]) });
    here.patch(&[splice(nested(24))]).unwrap();
    assert_eq!(here.view()["l"].as_list().unwrap(), [nested(24)]);
}

#[test]
fn an_older_text_comes_back_by_putting_it() {
    let mut here = Device::new(1);
    here.patch(&[text(0, 0, "keep this sentence")]).unwrap();
    let before = here.document.heads();
    here.patch(&[text(5, 4, "that"), text(0, 0, "Do ")]).unwrap();
    let old = here.document.at(&before).unwrap().view().unwrap();
    assert_eq!(old, value!({"t": "keep this sentence"}));
    here.put(&old);
    assert_eq!(here.view(), old);
    assert_eq!(here.document.checkout(&before).unwrap().view().unwrap(), old);
}

#[test]
fn typing_letter_by_letter_costs_few_bytes() {
    let mut here = Device::new(1);
    here.patch(&[text(0, 0, "")]).unwrap();
    let mut bodies = 0;
    for (i, letter) in "the quick brown fox jumps over the lazy dog".chars().enumerate() {
        let written = here.patch(&[text(i, 0, &letter.to_string())]).unwrap().unwrap();
        bodies += written.version.inline_body().unwrap().len();
    }
    assert_eq!(shown(&here), "the quick brown fox jumps over the lazy dog");
    assert!(bodies <= 43 * 52, "{bodies} bytes");
}

/// An edit of a plain list; places are taken modulo its length.
#[derive(Clone, Debug)]
enum Edit {
    Splice(usize, usize, Vec<u8>),
    Put(Vec<u8>),
}

fn edit() -> impl Strategy<Value = Edit> {
    let elements = || proptest::collection::vec(0..4_u8, 0..6);
    prop_oneof![
        4 => (any::<usize>(), 0..5_usize, elements()).prop_map(|(at, remove, new)| Edit::Splice(at, remove, new)),
        1 => elements().prop_map(Edit::Put),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_shows_what_plain_lists_show(versions in proptest::collection::vec(
        proptest::collection::vec(edit(), 1..4), 1..12,
    )) {
        const LETTERS: [char; 4] = ['a', 'ß', '→', '🚰'];
        let letters = |elements: &[u8]| elements.iter().map(|i| LETTERS[*i as usize]).collect::<String>();
        let numbers = |elements: &[u8]| elements.iter().map(|i| i64::from(*i)).collect::<Vec<_>>();
        let mut here = Device::new(1);
        here.patch(&[text(0, 0, ""), list(0, 0, &[])]).unwrap();
        let mut plain: Vec<u8> = Vec::new();
        for edits in versions {
            let mut changes = Vec::new();
            for edit in edits {
                match edit {
                    Edit::Splice(at, remove, new) => {
                        let at = at % (plain.len() + 1);
                        let remove = remove.min(plain.len() - at);
                        changes.extend([text(at, remove, &letters(&new)), list(at, remove, &numbers(&new))]);
                        plain.splice(at..at + remove, new);
                    }
                    Edit::Put(all) => {
                        here.patch(&changes).unwrap();
                        changes.clear();
                        here.put(&value!({"t": (letters(&all)), "l": (value!([]))}));
                        let set = numbers(&all).into_iter().map(Value::from).collect();
                        here.put(&value!({"t": (letters(&all)), "l": (Value::List(set))}));
                        plain = all;
                    }
                }
            }
            here.patch(&changes).unwrap();
            let elements = numbers(&plain).into_iter().map(Value::from).collect();
            prop_assert_eq!(here.view(), value!({"t": (letters(&plain)), "l": (Value::List(elements))}));
        }
        prop_assert!(here.document.conflicts().is_empty());
    }
}

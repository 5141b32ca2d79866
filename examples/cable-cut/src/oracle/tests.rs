use serde_json::json;

use super::*;
use crate::journal::Intended;
use crate::state::Shown;
use crate::write::{Op, Write};

/// A history of one document, made by hand: who wrote what after having seen which versions.
#[derive(Default)]
struct Story {
    journals: BTreeMap<&'static str, Vec<Entry>>,
    versions: BTreeMap<String, VersionRow>,
}

impl Story {
    fn write(&mut self, by: &'static str, cid: &str, at: u64, parents: &[&str], write: Write) {
        let journal = self.journals.entry(by).or_default();
        let parents: Vec<String> = parents.iter().map(|cid| (*cid).to_owned()).collect();
        let row = VersionRow {
            cid: cid.to_owned(),
            document: write.document.clone(),
            parents: parents.clone(),
            replica: by.to_owned(),
            position: journal.len() as u64 + 1,
            stamp: (at, 0),
        };
        let number = journal.len() as u64 + 1;
        journal.push(Entry {
            number,
            writes: vec![Intended { write, seen: parents }],
            made: Some(vec![row.clone()]),
        });
        self.versions.insert(cid.to_owned(), row);
    }

    fn patch(&mut self, by: &'static str, cid: &str, at: u64, parents: &[&str], ops: Vec<Op>) {
        self.write(by, cid, at, parents, Write::patch("x", ops));
    }

    /// Two devices that hold everything and show `value`.
    fn shown(self, value: Option<Json>, conflicts: bool) -> Vec<Witness> {
        let documents: BTreeMap<String, Shown> =
            value.map(|value| ("x".to_owned(), Shown { value, conflicts })).into_iter().collect();
        let witness = |name: &'static str| {
            let state = State {
                root: "r".into(),
                replica: name.into(),
                documents: documents.clone(),
                versions: self.versions.clone(),
                ..State::default()
            };
            let journal = self.journals.get(name).cloned().unwrap_or_default();
            Witness { name: name.to_owned(), journal, state }
        };
        vec![witness("aa"), witness("bb")]
    }
}

fn base() -> Story {
    let mut story = Story::default();
    let ops = vec![
        Op::set("status", "normal"),
        Op::increment("needs", 1),
        Op::add("volunteers", "Kim"),
        Op::append("log", "first"),
    ];
    story.patch("aa", "v0", 10, &[], ops);
    story
}

fn good(witnesses: &[Witness]) -> Verdict {
    let verdict = judge(witnesses);
    assert!(verdict.is_good(), "{:?}", verdict.findings);
    verdict
}

#[test]
fn every_kind_of_field_merges_as_the_formats_say() {
    let mut story = base();
    let set = |value| Op::set("status", value);
    story.patch(
        "aa",
        "v1",
        20,
        &["v0"],
        vec![set("dry"), Op::increment("needs", 5), Op::remove("volunteers", "Kim")],
    );
    story.patch(
        "bb",
        "v2",
        30,
        &["v0"],
        vec![set("wet"), Op::increment("needs", -2), Op::append("log", "b")],
    );
    story.patch("bb", "v3", 40, &["v2"], vec![Op::add("volunteers", "Kim"), Op::add("volunteers", "Al")]);
    let value = json!({"status": "wet", "needs": 4, "volunteers": ["Al", "Kim"], "log": ["b", "first"]});
    let verdict = good(&story.shown(Some(value), true));
    assert_eq!((verdict.acknowledged, verdict.conflicts), (4, 1));
}

#[test]
fn a_wrong_merge_of_any_field_is_reported() {
    let right = json!({"status": "b", "needs": 6, "volunteers": ["Kim"], "log": ["first"]});
    let story = || {
        let mut story = base();
        story.patch("aa", "v1", 20, &["v0"], vec![Op::set("status", "a"), Op::increment("needs", 5)]);
        story.patch("bb", "v2", 30, &["v0"], vec![Op::set("status", "b")]);
        story
    };
    good(&story().shown(Some(right.clone()), true));
    for (field, wrong) in [
        ("status", json!("a")),
        ("needs", json!(1)),
        ("volunteers", json!([])),
        ("log", json!(["first", "second"])),
        ("more", json!(1)),
    ] {
        let mut value = right.clone();
        value[field] = wrong;
        assert_eq!(judge(&story().shown(Some(value), true)).wrong_merges, 2, "{field}");
    }
    assert_eq!(judge(&story().shown(Some(right), false)).wrong_merges, 2);
    assert_eq!(judge(&story().shown(None, false)).wrong_merges, 2);
}

#[test]
fn the_later_stamp_wins_then_the_greater_replica_and_who_has_seen_a_value_settles_it() {
    let mut tie = base();
    tie.patch("aa", "v1", 20, &["v0"], vec![Op::set("status", "a")]);
    tie.patch("bb", "v2", 20, &["v0"], vec![Op::set("status", "b")]);
    let value = |status: &str| json!({"status": status, "needs": 1, "volunteers": ["Kim"], "log": ["first"]});
    good(&tie.shown(Some(value("b")), true));

    let mut settled = base();
    settled.patch("bb", "v1", 90, &["v0"], vec![Op::set("status", "late clock")]);
    settled.patch("aa", "v2", 20, &["v1"], vec![Op::set("status", "settled")]);
    good(&settled.shown(Some(value("settled")), false));
}

#[test]
fn an_add_wins_over_a_remove_that_had_not_seen_it() {
    let mut story = base();
    story.patch("aa", "v1", 20, &["v0"], vec![Op::add("volunteers", "Kim")]);
    story.patch("bb", "v2", 30, &["v0"], vec![Op::remove("volunteers", "Kim")]);
    let value = json!({"status": "normal", "needs": 1, "volunteers": ["Kim"], "log": ["first"]});
    good(&story.shown(Some(value), false));

    let mut story = base();
    story.patch("bb", "v2", 30, &["v0"], vec![Op::remove("volunteers", "Kim")]);
    good(&story.shown(Some(json!({"status": "normal", "needs": 1, "log": ["first"]})), false));
}

#[test]
fn a_delete_wins_or_loses_whole_and_who_has_seen_it_revives() {
    let all = json!({"status": "normal", "needs": 1, "volunteers": ["Kim"], "log": ["first", "later"]});
    for (deleted_at, shown) in [(50, None), (30, Some(all.clone()))] {
        let mut story = base();
        story.write("bb", "v1", deleted_at, &["v0"], Write::delete("x"));
        story.patch("aa", "v2", 40, &["v0"], vec![Op::append("log", "later")]);
        good(&story.shown(shown, false));
    }
    let mut story = base();
    story.write("bb", "v1", 50, &["v0"], Write::delete("x"));
    story.patch("aa", "v2", 40, &["v1"], vec![Op::append("log", "later")]);
    good(&story.shown(Some(all), false));
}

#[test]
fn an_acknowledged_write_that_one_device_lacks_is_missing() {
    let mut story = base();
    story.patch("aa", "v1", 20, &["v0"], vec![Op::set("status", "a")]);
    let value = |status: &str| json!({"status": status, "needs": 1, "volunteers": ["Kim"], "log": ["first"]});
    let mut witnesses = story.shown(Some(value("a")), false);
    good(&witnesses);
    witnesses[1].state.versions.remove("v1");
    witnesses[1].state.documents.get_mut("x").unwrap().value = value("normal");
    let verdict = judge(&witnesses);
    assert_eq!((verdict.missing, verdict.wrong_merges), (1, 0), "{:?}", verdict.findings);
}

#[test]
fn a_commit_in_flight_may_be_there_whole_or_not_at_all_and_nobody_elses() {
    let write = |document: &str| Intended {
        write: Write::patch(document, vec![Op::increment("needs", 3)]),
        seen: Vec::new(),
    };
    let row = |cid: &str, document: &str, replica: &str| VersionRow {
        cid: cid.into(),
        document: document.into(),
        parents: Vec::new(),
        replica: replica.into(),
        position: 9,
        stamp: (99, 0),
    };
    let with = |rows: &[VersionRow]| {
        let mut witnesses = Story::default().shown(None, false);
        let writes = vec![write("y"), write("z")];
        witnesses[0].journal.push(Entry { number: 9, writes, made: None });
        for witness in &mut witnesses {
            for row in rows {
                let shown = Shown { value: json!({"needs": 3}), conflicts: false };
                witness.state.documents.insert(row.document.clone(), shown);
                witness.state.versions.insert(row.cid.clone(), row.clone());
            }
        }
        judge(&witnesses)
    };
    let (none, both) = (with(&[]), with(&[row("v1", "y", "aa"), row("v2", "z", "aa")]));
    assert!(none.is_good() && both.is_good(), "{:?}", both.findings);
    assert_eq!([(none.kept, none.gone), (both.kept, both.gone)], [(0, 1), (1, 0)]);
    assert!(!with(&[row("v1", "y", "aa")]).is_good());
    assert!(!with(&[row("v1", "y", "bb"), row("v2", "z", "bb")]).is_good());
}

#[test]
fn a_version_that_forgets_what_its_author_had_seen_is_wrong() {
    let mut story = base();
    story.patch("aa", "v1", 20, &["v0"], vec![Op::increment("needs", 1)]);
    let journal = story.journals.get_mut("aa").unwrap();
    journal[1].writes[0].seen = vec!["v0".into(), "vx".into()];
    let value = json!({"status": "normal", "needs": 2, "volunteers": ["Kim"], "log": ["first"]});
    assert_eq!(judge(&story.shown(Some(value), false)).wrong_merges, 1);
}

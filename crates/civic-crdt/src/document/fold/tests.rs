use civic_types::cbor::{Decoder, Encoder};
use civic_types::time::Stamp;
use civic_types::{CollectionId, DocumentId, DocumentKey, FieldOp, FieldPath, ReplicaId, value};

use bytes::Bytes;

use super::*;
use crate::document::{Author, Document, write};
use crate::version::Rules;

fn path(segment: &str) -> FieldPath {
    segment.try_into().unwrap()
}

fn text(index: usize, remove: usize, insert: &str) -> FieldOp {
    FieldOp::SpliceText { path: path("t"), index, remove, insert: insert.to_owned() }
}

/// A document of every kind, with dead and half hidden inserts.
fn document() -> Document {
    let mut document = Document::default();
    let key = DocumentKey::new(CollectionId::from_bytes([9; 32]), DocumentId::new("pump-3").unwrap());
    let list = |index, remove| FieldOp::Splice { path: path("l"), index, remove, insert: vec![value!([1])] };
    let mut previous = None;
    let patches = [
        vec![FieldOp::Set { path: path("a"), value: value!("x") }, text(0, 0, "Wasser holen"), list(0, 0)],
        vec![text(6, 0, "eimer"), list(1, 0), FieldOp::Add { path: path("s"), value: value!(1) }],
        vec![text(6, 5, ""), text(2, 2, "ß"), list(0, 1), FieldOp::Unset { path: path("a") }],
        vec![text(2, 0, "-"), text(9, 2, "")],
    ];
    for (position, changes) in (1..).zip(patches) {
        let plan = document.patch(&document.heads(), &changes).unwrap();
        let author = Author {
            replica: ReplicaId::from_bytes([1; 16]),
            position,
            previous: previous.take(),
            stamp: Stamp { millis: position, counter: 0 },
        };
        let written = write(&document, &key, &plan, &author, None, &Rules::default()).unwrap();
        previous = Some(written.version.cid().clone());
        let _ = document.insert(&written.version, written.body());
    }
    document
}

fn bytes(fields: &Fields) -> Bytes {
    let mut out = Encoder::new();
    fields.write(&mut out);
    out.into_bytes().into()
}

fn read(bytes: &Bytes, versions: NodeId) -> Result<Fields, StateError> {
    let input = &mut Decoder::new(bytes);
    Fields::read(input, bytes, versions)
}

#[test]
fn a_dot_store_comes_back_from_its_bytes_with_all_that_is_dead() {
    let mut document = document();
    let (before, view) = (bytes(&document.fields), document.view());
    assert_eq!(view, Some(value!({"t": "Wa-ßer hon", "l": [[1], [1]], "s": [1]})));
    document.fields = read(&before, 4).unwrap();
    assert_eq!(bytes(&document.fields), before);
    assert!(document.fields.len() > document.live_dots().len(), "the dead count too");
    assert_eq!(document.view(), view);
    let anchored_on_the_dead = [text(2, 1, "+"), text(6, 0, "!")];
    assert!(document.patch(&document.heads(), &anchored_on_the_dead).is_ok());
}

#[test]
fn damaged_bytes_of_a_dot_store_never_panic_and_never_read_as_the_same() {
    let document = document();
    let good = bytes(&document.fields);
    assert!(read(&good, 3).is_err(), "an operation of no version");
    for end in 0..good.len() {
        assert!(read(&good.slice(..end), 4).is_err(), "cut at {end}");
    }
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.to_vec();
            bad[at] ^= 1 << bit;
            if let Ok(fields) = read(&bad.into(), 4) {
                assert_ne!(bytes(&fields), good);
                for (_, field) in fields.all() {
                    let shown = |(kind, sequence): (Kind, &Sequence)| sequence.value(kind, &document.graph);
                    field.sequences().for_each(|sequence| drop(shown(sequence)));
                }
            }
        }
    }
}

#[test]
fn copies_share_a_sequence_until_one_changes() {
    let fields = document().fields;
    let copy = fields.clone();
    let at = |fields: &Fields| std::ptr::from_ref(fields.sequence(&path("t"), Kind::Text).unwrap());
    assert_eq!(at(&fields), at(&copy));
}

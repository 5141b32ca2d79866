//! G14: what a version costs where it is kept or sent, with its body and what authenticates it.

use civic_benches_data::{Author, Random, SEED, edits, household};
use civic_crdt::Document;
use civic_crdt::version::Rules;
use civic_crdt::version::pack::{MAX_PACK_VERSIONS, deflate, pack, unpack};
use civic_figures::{Outcome, figure, same};
use civic_types::time::Timestamp;
use civic_types::{DocumentId, DocumentKey, PeerId, Value, value};

use crate::{History, VERSIONS};

/// Documents of one version each.
const DOCUMENTS: usize = 100_000;

pub fn run() -> Outcome {
    let History { record, versions, .. } = History::new(&edits(VERSIONS, &mut Random(SEED)))?;
    let packed = pack(&[record], &versions)?;
    same("what was packed", &unpack(&packed, |_| Some(Rules::default()))?.versions, &versions)?;
    let each = |bytes: usize| (bytes as f64 / versions.len() as f64).into();
    figure("G14-raw", "10 000 versions of one document by one author, packed", "B", &each(packed.len()));
    figure("G14-deflated", "the same pack, deflated", "B", &each(deflate(&packed).len()));
    Ok(())
}

pub fn run_many() -> Outcome {
    let what = "100 000 documents of one version, packed: a status and a number";
    let mut random = Random(SEED);
    let note = |n: usize| value!({"status": "dry", "needs": n as u64});
    let (raw, deflated) = many(note, &mut random)?;
    figure("G14-many", what, "B", &raw.into());
    figure("G14-many-deflated", "the same packs, deflated", "B", &deflated.into());
    let mut fields = Random(SEED);
    let eight = |_| -> Value {
        let mut map = civic_types::Map::new();
        for change in household(&mut fields) {
            map.insert(change.field, &change.value);
        }
        Value::Map(map)
    };
    let (raw, deflated) = many(eight, &mut random)?;
    figure("G14-many-8", "100 000 documents of one version, packed: eight fields", "B", &raw.into());
    figure("G14-many-8-deflated", "the same packs, deflated", "B", &deflated.into());
    Ok(())
}

/// Bytes a version of one author's documents, in as few packs as they fit, each with a signature: packed and deflated.
fn many(mut document: impl FnMut(usize) -> Value, random: &mut Random) -> Outcome<(f64, f64)> {
    let mut author = Author::new(1);
    let collection = Author::key("household")?.collection;
    let peer = PeerId::from_bytes([7; 32]);
    let (mut versions, mut raw, mut deflated) = (Vec::new(), 0, 0);
    for number in 0..DOCUMENTS {
        let now = Timestamp::from_millis(1_700_000_000_000 + number as u64 * 977);
        let id = DocumentId::generate(now, random.next().to_be_bytes(), &peer);
        let key = DocumentKey::new(collection, id);
        versions.push(author.put(&mut Document::default(), &key, &document(number))?);
        if versions.len() == MAX_PACK_VERSIONS || number + 1 == DOCUMENTS {
            versions.last_mut().into_iter().for_each(|last| author.sign(last));
            let packed = pack(&[author.record], &versions)?;
            raw += packed.len();
            deflated += deflate(&packed).len();
            versions.clear();
        }
    }
    let each = |bytes: usize| bytes as f64 / DOCUMENTS as f64;
    Ok((each(raw), each(deflated)))
}

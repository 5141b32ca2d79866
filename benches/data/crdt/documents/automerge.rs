use automerge::Automerge as Document;
use civic_benches_data::Fields;
use civic_benches_data::automerge::{change, shown, writer};
use civic_figures::Outcome;

use super::{Library, Sent, Work};

pub enum Automerge {}

impl Library for Automerge {
    type Document = Document;

    fn write(Work { fields, changes: [here, there] }: &Work) -> Outcome<Sent> {
        let mut doc = Document::new().with_actor(writer(1));
        change(&mut doc, fields)?;
        let seen = doc.get_heads();
        let mut other = Document::load(&doc.save())?.with_actor(writer(2));
        change(&mut doc, std::slice::from_ref(here))?;
        change(&mut other, std::slice::from_ref(there))?;
        Ok(Sent { here: doc.save(), update: other.save_after(&seen) })
    }

    fn merge(sent: &Sent) -> Outcome<Document> {
        let mut doc = Document::load(&sent.here)?;
        doc.load_incremental(&sent.update)?;
        Ok(doc)
    }

    fn encode(sent: &Sent) -> Outcome<Vec<u8>> {
        Ok(Self::merge(sent)?.save())
    }

    fn shown(doc: &Document) -> Fields {
        shown(doc)
    }
}

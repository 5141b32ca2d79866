use civic_benches_data::Fields;
use civic_benches_data::loro::{change, shown};
use civic_figures::Outcome;
use loro::{ExportMode, LoroDoc};

use super::{Library, Sent, Work};

pub enum Loro {}

impl Library for Loro {
    type Document = LoroDoc;

    fn write(Work { fields, changes: [here, there] }: &Work) -> Outcome<Sent> {
        let doc = LoroDoc::new();
        doc.set_peer_id(1)?;
        change(&doc, fields)?;
        let seen = doc.oplog_vv();
        let other = LoroDoc::from_snapshot(&doc.export(ExportMode::Snapshot)?)?;
        other.set_peer_id(2)?;
        change(&doc, std::slice::from_ref(here))?;
        change(&other, std::slice::from_ref(there))?;
        Ok(Sent {
            here: doc.export(ExportMode::Snapshot)?,
            update: other.export(ExportMode::updates(&seen))?,
        })
    }

    fn merge(sent: &Sent) -> Outcome<LoroDoc> {
        let doc = LoroDoc::from_snapshot(&sent.here)?;
        doc.import(&sent.update)?;
        Ok(doc)
    }

    fn encode(sent: &Sent) -> Outcome<Vec<u8>> {
        Ok(Self::merge(sent)?.export(ExportMode::Snapshot)?)
    }

    fn shown(doc: &LoroDoc) -> Fields {
        shown(doc)
    }
}

use civic_types::cbor::{Decoder, Encoder, Error as CborError};
use civic_types::{DocumentId, Value};

use crate::error::Error;
use crate::query::{CompareOp, Cursor, Direction, Filter, Query, Scan};

/// Short hash of what a cursor belongs to; keeps mistakes apart, not attackers.
pub(super) type Print = [u8; 8];

/// Where a page ended: the sort fields and the id of its last document.
///
/// The next page starts behind that place whether or not the document is still there, so writes between
/// two pages neither repeat nor skip a document that they did not touch.
pub(super) struct Position {
    pub(super) sort: Vec<Option<Value>>,
    pub(super) document: DocumentId,
}

impl Position {
    pub(super) fn encode(&self, print: Print) -> Cursor {
        let mut out = Encoder::new();
        out.array(3).bytes(&print).text(self.document.as_str()).array(self.sort.len());
        for field in &self.sort {
            match field {
                Some(value) => {
                    out.array(1);
                    // The value came out of a stored document, where it nested deeper still.
                    if out.value(value).is_err() {
                        out.null();
                    }
                }
                None => {
                    out.array(0);
                }
            }
        }
        Cursor::from_bytes(out.into_bytes())
    }

    pub(super) fn decode(cursor: &Cursor, print: Print, orders: usize) -> Result<Self, Error> {
        read(cursor.as_bytes(), print)
            .filter(|position| position.sort.len() == orders)
            .ok_or(Error::InvalidCursor)
    }
}

fn read(bytes: &[u8], print: Print) -> Option<Position> {
    let mut input = Decoder::new(bytes);
    let fields = |input: &mut Decoder<'_>| -> Result<_, CborError> {
        let len = input.array()?;
        let (print, document) = (input.byte_array::<8>()?, input.text()?.to_owned());
        let mut sort = Vec::new();
        for _ in 0..input.array()? {
            sort.push(if input.array()? == 0 { None } else { Some(input.value()?) });
        }
        Ok((len, print, document, sort))
    };
    let (len, found, document, sort) = fields(&mut input).ok()?;
    input.finish().ok()?;
    let document = DocumentId::new(document).ok()?;
    (len == 3 && found == print).then_some(Position { sort, document })
}

/// What a scan's cursors belong to.
pub(super) fn scan_print(scan: &Scan) -> Print {
    let mut out = Encoder::new();
    out.text("scan").bytes(scan.collection.as_bytes());
    print(out)
}

/// What a query's cursors belong to; pages of different limits may follow each other.
pub(super) fn query_print(query: &Query) -> Print {
    let mut out = Encoder::new();
    out.text("query").bytes(query.collection.as_bytes());
    write_filter(&mut out, &query.filter);
    for order in &query.order {
        write_path(&mut out, order.path.segments());
        out.bool(order.direction == Direction::Descending);
    }
    print(out)
}

fn print(out: Encoder) -> Print {
    let mut print = Print::default();
    blake3::Hasher::new().update(&out.into_bytes()).finalize_xof().fill(&mut print);
    print
}

fn write_filter(out: &mut Encoder, filter: &Filter) {
    match filter {
        Filter::All(filters) => {
            out.uint(0).array(filters.len());
            filters.iter().for_each(|filter| write_filter(out, filter));
        }
        Filter::Any(filters) => {
            out.uint(1).array(filters.len());
            filters.iter().for_each(|filter| write_filter(out, filter));
        }
        Filter::Compare { path, op, value } => {
            out.uint(2).uint(match op {
                CompareOp::Equal => 0,
                CompareOp::Greater => 1,
                CompareOp::GreaterOrEqual => 2,
                CompareOp::Less => 3,
                CompareOp::LessOrEqual => 4,
                CompareOp::NotEqual => 5,
            });
            write_path(out, path.segments());
            write_value(out, value);
        }
        Filter::Contains { path, value } => {
            out.uint(3);
            write_path(out, path.segments());
            write_value(out, value);
        }
        Filter::In { path, values } => {
            out.uint(4);
            write_path(out, path.segments());
            out.array(values.len());
            values.iter().for_each(|value| write_value(out, value));
        }
    }
}

fn write_path(out: &mut Encoder, segments: &[String]) {
    out.array(segments.len());
    segments.iter().for_each(|segment| {
        out.text(segment);
    });
}

fn write_value(out: &mut Encoder, value: &Value) {
    // Too deep a value matches nothing; that all such values share a print does no harm.
    if out.value(value).is_err() {
        out.null();
    }
}

use super::{Error, ErrorKind, Limits};
use crate::Cid;
use crate::value::Value;

/// What limits leave of items, depth and bytes. Offsets are those of what is written or about to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    limits: Limits,
    /// Data items counted so far.
    items: usize,
}

/// Finds how long a value will be, and whether it keeps to the limits, before a byte of it is written.
#[derive(Debug)]
pub(super) struct Measure {
    pub(super) budget: Budget,
    /// Bytes that will have been written.
    pub(super) len: usize,
}

impl Budget {
    pub(super) const fn new(limits: Limits) -> Self {
        Self { limits: limits.with_depth(limits.depth), items: 0 }
    }

    /// Counts one data item.
    pub(super) const fn item(&mut self, offset: usize) -> Result<(), Error> {
        if self.items >= self.limits.items {
            return Err(Error { kind: ErrorKind::Items, offset });
        }
        self.items += 1;
        Ok(())
    }

    /// The depth inside a container.
    pub(super) const fn deeper(&self, depth: usize, offset: usize) -> Result<usize, Error> {
        let kind = ErrorKind::Depth;
        if depth < self.limits.depth { Ok(depth + 1) } else { Err(Error { kind, offset }) }
    }

    /// Refuses more bytes than the limit.
    pub(super) const fn fits(&self, len: usize) -> Result<(), Error> {
        let offset = self.limits.bytes;
        if len > offset { Err(Error { kind: ErrorKind::Size, offset }) } else { Ok(()) }
    }
}

impl Measure {
    /// Adds a value that stands `depth` containers deep.
    pub(super) fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.budget.item(self.len)?;
        match value {
            Value::Null | Value::Bool(_) => self.len += 1,
            Value::Int(value) => self.len += head(value.sign_and_magnitude().1),
            Value::Float(_) => self.len += 1 + size_of::<f64>(),
            Value::Text(value) => self.string(value.len()),
            Value::Bytes(value) => self.string(value.len()),
            Value::List(values) => {
                let depth = self.budget.deeper(depth, self.len)?;
                self.len += head(values.len() as u64);
                for value in values {
                    self.value(value, depth)?;
                }
            }
            Value::Map(map) => {
                let depth = self.budget.deeper(depth, self.len)?;
                self.len += head(map.len() as u64);
                for (key, value) in map {
                    self.budget.item(self.len)?;
                    self.string(key.len());
                    self.value(value, depth)?;
                }
            }
            Value::Link(cid) => self.link(cid)?,
        }
        self.budget.fits(self.len)
    }

    /// The tag, and under it the CID behind a zero.
    fn link(&mut self, cid: &Cid) -> Result<(), Error> {
        self.len += 2;
        self.budget.item(self.len)?;
        self.string(cid.as_bytes().len() + 1);
        Ok(())
    }

    const fn string(&mut self, len: usize) {
        self.len += head(len as u64) + len;
    }
}

/// Length of the head with this argument.
const fn head(argument: u64) -> usize {
    match argument {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

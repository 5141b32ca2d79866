use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::error::Fault;
use super::ser::Writer;
use crate::cbor::{Encoder, ErrorKind, major};

/// An open array, or with parts of type [`Pair`] an open map; its head is put right when it closes.
pub(super) struct Compound<'a, Part = ()> {
    writer: &'a mut Writer,
    major: u8,
    /// Where the head begins.
    start: usize,
    /// Where the first element begins.
    body: usize,
    /// The number of elements that the head says.
    said: Option<usize>,
    parts: Vec<Part>,
    count: usize,
    /// The depth to go back to.
    depth: usize,
}

/// Where a pair stands in what was written.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    key: usize,
    value: usize,
    end: usize,
}

impl<'a, Part> Compound<'a, Part> {
    /// Opens a container after which the writer is `depth` deep again.
    pub(super) fn open(
        writer: &'a mut Writer,
        major: u8,
        said: Option<usize>,
        depth: usize,
    ) -> Result<Self, Fault> {
        writer.depth = writer.out.deeper(writer.depth)?;
        writer.out.item()?;
        let start = writer.at();
        writer.out.head(major, said.unwrap_or_default() as u64);
        let body = writer.at();
        Ok(Self { writer, major, start, body, said, parts: Vec::new(), count: 0, depth })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.part(value)?;
        self.count += 1;
        Ok(())
    }

    /// Writes a key, element or value; when that fails nothing of it stays, should the type carry on.
    fn part<T: Serialize + ?Sized>(&mut self, part: &T) -> Result<(), Fault> {
        let (start, depth) = (self.writer.at(), self.writer.depth);
        part.serialize(&mut *self.writer).map_err(|fault| {
            self.writer.out.out.truncate(start);
            self.writer.depth = depth;
            fault.at(start)
        })
    }

    /// Corrects the head of a container whose type said another number of elements, or none.
    fn close(self) -> Result<(), Fault> {
        if self.said != Some(self.count) {
            let mut head = Encoder::new();
            head.head(self.major, self.count as u64);
            self.writer.out.out.splice(self.start..self.body, head.into_bytes());
        }
        self.writer.depth = self.depth;
        Ok(self.writer.out.fits()?)
    }
}

impl Compound<'_, Pair> {
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        let start = self.writer.at();
        self.part(key)?;
        let (value, end) = (self.writer.at(), self.writer.at());
        if self.writer.out.as_bytes().get(start).is_none_or(|first| first >> 5 != major::TEXT) {
            return Err(Fault::from(ErrorKind::KeyType).at(start));
        }
        self.parts.push(Pair { key: start, value, end });
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.element(value)?;
        let end = self.writer.at();
        match self.parts.last_mut() {
            Some(pair) if pair.end == pair.value => pair.end = end,
            _ => return Err(Fault::shape("a map value came before its key")),
        }
        Ok(())
    }

    /// Brings the pairs into canonical order; encoded keys compare as their order wants it.
    fn sort(mut self) -> Result<(), Fault> {
        if self.parts.iter().any(|pair| pair.end == pair.value) {
            return Err(Fault::shape("a map key came without its value"));
        }
        let out = &mut self.writer.out.out;
        let key = |pair: &Pair| out.get(pair.key..pair.value).unwrap_or_default();
        if !self.parts.is_sorted_by(|a, b| key(a) < key(b)) {
            self.parts.sort_by(|a, b| key(a).cmp(key(b)));
            let twice = self.parts.windows(2).find_map(|pair| match pair {
                [a, b] if key(a) == key(b) => Some(b.key),
                _ => None,
            });
            if let Some(offset) = twice {
                return Err(Fault::from(ErrorKind::KeyOrder).at(offset));
            }
            let body = out.split_off(self.body);
            let pairs = self.parts.iter().map(|pair| pair.key - self.body..pair.end - self.body);
            out.extend(pairs.filter_map(|pair| body.get(pair)).flatten());
        }
        self.close()
    }
}

macro_rules! arrays {
    ($($serialize:ident $element:ident;)*) => {$(
        impl $serialize for Compound<'_> {
            type Ok = ();
            type Error = Fault;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.element(value)
            }

            fn end(self) -> Result<(), Fault> {
                self.close()
            }
        }
    )*};
}

arrays! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

impl SerializeMap for Compound<'_, Pair> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.value(value)
    }

    fn end(self) -> Result<(), Fault> {
        self.sort()
    }
}

macro_rules! structs {
    ($($serialize:ident)*) => {$(
        impl $serialize for Compound<'_, Pair> {
            type Ok = ();
            type Error = Fault;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Fault> {
                self.key(key)?;
                self.value(value)
            }

            fn end(self) -> Result<(), Fault> {
                self.sort()
            }
        }
    )*};
}

structs!(SerializeStruct SerializeStructVariant);

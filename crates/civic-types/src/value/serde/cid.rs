use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::LINK;
use crate::Cid;

/// Text for people, bytes for machines; a link where the target is a [`Value`](crate::Value).
impl Serialize for Cid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_newtype_struct(LINK, &Raw(self.as_bytes()))
        }
    }
}

struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de> Deserialize<'de> for Cid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What serde buffers for flattened and untagged types calls itself readable, whatever it came from.
        if deserializer.is_human_readable() {
            deserializer.deserialize_newtype_struct(LINK, ReadableVisitor)
        } else {
            deserializer.deserialize_newtype_struct(LINK, CidVisitor)
        }
    }
}

/// Reads a CID from any of the forms above.
pub(super) struct CidVisitor;

impl<'de> Visitor<'de> for CidVisitor {
    type Value = Cid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a link")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Cid, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Cid, E> {
        Cid::from_bytes(bytes).map_err(E::custom)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cid, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

/// Reads a CID where text is expected and buffered bytes may stand.
struct ReadableVisitor;

impl<'de> Visitor<'de> for ReadableVisitor {
    type Value = Cid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        CidVisitor.expecting(f)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Cid, E> {
        CidVisitor.visit_str(text)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cid, D::Error> {
        deserializer.deserialize_any(CidVisitor)
    }
}

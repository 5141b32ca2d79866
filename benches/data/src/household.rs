//! A household of the register: eight plain fields, which every library can hold.

use std::collections::BTreeMap;
use std::fmt;

use civic_types::{FieldOp, Value};

use crate::Random;

/// A plain value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Yes or no.
    Bool(bool),
    /// A number.
    Int(i64),
    /// Some words.
    Text(String),
}

/// What a document shows, as text: the one form in which all libraries can be compared.
pub type Fields = BTreeMap<String, String>;

/// One field written.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its name.
    pub field: &'static str,
    /// What it is now.
    pub value: Scalar,
}

/// The names of the fields, ascending.
pub const FIELDS: [&str; 8] =
    ["adults", "children", "district", "name", "needs", "note", "reached", "updated"];

/// All fields of a new household.
#[must_use]
pub fn household(random: &mut Random) -> Vec<Change> {
    FIELDS.iter().map(|field| Change { field, value: value(field, random) }).collect()
}

/// One field changed after the other.
#[must_use]
pub fn edits(count: usize, random: &mut Random) -> Vec<Change> {
    let mut now = household(random);
    let mut edit = || {
        let field = random.below(FIELDS.len());
        now[field] = now[field].another(random);
        now[field].clone()
    };
    (0..count).map(|_| edit()).collect()
}

impl Change {
    /// Another value of the same field: writing a value anew is no change to some libraries.
    #[must_use]
    pub fn another(&self, random: &mut Random) -> Self {
        loop {
            let value = value(self.field, random);
            if value != self.value {
                return Self { field: self.field, value };
            }
        }
    }

    /// As an application of ours asks for it.
    #[must_use]
    pub fn op(&self) -> Option<FieldOp> {
        Some(FieldOp::Set { path: self.field.try_into().ok()?, value: (&self.value).into() })
    }
}

impl From<&Scalar> for Value {
    fn from(scalar: &Scalar) -> Self {
        match scalar {
            Scalar::Bool(value) => (*value).into(),
            Scalar::Int(value) => (*value).into(),
            Scalar::Text(value) => value.into(),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

fn value(field: &str, random: &mut Random) -> Scalar {
    let mut one_of = |words: &[&str]| words[random.below(words.len())].to_owned();
    match field {
        "district" => Scalar::Text(one_of(&["Söder", "Vasastan", "Gamla stan", "Kungsholmen"])),
        "name" => Scalar::Text(format!("Familjen {}", one_of(&["Åkerström", "Ali", "Nowak", "Berg"]))),
        "needs" => Scalar::Text(one_of(&["water", "insulin", "power", "nothing"])),
        "note" => Scalar::Text(one_of(&["knocks", "second floor", "ring twice", "away"])),
        "reached" => Scalar::Bool(random.below(2) == 0),
        "updated" => Scalar::Int(1_700_000_000_000 + random.below(1 << 30) as i64),
        _ => Scalar::Int(random.below(6) as i64),
    }
}

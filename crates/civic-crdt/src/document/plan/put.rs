//! Whole values: what differs from what was seen, by kind.

use std::collections::BTreeSet;

use civic_types::limits::MAX_ARGUMENT_DEPTH;
use civic_types::{FieldPath, Map, Value};

use super::builder::Builder;
use super::patch::encode;
use super::{PlanError, Put};
use crate::version::Kind;

impl Builder<'_> {
    /// Makes the view at a path equal to `value`.
    pub(super) fn put(&mut self, path: &FieldPath, value: &Value, put: Put) -> Result<(), PlanError> {
        let shown = self.shown(path);
        match (shown, value) {
            (_, Value::Map(map)) => self.put_map(path, map, put),
            _ if path.segments().is_empty() => Err(PlanError::Root),
            (Some(Kind::Set), Value::List(list)) => self.put_set(path, list),
            (Some(Kind::GSet), Value::List(list)) => self.put_g_set(path, list),
            (Some(Kind::List), Value::List(list)) => self.put_list(path, list),
            (Some(Kind::Text), Value::Text(text)) => {
                self.put_elements(path, &text.chars().collect::<Vec<_>>())
            }
            (Some(Kind::Counter), Value::Int(to)) => self.put_counter(path, to.get()),
            (Some(Kind::Register), _) if put == Put::Changed && self.reads(path, value) => Ok(()),
            _ => self.assign(path, value),
        }
    }

    fn put_map(&mut self, path: &FieldPath, map: &Map, put: Put) -> Result<(), PlanError> {
        if !path.segments().is_empty() {
            let has_dot = self.within(path).any(|c| c.path == path && c.kind == Kind::Map);
            let is_map = self.shown(path) == Some(Kind::Map);
            if self.within(path).any(|c| c.path == path && c.kind == Kind::GSet) {
                return Err(PlanError::GrowOnly { path: path.clone() });
            }
            // A map that is only implied by its fields would vanish with the last of them.
            if !is_map || (!has_dot && map.is_empty()) || put == Put::Everything {
                self.put_ending(path, Kind::Map, &Value::Null, |c| c.path == path)?;
            }
        }
        let depth = path.segments().len();
        let fields: BTreeSet<String> =
            self.within(path).filter_map(|c| c.path.segments().get(depth).cloned()).collect();
        for name in fields.iter().filter(|name| !map.contains_key(name)) {
            self.unset(&path.child(name)?)?;
        }
        for (name, value) in map {
            self.put(&path.child(name)?, value, put)?;
        }
        Ok(())
    }

    /// Adds and removes; the order of the list and repeated elements mean nothing.
    fn put_set(&mut self, path: &FieldPath, list: &[Value]) -> Result<(), PlanError> {
        let (held, wanted) = (self.elements(path, Kind::Set), encode_all(path, list)?);
        for (element, value) in wanted.iter().zip(list).filter(|(element, _)| !held.contains(*element)) {
            if !self.elements(path, Kind::Set).contains(element) {
                self.add(path, value)?;
            }
        }
        if held.iter().all(|element| wanted.contains(element)) {
            return Ok(());
        }
        self.kill(path, Kind::Set, |c| {
            c.path == path && c.kind == Kind::Set && !wanted.iter().any(|element| element == c.argument)
        })
    }

    fn put_g_set(&mut self, path: &FieldPath, list: &[Value]) -> Result<(), PlanError> {
        let wanted = encode_all(path, list)?;
        if self.seen.present()
            && !self.elements(path, Kind::GSet).iter().all(|element| wanted.contains(element))
        {
            return Err(PlanError::GrowOnly { path: path.clone() });
        }
        list.iter().try_for_each(|value| self.append(path, value))
    }

    fn put_list(&mut self, path: &FieldPath, list: &[Value]) -> Result<(), PlanError> {
        check_depth(path, list)?;
        self.put_elements(path, list)
    }

    fn put_counter(&mut self, path: &FieldPath, to: i128) -> Result<(), PlanError> {
        let sum = self.sum(path);
        let shown = sum.clamp(i64::MIN.into(), i64::MAX.into());
        if shown == to {
            return Ok(());
        }
        let by = i64::try_from(to - sum).map_err(|_| PlanError::CounterRange { path: path.clone() })?;
        self.increment(path, by)
    }

    /// Whether the path shows exactly this before the plan, and the plan has not touched it.
    fn reads(&self, path: &FieldPath, value: &Value) -> bool {
        let live = self.within(path).filter(|c| c.path == path).count();
        live == self.seen.fields.at(path).map_or(0, |field| field.kinds().count())
            && self.value(path).as_ref() == Some(value)
    }

    fn elements(&self, path: &FieldPath, kind: Kind) -> BTreeSet<Vec<u8>> {
        self.within(path).filter(|c| c.path == path && c.kind == kind).map(|c| c.argument.to_vec()).collect()
    }
}

/// Checks that values may be elements of a list.
pub(super) fn check_depth(path: &FieldPath, elements: &[Value]) -> Result<(), PlanError> {
    let too_deep = elements.iter().any(|value| value.depth() > MAX_ARGUMENT_DEPTH);
    if too_deep { Err(PlanError::TooDeep { path: path.clone() }) } else { Ok(()) }
}

fn encode_all(path: &FieldPath, list: &[Value]) -> Result<Vec<Vec<u8>>, PlanError> {
    list.iter().map(|value| encode(path, value)).collect()
}

//! Going back: a new version that shows what an old one showed.

use civic_types::{Cid, FieldPath, Map, Value};

use super::builder::Builder;
use super::kinds::Kinds;
use super::{Plan, PlanError, Put};
use crate::document::{Document, Past};
use crate::version::Kind;

impl Document {
    /// Plans that the document shows again what it showed at these heads, every field in the kind it had
    /// there: on top of everything that was written since, none of which is lost from its history.
    ///
    /// Concurrent writes that are not here yet stay beside it as beside any other write: a counter goes back
    /// by a difference, a set by elements, a text by edits. What was added to grow-only sets stays.
    ///
    /// # Errors
    ///
    /// [`PlanError`]: a version is not in the document, bodies of some are not in memory, or something else
    /// stands where a grow-only set has begun since.
    pub fn rollback(&self, to: &[Cid]) -> Result<Plan, PlanError> {
        let (now, then) = (self.now(), self.at(to)?);
        let Some(mut view) = then.view() else { return Ok(Builder::new(&now).absent()) };
        keep_grown(&now, &mut view)?;
        let mut builder = Builder { kinds: Kinds::Past(&then), ..Builder::new(&now) };
        builder.put(&FieldPath::root(), &view, Put::Changed)?;
        builder.present()
    }
}

/// Puts the elements of all grow-only sets into a view, so that none is asked to go.
fn keep_grown(now: &Past<'_>, view: &mut Value) -> Result<(), PlanError> {
    if !now.present() {
        return Ok(());
    }
    let shown = Kinds::Past(now);
    let grown = now.fields.all().map(|(path, _)| path).filter(|path| shown.of(path) == Some(Kind::GSet));
    for path in grown {
        let Some(value) = now.field(path) else { continue };
        let Some((last, before)) = path.segments().split_last() else { continue };
        let lost = || PlanError::GrowOnly { path: path.clone() };
        let mut map = as_map(view).ok_or_else(lost)?;
        for segment in before {
            if !map.contains_key(segment) {
                map.insert(segment.as_str(), Value::Map(Map::default()));
            }
            map = map.get_mut(segment).and_then(as_map).ok_or_else(lost)?;
        }
        map.insert(last.as_str(), value);
    }
    Ok(())
}

fn as_map(value: &mut Value) -> Option<&mut Map> {
    match value {
        Value::Map(map) => Some(map),
        _ => None,
    }
}

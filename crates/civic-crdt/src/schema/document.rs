use std::collections::BTreeSet;

use civic_types::{FieldOp, FieldPath, Value};

use super::{EACH, FIELDS, Field, KIND, KINDS, MAX_SCHEMA_DEPTH, Schema, TYPE, Type, kind_name};

impl Schema {
    /// Reads the plain view of a schema's document. Whatever is no declaration is passed over, so that every
    /// view is a schema.
    #[must_use]
    pub fn from_view(view: &Value) -> Self {
        Self::read(view, 0)
    }

    /// The changes that make a schema's document declare all this too; nothing changes where it does already.
    #[must_use]
    pub fn changes(&self) -> Vec<FieldOp> {
        let mut changes = Vec::new();
        self.write(&FieldPath::root(), &mut changes);
        changes
    }

    fn write(&self, at: &FieldPath, changes: &mut Vec<FieldOp>) {
        let named =
            self.fields.iter().map(|(name, field)| (at.child(FIELDS).and_then(|at| at.child(name)), field));
        let each = self.each.iter().map(|field| (at.child(EACH), &**field));
        for (place, field) in named.chain(each) {
            // Places are no deeper than paths, and their names were checked.
            let Ok(place) = place else { continue };
            let kind = field.kind.map(|kind| (KIND, kind_name(kind)));
            let types = field.types.iter().map(|t| (TYPE, t.name()));
            for (of, name) in kind.into_iter().chain(types) {
                changes.extend(place.child(of).map(|path| FieldOp::Append { path, value: name.into() }));
            }
            field.below.write(&place, changes);
        }
    }

    fn read(view: &Value, depth: usize) -> Self {
        let Some(map) = view.as_map().filter(|_| depth < MAX_SCHEMA_DEPTH) else { return Self::default() };
        let named = map.get(FIELDS).and_then(Value::as_map);
        let fields = named.into_iter().flat_map(|fields| fields.iter());
        Self {
            fields: fields.map(|(name, field)| (name.to_owned(), Field::read(field, depth + 1))).collect(),
            each: map.get(EACH).map(|field| Box::new(Field::read(field, depth + 1))),
        }
    }
}

impl Field {
    fn read(view: &Value, depth: usize) -> Self {
        let kinds = names(view, KIND);
        let types = names(view, TYPE);
        Self {
            kind: KINDS.into_iter().find(|kind| kinds.contains(kind_name(*kind))),
            types: Type::ALL.into_iter().filter(|t| types.contains(t.name())).collect(),
            below: Schema::read(view, depth),
        }
    }
}

fn names<'a>(view: &'a Value, of: &str) -> BTreeSet<&'a str> {
    let list = view.as_map().and_then(|map| map.get(of)).and_then(Value::as_list);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

use std::cmp::Ordering;

use civic_types::Value;

use super::compare;
use crate::error::Error;
use crate::query::{CompareOp, Direction, Filter, MAX_CONDITIONS, MAX_PAGE, Query};

/// Whether a document matches.
pub(super) fn matches(filter: &Filter, document: &Value) -> bool {
    match filter {
        Filter::All(filters) => filters.iter().all(|filter| matches(filter, document)),
        Filter::Any(filters) => filters.iter().any(|filter| matches(filter, document)),
        Filter::Compare { path, op, value } => {
            let ordering = document.get(path.segments()).and_then(|field| compare::filter(field, value));
            match op {
                CompareOp::Equal => ordering == Some(Ordering::Equal),
                CompareOp::NotEqual => ordering != Some(Ordering::Equal),
                CompareOp::Greater => ordering == Some(Ordering::Greater),
                CompareOp::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
                CompareOp::Less => ordering == Some(Ordering::Less),
                CompareOp::LessOrEqual => ordering.is_some_and(Ordering::is_le),
            }
        }
        Filter::Contains { path, value } => {
            let field = document.get(path.segments()).and_then(Value::as_list);
            field.is_some_and(|elements| elements.iter().any(|element| equal(element, value)))
        }
        Filter::In { path, values } => {
            document.get(path.segments()).is_some_and(|field| values.iter().any(|value| equal(field, value)))
        }
    }
}

/// Bounds of a query.
pub(super) fn check(query: &Query) -> Result<(), Error> {
    let mut conditions = query.order.len();
    count(&query.filter, 0, &mut conditions)?;
    if conditions > MAX_CONDITIONS {
        return Err(Error::Limit { what: "conditions of a query", got: conditions, limit: MAX_CONDITIONS });
    }
    Ok(())
}

/// The index that would serve a query, for people.
pub(super) fn suggestion(query: &Query) -> String {
    let mut fields = Vec::new();
    name_fields(&query.filter, &mut fields);
    for order in &query.order {
        let direction = if order.direction == Direction::Descending { " descending" } else { "" };
        fields.push(format!("{}{direction}", order.path));
    }
    fields.dedup();
    if fields.is_empty() { "a smaller page by id".to_owned() } else { fields.join(", ") }
}

fn equal(a: &Value, b: &Value) -> bool {
    compare::filter(a, b) == Some(Ordering::Equal)
}

fn count(filter: &Filter, depth: usize, conditions: &mut usize) -> Result<(), Error> {
    if depth > MAX_CONDITIONS {
        return Err(Error::Limit { what: "nesting of a filter", got: depth, limit: MAX_CONDITIONS });
    }
    match filter {
        Filter::All(filters) | Filter::Any(filters) => {
            filters.iter().try_for_each(|filter| count(filter, depth + 1, conditions))
        }
        Filter::In { values, .. } if values.len() > MAX_PAGE => {
            Err(Error::Limit { what: "values of one condition", got: values.len(), limit: MAX_PAGE })
        }
        Filter::Compare { .. } | Filter::Contains { .. } | Filter::In { .. } => {
            *conditions += 1;
            Ok(())
        }
    }
}

/// Fields compared for equality lead an index, so they come first.
fn name_fields(filter: &Filter, fields: &mut Vec<String>) {
    match filter {
        Filter::All(filters) | Filter::Any(filters) => {
            let (mut equal, mut rest): (Vec<_>, Vec<_>) = filters.iter().partition(|filter| {
                matches!(filter, Filter::Compare { op: CompareOp::Equal, .. } | Filter::In { .. })
            });
            equal.append(&mut rest);
            equal.into_iter().for_each(|filter| name_fields(filter, fields));
        }
        Filter::Compare { path, .. } | Filter::Contains { path, .. } | Filter::In { path, .. } => {
            fields.push(path.to_string());
        }
    }
}

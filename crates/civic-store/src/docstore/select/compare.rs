use std::cmp::Ordering;

use civic_types::Value;

/// How two values compare in a filter; `None` for values of different types.
pub(super) fn filter(a: &Value, b: &Value) -> Option<Ordering> {
    (rank(a) == rank(b)).then(|| total(a, b))
}

/// How two fields sort; a missing one comes before all.
pub(super) fn sort(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => total(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

fn total(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Int(a), Value::Float(b)) => int_and_float(a.get(), b.get()),
        (Value::Float(a), Value::Int(b)) => int_and_float(b.get(), a.get()).reverse(),
        (Value::Float(a), Value::Float(b)) => a.get().partial_cmp(&b.get()).unwrap_or(Ordering::Equal),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => lexicographic(a.iter().zip(b), a.len().cmp(&b.len())),
        (Value::Map(a), Value::Map(b)) => {
            let pairs = a.iter().zip(b.iter()).map(|((a_key, a), (b_key, b))| {
                (a_key.len(), a_key).cmp(&(b_key.len(), b_key)).then_with(|| total(a, b))
            });
            first(pairs).then(a.len().cmp(&b.len()))
        }
        (Value::Link(a), Value::Link(b)) => a.cmp(b),
        (a, b) => rank(a).cmp(&rank(b)),
    }
}

fn lexicographic<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>, lengths: Ordering) -> Ordering {
    first(pairs.map(|(a, b)| total(a, b))).then(lengths)
}

fn first(mut orderings: impl Iterator<Item = Ordering>) -> Ordering {
    orderings.find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
}

/// Compares by value without rounding either.
#[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^65 fits an i128 exactly")]
fn int_and_float(int: i128, float: f64) -> Ordering {
    /// Beyond every integer of the data model.
    const BEYOND: f64 = 36_893_488_147_419_103_232.0;
    if float.abs() >= BEYOND {
        return if float > 0.0 { Ordering::Less } else { Ordering::Greater };
    }
    let floor = float.floor();
    int.cmp(&(floor as i128)).then(if float > floor { Ordering::Less } else { Ordering::Equal })
}

const fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Float(_) => 2,
        Value::Bytes(_) => 3,
        Value::Text(_) => 4,
        Value::List(_) => 5,
        Value::Map(_) => 6,
        Value::Link(_) => 7,
    }
}

#[cfg(test)]
mod tests {
    use civic_types::value;
    use civic_types::value::Int;

    use super::*;

    #[test]
    fn the_order_is_the_stated_one() {
        let ascending = [
            value!(null),
            value!(false),
            value!(true),
            value!(-1e30),
            Value::Int(Int::MIN),
            value!(-1),
            value!(-0.5),
            value!(0),
            value!(0.5),
            value!(9007199254740992_u64),
            value!(9007199254740993_u64),
            Value::Int(Int::MAX),
            value!(18446744073709551616.0),
            value!(1e30),
            value!(&b"z"[..]),
            value!("a"),
            value!("b"),
            value!([]),
            value!(["a"]),
            value!(["a", "a"]),
            value!(["b"]),
            value!({}),
            value!({"b": 1}),
            value!({"b": 2}),
            value!({"aa": 0}),
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(sort(Some(a), Some(b)), i.cmp(&j), "{a} {b}");
            }
            assert_eq!(sort(None, Some(a)), Ordering::Less);
        }
        assert_eq!(sort(Some(&value!(1)), Some(&value!(1.0))), Ordering::Equal);
        assert_eq!(filter(&value!(1), &value!("1")), None);
    }
}

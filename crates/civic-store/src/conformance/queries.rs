use std::cmp::Ordering;

use civic_types::{FieldPath, Map, Value, value};

use super::Breach;
use super::kit::{Dice, Kit, Store, breach, collection, delete, ensure, ensure_err, put};
use crate::error::Error;
use crate::query::{CompareOp, Direction, Filter, Order, Query};

const DOCUMENTS: usize = 80;
const QUERIES: usize = 400;
const FIELDS: [&str; 3] = ["a", "b", "c"];

pub(super) async fn oracle(kit: &Kit<'_>) -> Result<(), Breach> {
    let (store, mut dice) = (kit.fresh().await?, Dice(1));
    let mut model: Vec<(String, Value)> =
        (0..DOCUMENTS).map(|n| (format!("d{}", n * 31 % 97), any_document(&mut dice))).collect();
    store.write(model.iter().map(|(id, value)| put(id, value.clone()))).await?;
    model.sort_by(|a, b| a.0.cmp(&b.0));
    for _ in 0..QUERIES {
        let mut query = Query::new(collection(), 1 + dice.roll(30)).filter(any_filter(&mut dice, 3)?);
        for _ in 0..dice.roll(3) {
            let direction = [Direction::Ascending, Direction::Descending][dice.roll(2)];
            query = query.order_by(any_path(&mut dice)?, direction);
        }
        let expected = expect(&model, &query);
        let found = read_all(&store, &query).await?;
        ensure!(found == expected, "{query:?} gave {found:?} instead of {expected:?}");
    }
    Ok(())
}

pub(super) async fn cursors(kit: &Kit<'_>) -> Result<(), Breach> {
    let (store, path) = (kit.fresh().await?, field("n")?);
    store.write((0..60_u32).map(|n| put(&format!("d{n:02}"), value!({"n": (n / 3)})))).await?;
    let query = Query::new(collection(), 7).order_by(path.clone(), Direction::Descending);
    let page = store.query(&query).await?;
    let cursor = page.next.ok_or_else(|| breach("the first page of nine has no cursor"))?;
    for other in [
        Query::new(collection(), 7).after(cursor.clone()),
        Query::new(collection(), 7).order_by(path.clone(), Direction::Ascending).after(cursor.clone()),
        query.clone().filter(Filter::Any(Vec::new())).after(cursor.clone()),
        query.clone().order_by(field("m")?, Direction::Ascending).after(cursor),
    ] {
        ensure_err!(store.query(&other).await, Error::InvalidCursor);
    }

    // Whatever others write between two pages, documents that they leave alone come once.
    let (mut query, mut seen, mut round) = (query, Vec::new(), 0_u32);
    loop {
        let page = store.query(&query).await?;
        seen.extend(page.items.iter().map(|stored| stored.key.document.as_str().to_owned()));
        if let Some(last) = page.items.last() {
            store.write([delete(last.key.document.as_str())]).await?;
        }
        round += 1;
        store.write([put(&format!("new{round}"), value!({"n": (30 - round * 3)}))]).await?;
        match page.next {
            Some(next) => query = query.after(next),
            None => break,
        }
    }
    let mut old: Vec<_> = seen.into_iter().filter(|id| id.starts_with('d')).collect();
    let given = old.len();
    old.sort();
    old.dedup();
    ensure!(given == 60 && old.len() == 60, "{} of 60 documents, {given} times", old.len());
    Ok(())
}

pub(super) async fn scan_bound(kit: &Kit<'_>) -> Result<(), Breach> {
    let (store, path) = (kit.fresh().await?, field("n")?);
    store.write((0..50_u32).map(|n| put(&format!("d{n}"), value!({"n": n})))).await?;
    let query = Query::new(collection(), 5).order_by(path, Direction::Ascending);
    match store.query(&query.clone().allow_scan(49)).await {
        Err(Error::IndexRequired { allowed: 49, suggestion }) => {
            ensure!(suggestion.contains('n'), "suggests {suggestion:?}");
        }
        other => return Err(breach(format!("{other:?} instead of IndexRequired"))),
    }
    let page = store.query(&query.allow_scan(50)).await?;
    ensure!(page.stats.scanned >= 5 && page.stats.scanned <= 50, "read {}", page.stats.scanned);
    let mut deep = Filter::All(Vec::new());
    for _ in 0..100 {
        deep = Filter::All(vec![deep]);
    }
    ensure_err!(store.query(&Query::new(collection(), 5).filter(deep)).await, Error::Limit { .. });
    Ok(())
}

async fn read_all(store: &Store, query: &Query) -> Result<Vec<String>, Breach> {
    let (mut query, mut found) = (query.clone(), Vec::new());
    loop {
        let page = store.query(&query).await?;
        ensure!(page.items.len() <= query.limit, "a page of {}", page.items.len());
        found.extend(page.items.into_iter().map(|stored| stored.key.document.as_str().to_owned()));
        match page.next {
            Some(next) => query = query.after(next),
            None => return Ok(found),
        }
    }
}

/// What a query has to give, by reading everything.
fn expect(model: &[(String, Value)], query: &Query) -> Vec<String> {
    let mut found: Vec<&(String, Value)> =
        model.iter().filter(|(_, value)| holds(&query.filter, value)).collect();
    for Order { path, direction } in query.order.iter().rev() {
        // The sort is stable, so the last order is applied first.
        found.sort_by(|(_, a), (_, b)| {
            let key = |value: &Value| value.get(path.segments()).map_or((-1, Plain::Nothing), ranked);
            let ordering = key(a).partial_cmp(&key(b)).unwrap_or(Ordering::Equal);
            if *direction == Direction::Descending { ordering.reverse() } else { ordering }
        });
    }
    found.into_iter().map(|(id, _)| id.clone()).collect()
}

fn holds(filter: &Filter, document: &Value) -> bool {
    let field = |path: &FieldPath| document.get(path.segments()).map(ranked);
    match filter {
        Filter::All(filters) => !filters.iter().any(|filter| !holds(filter, document)),
        Filter::Any(filters) => filters.iter().any(|filter| holds(filter, document)),
        Filter::Contains { path, value } => match field(path) {
            Some((_, Plain::List(elements))) => elements.contains(&ranked(value)),
            _ => false,
        },
        Filter::In { path, values } => {
            field(path).is_some_and(|field| values.iter().any(|v| ranked(v) == field))
        }
        Filter::Compare { path, op, value } => {
            let (found, given) = (field(path), ranked(value));
            let Some(found) = found.filter(|found| found.0 == given.0) else {
                return *op == CompareOp::NotEqual;
            };
            match op {
                CompareOp::Equal => found == given,
                CompareOp::NotEqual => found != given,
                CompareOp::Greater => found > given,
                CompareOp::GreaterOrEqual => found >= given,
                CompareOp::Less => found < given,
                CompareOp::LessOrEqual => found <= given,
            }
        }
    }
}

/// A value of the kinds that the oracle knows, with its place in the order of types.
type Ranked = (i8, Plain);

#[derive(PartialEq, PartialOrd)]
enum Plain {
    Nothing,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Ranked>),
}

fn ranked(value: &Value) -> Ranked {
    match value {
        Value::Bool(value) => (1, Plain::Bool(*value)),
        Value::Int(_) => {
            (2, Plain::Number(value.as_i64().and_then(|n| i32::try_from(n).ok()).map_or(0.0, f64::from)))
        }
        Value::Float(value) => (2, Plain::Number(value.get())),
        Value::Text(value) => (4, Plain::Text(value.clone())),
        Value::List(values) => (5, Plain::List(values.iter().map(ranked).collect())),
        _ => (0, Plain::Nothing),
    }
}

fn any_value(dice: &mut Dice) -> Value {
    let values = [
        value!(null),
        value!(true),
        value!(false),
        value!(-1),
        value!(0),
        value!(1),
        value!(2),
        value!(1.0),
        value!(1.5),
        value!(""),
        value!("a"),
        value!("ab"),
        value!([]),
        value!(["a"]),
        value!(["a", 1]),
    ];
    values[dice.roll(values.len())].clone()
}

fn any_document(dice: &mut Dice) -> Value {
    let mut map = Map::new();
    for field in FIELDS {
        if dice.roll(4) > 0 {
            map.insert(field, any_value(dice));
        }
    }
    map.insert("in", value!({"a": (any_value(dice))}));
    Value::Map(map)
}

fn any_path(dice: &mut Dice) -> Result<FieldPath, Breach> {
    let path = field(FIELDS[dice.roll(FIELDS.len())])?;
    if dice.roll(4) > 0 {
        return Ok(path);
    }
    FieldPath::try_from(["in", "a"]).map_err(|e| breach(e.to_string()))
}

fn any_filter(dice: &mut Dice, depth: usize) -> Result<Filter, Breach> {
    let several = |dice: &mut Dice| {
        (0..dice.roll(4)).map(|_| any_filter(dice, depth - 1)).collect::<Result<Vec<_>, Breach>>()
    };
    Ok(match if depth == 0 { 2 + dice.roll(4) } else { dice.roll(6) } {
        0 => Filter::All(several(dice)?),
        1 => Filter::Any(several(dice)?),
        2 => Filter::Contains { path: any_path(dice)?, value: any_value(dice) },
        3 => {
            let path = any_path(dice)?;
            Filter::In { path, values: (0..dice.roll(4)).map(|_| any_value(dice)).collect() }
        }
        _ => {
            let ops = [
                CompareOp::Equal,
                CompareOp::Greater,
                CompareOp::GreaterOrEqual,
                CompareOp::Less,
                CompareOp::LessOrEqual,
                CompareOp::NotEqual,
            ];
            Filter::Compare { path: any_path(dice)?, op: ops[dice.roll(ops.len())], value: any_value(dice) }
        }
    })
}

fn field(name: &str) -> Result<FieldPath, Breach> {
    FieldPath::try_from(name).map_err(|e| breach(e.to_string()))
}

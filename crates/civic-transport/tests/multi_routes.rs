//! The route table agrees with an oracle written from the design alone, on every side of every bound.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::ops::RangeInclusive;

use civic_transport::multi::{Kinds, MultiPath, RouteMode, RoutePolicy, RouteRequest, Table};
use civic_transport::{Priority, TransportKind};

/// The media by the letter that the oracle uses.
const MEDIA: [(char, TransportKind); 5] = [
    ('L', TransportKind::Lora),
    ('B', TransportKind::Ble),
    ('D', TransportKind::WifiDirect),
    ('W', TransportKind::Lan),
    ('I', TransportKind::Internet),
];

/// The columns of the oracle.
const COLUMNS: [Priority; 5] =
    [Priority::Critical, Priority::High, Priority::Normal, Priority::Low, Priority::Bulk];

/// One row of the oracle: where it holds, and the order of each priority (`*`: all at once).
struct Row {
    payload: RangeInclusive<usize>,
    air: RangeInclusive<usize>,
    cells: [&'static str; 5],
}

const ANY: RangeInclusive<usize> = 0..=usize::MAX;
const KIB_64: usize = 65_536;
const MIB: usize = 1_048_576;

/// The oracle. Sentences are of DESIGN 6.2 unless another place is named.
///
/// - Ranges: "Size = payload size (K19)"; bounds `[0,256) [256,64Ki] (64Ki,1Mi] >1Mi` of K22.
/// - Critical, rows 1 and 2: "`<256 B` critical, and critical of ≤ 450 B on air -> all active links at once
///   (K21), serial order LoRa, BLE, Wi-Fi Direct, wired, internet where the policy forbids multi-path".
/// - High and normal, row 1: "high/normal -> BLE, WFD, wired, internet, LoRa".
/// - Low, row 1: "low -> the same without LoRa"; K22 says so too (a gap of the seed's table, TR8).
/// - Row 3 and the rest of row 2: "`256 B..=64 KiB` -> WFD, BLE, wired, internet"; "Any" in the seed.
/// - Row 4: "`..=1 MiB` -> WFD, wired, internet". Row 5: "`>1 MiB` -> wired, WFD, internet".
/// - Bulk: "Bulk, any size -> internet, wired, WFD"; K22: "bulk row wins over size rows".
///
/// Read where the text is short:
/// - The two halves of the critical sentence are joined by "and" as a list: below 256 B the size on air does
///   not count, and from 256 B on it alone does.
/// - Critical of 256 B or more and above 450 B on air takes the size row, one by one. K21 alone says
///   "critical = multi-path" without a bound; DESIGN 6.2 cites K21 and sets the bound, and the seed's size
///   rows are for "Any" priority.
/// - Bytes on air are never fewer than those of the payload, so rows 4 and 5 need no column for them.
/// - All at once, the media are listed in the serial order: "table order kept as the tie/serial order" (K21).
/// - The mode belongs to the cell, not to the number of media left. Of an empty route no mode is asked.
#[rustfmt::skip]
const ORACLE: [Row; 5] = [
    //  payload               on air              Critical  High     Normal   Low     Bulk
    row(0..=255,              ANY,               ["LBDWI*", "BDWIL", "BDWIL", "BDWI", "IWD"]),
    row(256..=KIB_64,         0..=450,           ["LBDWI*", "DBWI",  "DBWI",  "DBWI", "IWD"]),
    row(256..=KIB_64,         451..=usize::MAX,  ["DBWI",   "DBWI",  "DBWI",  "DBWI", "IWD"]),
    row(KIB_64 + 1..=MIB,     ANY,               ["DWI",    "DWI",   "DWI",   "DWI",  "IWD"]),
    row(MIB + 1..=usize::MAX, ANY,               ["WDI",    "WDI",   "WDI",   "WDI",  "IWD"]),
];

const fn row(payload: RangeInclusive<usize>, air: RangeInclusive<usize>, cells: [&'static str; 5]) -> Row {
    Row { payload, air, cells }
}

/// Boundary sizes of the payload, both sides of every bound.
const SIZES: [usize; 10] = [0, 1, 255, 256, 257, KIB_64, KIB_64 + 1, MIB, MIB + 1, 5_000_000];

/// Compact form on air: 91 B + payload to one peer, 83 B + payload to all (FORMATS 7).
const UNICAST: usize = 91;
const BROADCAST: usize = 83;

/// Payload and bytes on air, beside the matrix of sizes.
#[rustfmt::skip]
const EDGES: [(usize, usize); 25] = [
    // Below 256 B the size on air does not count; from 256 B on it decides (450 is still within).
    (255, 449), (255, 450), (255, 451),
    (256, 449), (256, 450), (256, 451),
    (257, 449), (257, 450), (257, 451),
    // A bare item adds next to nothing (FORMATS 7).
    (449, 449), (449, 450), (449, 451),
    // The bound on air in the compact form.
    (358, 358 + UNICAST), (359, 359 + UNICAST), (360, 360 + UNICAST),
    (366, 366 + BROADCAST), (367, 367 + BROADCAST), (368, 368 + BROADCAST),
    // The bounds of the payload do not move with the form.
    (255, 255 + BROADCAST), (256, 256 + BROADCAST),
    (KIB_64, KIB_64 + BROADCAST), (KIB_64 + 1, KIB_64 + 1 + BROADCAST),
    (MIB, MIB + BROADCAST), (MIB + 1, MIB + 1 + BROADCAST),
    // "Total table".
    (usize::MAX, usize::MAX),
];

/// One question to the table, and its answer.
#[derive(Debug)]
struct Case {
    column: usize,
    payload: usize,
    air: usize,
    available: Vec<TransportKind>,
    multi_path: bool,
    got: Vec<TransportKind>,
    all_at_once: bool,
}

/// Asks for all priorities, all 32 sets of media and both settings.
fn ask(sizes: impl IntoIterator<Item = (usize, usize)>) -> Vec<Case> {
    let tables = [(true, Table::new(MultiPath::Allowed)), (false, Table::new(MultiPath::Forbidden))];
    let mut cases = Vec::new();
    for (payload, air) in sizes {
        for (column, priority) in COLUMNS.into_iter().enumerate() {
            for set in 0_u8..32 {
                for (multi_path, table) in &tables {
                    cases.push(ask_one(table, *multi_path, (column, priority), (payload, air), set));
                }
            }
        }
    }
    cases
}

fn ask_one(
    table: &Table,
    multi_path: bool,
    (column, priority): (usize, Priority),
    (payload, air): (usize, usize),
    set: u8,
) -> Case {
    let bits = MEDIA.into_iter().enumerate();
    let available: Vec<_> = bits.filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, (_, kind))| kind).collect();
    let request = RouteRequest { priority, payload_bytes: payload, air_bytes: air };
    let route = table.route(&request, Kinds::of(&available));
    let all_at_once = match route.mode() {
        RouteMode::AllAtOnce => true,
        RouteMode::OneByOne => false,
    };
    let got = route.kinds().to_vec();
    Case { column, payload, air, available, multi_path, got, all_at_once }
}

fn matrix() -> Vec<Case> {
    ask(SIZES.map(|payload| (payload, payload + UNICAST)))
}

fn edges() -> Vec<Case> {
    ask(EDGES)
}

/// The order and the mode that these rows want; none when not exactly one row holds.
fn wanted(rows: &[Row], case: &Case) -> Option<(Vec<TransportKind>, bool)> {
    let mut holding = rows.iter().filter(|r| r.payload.contains(&case.payload) && r.air.contains(&case.air));
    let (Some(row), None) = (holding.next(), holding.next()) else { return None };
    let cell = row.cells[case.column];
    let medium = |letter| MEDIA.iter().find(|(l, _)| *l == letter).map(|(_, kind)| *kind);
    // "Then drop links that are inactive ...; order kept".
    let order = cell.chars().filter_map(medium).filter(|kind| case.available.contains(kind)).collect();
    Some((order, cell.ends_with('*') && case.multi_path))
}

fn agrees(rows: &[Row], case: &Case) -> bool {
    wanted(rows, case).is_some_and(|(order, all_at_once)| {
        order == case.got && (order.is_empty() || all_at_once == case.all_at_once)
    })
}

fn assert_agree(cases: &[Case]) {
    let wrong: Vec<_> = cases.iter().filter(|case| !agrees(&ORACLE, case)).collect();
    let line =
        |case: &&Case| format!("{:?}: {case:?}\n  wanted {:?}", COLUMNS[case.column], wanted(&ORACLE, case));
    let report: Vec<_> = wrong.iter().take(20).map(line).collect();
    assert!(wrong.is_empty(), "{} of {} cases disagree:\n{}", wrong.len(), cases.len(), report.join("\n"));
}

/// One range of a row.
type Part = fn(&mut Row) -> &mut RangeInclusive<usize>;

/// The oracle with the bound `edge` (first of the upper side) of the payload or of the air at `moved`.
fn with_edge(part: Part, edge: usize, moved: usize) -> [Row; 5] {
    ORACLE.map(|mut row| {
        let range = part(&mut row);
        let start = if *range.start() == edge { moved } else { *range.start() };
        let end = if *range.end() == edge - 1 { moved - 1 } else { *range.end() };
        *range = start..=end;
        row
    })
}

/// Wrong copies of one cell: two neighbours swapped, a medium gone, a medium too many, the other mode.
fn wrong_cells(cell: &str) -> Vec<String> {
    let (order, star) = cell.strip_suffix('*').map_or((cell, ""), |order| (order, "*"));
    let mut wrong = vec![if star.is_empty() { format!("{order}*") } else { order.to_owned() }];
    for at in 0..order.len() {
        wrong.push(format!("{}{}{star}", &order[..at], &order[at + 1..]));
        if at > 0 {
            let (a, b) = (&order[at - 1..at], &order[at..=at]);
            wrong.push(format!("{}{b}{a}{}{star}", &order[..at - 1], &order[at + 1..]));
        }
    }
    let missing = MEDIA.into_iter().filter(|(letter, _)| !order.contains(*letter));
    wrong.extend(missing.map(|(letter, _)| format!("{order}{letter}{star}")));
    wrong
}

#[test]
fn every_priority_size_and_set_of_media_takes_the_row_of_the_design() {
    assert_eq!(COLUMNS, Priority::ALL);
    let cases = matrix();
    assert_eq!(cases.len(), 5 * 10 * 32 * 2);
    assert_eq!(cases.len(), 3_200);
    assert_agree(&cases);
}

#[test]
fn the_bound_on_air_is_450_for_critical_alone() {
    let cases = edges();
    assert_eq!(cases.len(), 5 * 25 * 32 * 2);
    assert_eq!(cases.len(), 8_000);
    assert_agree(&cases);
}

/// K21: "critical = multi-path" is the rule; to forbid it is a choice.
#[test]
fn the_default_table_allows_multi_path() {
    let all = MEDIA.map(|(_, kind)| kind);
    let request = RouteRequest { priority: Priority::Critical, payload_bytes: 255, air_bytes: 255 + UNICAST };
    let route = Table::default().route(&request, Kinds::of(&all));
    assert_eq!(route.kinds(), all);
    assert!(matches!(route.mode(), RouteMode::AllAtOnce));
}

/// Negative control: no wrong copy of the oracle passes, whichever cell or bound is wrong.
#[test]
fn a_wrong_copy_of_the_oracle_is_noticed() {
    let cases: Vec<_> = matrix().into_iter().chain(edges()).collect();
    let passes = |rows: &[Row]| cases.iter().all(|case| agrees(rows, case));
    let mut copies = 0;
    for row in 0..ORACLE.len() {
        for (column, priority) in COLUMNS.into_iter().enumerate() {
            for wrong in wrong_cells(ORACLE[row].cells[column]) {
                let mut rows = ORACLE;
                let shown = format!("row {}, {priority:?}: {wrong}", row + 1);
                rows[row].cells[column] = wrong.leak();
                assert!(!passes(&rows), "not noticed: {shown}");
                copies += 1;
            }
        }
    }
    let bounds: [(Part, usize); 4] = [
        (|row| &mut row.payload, 256),
        (|row| &mut row.payload, KIB_64 + 1),
        (|row| &mut row.payload, MIB + 1),
        (|row| &mut row.air, 451),
    ];
    for (part, edge) in bounds {
        for moved in [edge - 1, edge + 1] {
            assert!(!passes(&with_edge(part, edge, moved)), "not noticed: bound {edge} at {moved}");
            copies += 1;
        }
    }
    // A cell of n media has 1 + n + (n - 1) + (5 - n) = n + 5 wrong copies; the cells hold 91 media.
    assert_eq!(copies, 91 + 25 * 5 + 8);
}

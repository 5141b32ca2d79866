use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::oracle::Verdict;
use crate::state::State;

/// All that a run came to.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) documents: usize,
    pub(crate) states: Vec<State>,
    pub(crate) verdict: Verdict,
    /// From heal to equal roots.
    pub(crate) heal: Option<Duration>,
    /// The same of each device, to the last version that it was to get.
    pub(crate) settled: Vec<Option<Duration>>,
    pub(crate) crossed_during_cut: u64,
    /// Whether the device that moved carried its changes over.
    pub(crate) moved_ok: bool,
    /// Whether the neighbourhoods held different things before the heal.
    pub(crate) parted: bool,
    /// Bytes that the cables carried, both ways.
    pub(crate) passed: u64,
    /// Bytes that each device sent and received over cables.
    pub(crate) internet: Vec<(u64, u64)>,
    /// Bytes that each device sent and received over its LAN.
    pub(crate) lan: Vec<(u64, u64)>,
    pub(crate) peers: Vec<String>,
    pub(crate) elapsed: Duration,
}

/// The line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    devices: usize,
    documents: usize,
    roots: Vec<&'a str>,
    acknowledged: usize,
    missing: usize,
    wrong_merges: usize,
    conflicts: usize,
    heal_ms: Option<u64>,
    bytes_sent: u64,
    crossed_during_cut: u64,
    converged: bool,
    links: Links,
    moved_ok: bool,
}

/// Bytes over each link.
#[derive(Serialize)]
struct Links {
    internet: u64,
    lan: u64,
}

impl Outcome {
    /// Whether all hold the same.
    pub(crate) fn converged(&self) -> bool {
        self.states.windows(2).all(|pair| matches!(pair, [a, b] if a.root == b.root))
    }

    /// Whether the run showed what it is to show.
    pub(crate) fn is_good(&self) -> bool {
        let apart = self.crossed_during_cut == 0 && self.parted && self.moved_ok;
        self.converged() && self.heal.is_some() && self.verdict.is_good() && apart
    }

    pub(crate) fn json(&self) -> String {
        let line = Line {
            devices: self.states.len(),
            documents: self.documents,
            roots: self.states.iter().map(|state| state.root.as_str()).collect(),
            acknowledged: self.verdict.acknowledged,
            missing: self.verdict.missing,
            wrong_merges: self.verdict.wrong_merges,
            conflicts: self.verdict.conflicts,
            heal_ms: self.heal.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            bytes_sent: self.passed + self.near(),
            crossed_during_cut: self.crossed_during_cut,
            converged: self.converged(),
            links: Links { internet: self.passed, lan: self.near() },
            moved_ok: self.moved_ok,
        };
        // Numbers and text always serialise.
        serde_json::to_string(&line).unwrap_or_default()
    }

    /// Bytes that were sent over LANs.
    fn near(&self) -> u64 {
        self.lan.iter().map(|(sent, _)| sent).sum()
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut out = String::new();
        let mut rows = vec![HEADER.map(str::to_owned).to_vec()];
        rows.extend(self.states.iter().enumerate().map(|(at, state)| self.row(at, state)));
        let width = |column: usize| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths: Vec<usize> = (0..HEADER.len()).map(width).collect();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
                line.push_str(&format!("{cell}{pad}  "));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        let Verdict { acknowledged, missing, wrong_merges, conflicts, kept, gone, .. } = &self.verdict;
        let (passed, near) = (bytes(self.passed), bytes(self.near()));
        // Writing to a text never fails.
        let _ = write!(
            out,
            "\n{acknowledged} acknowledged writes, {missing} missing; {wrong_merges} wrong merges; {conflicts} documents \
             with conflicts merged;\ncommits in flight at the kill: {kept} kept whole, {gone} left nothing; {passed} over the \
             cables\nand {near} over LANs, {} B between the neighbourhoods during the cut; {:.1} s in all\n",
            self.crossed_during_cut,
            self.elapsed.as_secs_f64(),
        );
        for finding in &self.verdict.findings {
            let _ = writeln!(out, "  ! {finding}");
        }
        if !self.moved_ok {
            let _ = writeln!(out, "  ! the device that moved did not carry its changes over");
        }
        if !self.parted {
            let _ = writeln!(out, "  ! the neighbourhoods held the same during the cut");
        }
        let verdict = if self.is_good() { "CONVERGED: nothing was lost" } else { "NOT GOOD" };
        let _ = write!(out, "{verdict}");
        out
    }

    fn row(&self, at: usize, state: &State) -> Vec<String> {
        let received: Vec<String> = self
            .peers
            .iter()
            .enumerate()
            .filter(|(peer, _)| *peer != at)
            .map(|(peer, id)| (peer, state.received.get(id).copied().unwrap_or_default()))
            .filter(|(_, versions)| *versions > 0)
            .map(|(peer, versions)| format!("d{}:{versions}", peer + 1))
            .collect();
        let both = |link: &[(u64, u64)]| {
            let (sent, got) = link.get(at).copied().unwrap_or_default();
            format!("{}/{}", mebibytes(sent), mebibytes(got))
        };
        let settled = self.settled.get(at).copied().flatten();
        vec![
            format!("d{}", at + 1),
            state.documents.len().to_string(),
            state.received.get("").copied().unwrap_or_default().to_string(),
            received.join(" "),
            both(&self.internet),
            both(&self.lan),
            state.root.chars().rev().take(ROOT_CHARS).collect::<Vec<_>>().into_iter().rev().collect(),
            settled.map_or_else(|| "-".to_owned(), |took| format!("{} ms", took.as_millis())),
            state.documents.values().filter(|shown| shown.conflicts).count().to_string(),
        ]
    }
}

fn mebibytes(count: u64) -> String {
    format!("{}.{:02}", count / 1_048_576, count % 1_048_576 * 100 / 1_048_576)
}

fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{} KiB", count / 1024),
        _ => format!("{}.{} MiB", count / 1_048_576, count % 1_048_576 * 10 / 1_048_576),
    }
}

const HEADER: [&str; 9] =
    ["device", "shown", "wrote", "received from", "internet MiB", "LAN MiB", "root", "healed", "conflicts"];

/// The end of a root is as telling as the whole.
const ROOT_CHARS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(roots: &[&str]) -> Outcome {
        let state = |root: &&str| State { root: (*root).to_owned(), ..State::default() };
        Outcome {
            documents: 10,
            states: roots.iter().map(state).collect(),
            verdict: Verdict::default(),
            heal: Some(Duration::from_millis(1234)),
            settled: vec![Some(Duration::from_millis(1000)); roots.len()],
            crossed_during_cut: 0,
            moved_ok: true,
            parted: true,
            passed: 3 * 1_048_576 / 2,
            internet: vec![(10, 2 * 1_048_576); roots.len()],
            lan: vec![(1024, 1024); roots.len()],
            peers: vec!["a".into(), "b".into()],
            elapsed: Duration::from_secs(9),
        }
    }

    #[test]
    fn only_equal_roots_without_loss_error_or_crossing_are_good() {
        let good = outcome(&["r", "r"]);
        assert!(good.is_good());
        assert!(!outcome(&["r", "s"]).is_good());
        assert!(!Outcome { crossed_during_cut: 1, ..good.clone() }.is_good());
        assert!(!Outcome { moved_ok: false, ..good.clone() }.is_good());
        assert!(!Outcome { parted: false, ..good.clone() }.is_good());
        assert!(!Outcome { heal: None, ..good.clone() }.is_good());
        assert!(!Outcome { verdict: Verdict { missing: 1, ..Verdict::default() }, ..good.clone() }.is_good());
        assert!(!Outcome { verdict: Verdict { wrong_merges: 1, ..Verdict::default() }, ..good }.is_good());
    }

    #[test]
    fn the_line_of_json_has_every_figure() {
        let json: serde_json::Value = serde_json::from_str(&outcome(&["r", "s"]).json()).unwrap();
        assert_eq!(json["heal_ms"], 1234);
        assert_eq!(json["converged"], false);
        assert_eq!(json["roots"], serde_json::json!(["r", "s"]));
        assert_eq!(json["links"], serde_json::json!({ "internet": 1_572_864, "lan": 2048 }));
        assert_eq!((&json["bytes_sent"], &json["moved_ok"]), (&1_574_912.into(), &true.into()));
        assert_eq!(json.as_object().unwrap().len(), 13);
        let table = outcome(&["r", "r"]).table();
        assert!(table.contains("1.5 MiB over the cables\nand 2 KiB over LANs"), "{table}");
        assert!(table.contains("0.00/2.00") && table.contains("1000 ms"), "{table}");
    }
}

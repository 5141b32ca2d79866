//! What the documents take on disk: 10 000 of them, and ten times that for 100 000.

use std::path::Path;

use civic_figures::{Outcome, Series, beside, figure, progress};
use civic_types::cbor;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::local::{fill, pumps};
use crate::nodes::{Raw, document, key, node};

const DOCUMENTS: u64 = 10_000;
const SCALE: f64 = 10.0;
const WRITERS: usize = 64;

/// Sizes do not vary from round to round, so there is one.
pub async fn run() -> Outcome {
    let dir = tempfile::tempdir()?;
    progress("disk: one document a commit");
    let apart = dir.path().join("apart");
    let opened = node(&apart).start().await?;
    let collection = pumps(&opened).await?;
    stream::iter(0..DOCUMENTS)
        .map(|number| collection.set(key(number), document(number)))
        .buffer_unordered(WRITERS)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    opened.close().await?;
    progress("disk: a hundred documents a commit");
    let together = dir.path().join("together");
    let opened = node(&together).start().await?;
    fill(&pumps(&opened).await?, 0..DOCUMENTS).await?;
    opened.close().await?;
    progress("disk: SQLite alone");
    let alone = dir.path().join("alone");
    std::fs::create_dir(&alone)?;
    Raw::open(&alone)?.fill(DOCUMENTS)?;
    let theirs = megabytes(&alone)?;
    let peer = "rusqlite 0.41, the documents alone";
    let of = "100k small documents (10k x 10), sealed SQLite with versions and signatures";
    beside("disk", &format!("{of}, one a commit"), "MB", &megabytes(&apart)?, peer, &theirs);
    beside("disk-batched", &format!("{of}, a hundred a commit"), "MB", &megabytes(&together)?, peer, &theirs);
    let mut bytes = Series::default();
    let encoded: Result<Vec<usize>, _> =
        (0..DOCUMENTS).map(|number| Ok::<_, cbor::Error>(cbor::encode(&document(number))?.len())).collect();
    bytes.push(encoded?.iter().sum::<usize>() as f64 * SCALE / 1e6);
    figure("disk-documents", "the same documents as canonical CBOR, end to end", "MB", &bytes);
    Ok(())
}

/// Every file of the folder, scaled.
fn megabytes(dir: &Path) -> Outcome<Series> {
    let mut sum = 0;
    for entry in std::fs::read_dir(dir)? {
        sum += entry?.metadata()?.len();
    }
    let mut series = Series::default();
    series.push(sum as f64 * SCALE / 1e6);
    Ok(series)
}

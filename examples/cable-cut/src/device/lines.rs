use std::io::{BufRead, Read as _};

use tokio::sync::{mpsc, oneshot};

use crate::error::Error;
use crate::protocol::MAX_LINE;

/// What the parent says, and when it has gone.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) asks: mpsc::Receiver<Result<Vec<u8>, Error>>,
    /// Ends when the input does: whoever waits for anything else need not any longer.
    pub(super) gone: oneshot::Receiver<()>,
}

/// Reads standard input by a thread that nothing waits for.
pub(super) fn read_stdin() -> Lines {
    let ((send, asks), (here, gone)) = (mpsc::channel(QUEUED_LINES), oneshot::channel());
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        while let Some(line) = next(&mut input).transpose() {
            let last = line.is_err();
            if send.blocking_send(line).is_err() || last {
                return;
            }
        }
        drop(here);
    });
    Lines { asks, gone }
}

fn next(input: &mut impl BufRead) -> Result<Option<Vec<u8>>, Error> {
    let mut line = Vec::new();
    let mut bounded = input.by_ref().take(MAX_LINE as u64);
    bounded.read_until(b'\n', &mut line).map_err(Error::pipe("read what the parent asks"))?;
    match line.last() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) if line.len() >= MAX_LINE => Err(Error::LongLine { limit: MAX_LINE }),
        // The parent is gone in the middle of a line.
        Some(_) => Ok(None),
    }
}

const QUEUED_LINES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_the_input_and_may_not_be_endless() {
        let mut input: &[u8] = b"one\ntwo\nhalf";
        assert_eq!(next(&mut input).unwrap().unwrap(), b"one\n");
        assert_eq!(next(&mut input).unwrap().unwrap(), b"two\n");
        assert_eq!(next(&mut input).unwrap(), None);
        let long = vec![b'x'; MAX_LINE + 1];
        assert!(matches!(next(&mut long.as_slice()), Err(Error::LongLine { .. })));
    }
}

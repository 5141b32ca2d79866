//! Sources of randomness that a test can foretell.

use std::convert::Infallible;
use std::io;

use rand_chacha::ChaCha8Rng;
use rand_core::{SeedableRng, TryCryptoRng, TryRng};

/// The same stream for the same seed.
pub(crate) fn seeded(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Gives these bytes, and then no more: a test that asks for more is wrong.
#[derive(Debug)]
pub(crate) struct Stated(pub(crate) Vec<u8>);

impl TryRng for Stated {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let rest = self.0.split_off(bytes.len());
        bytes.copy_from_slice(&self.0);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Stated {}

/// Fills as often as it says, half a slice and no more the time after.
#[derive(Debug)]
pub(crate) struct Failing {
    pub(crate) fills: usize,
}

impl TryRng for Failing {
    type Error = io::Error;

    fn try_next_u32(&mut self) -> Result<u32, io::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, io::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), io::Error> {
        let Some(left) = self.fills.checked_sub(1) else {
            let half = bytes.len() / 2;
            bytes.iter_mut().take(half).for_each(|byte| *byte = 0xa5);
            return Err(io::Error::other("the well is dry"));
        };
        self.fills = left;
        bytes.fill(0x5a);
        Ok(())
    }
}

impl TryCryptoRng for Failing {}

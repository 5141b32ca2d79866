use std::sync::Arc;

use super::{Blinder, Engine, EngineOp, Snapshot};
use crate::adapter::{DurabilityProof, Maintain, Report};
use crate::batch::Durability;
use crate::error::Error;

macro_rules! forward {
    ($($pointer:ident)*) => {$(
        #[deny(clippy::missing_trait_methods)]
        impl<E: Engine + ?Sized> Engine for $pointer<E> {
            fn name(&self) -> &'static str {
                (**self).name()
            }

            fn write(&self, ops: &[EngineOp], durability: Durability) -> Result<(), Error> {
                (**self).write(ops, durability)
            }

            fn snapshot(&self) -> Result<Box<dyn Snapshot>, Error> {
                (**self).snapshot()
            }

            fn maintain(&self, task: Maintain) -> Result<Report, Error> {
                (**self).maintain(task)
            }

            fn proof(&self) -> DurabilityProof {
                (**self).proof()
            }

            fn blinder(&self) -> Option<Blinder> {
                (**self).blinder()
            }

            fn close(&self) -> Result<(), Error> {
                (**self).close()
            }
        }
    )*};
}

forward!(Arc Box);

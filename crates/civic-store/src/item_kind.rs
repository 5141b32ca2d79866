//! What one kind of item means: [`ItemKind`], the seam through which crates above add kinds.

use std::fmt::Debug;

use civic_types::item::{ItemId, SignedItem};

use crate::adapter::ReadView;
use crate::batch::WriteOp;
use crate::error::Error;

/// Admission and effect of one kind of item.
///
/// Both are called inside the write transaction with items whose signatures have been verified.
pub trait ItemKind: Debug + Send + Sync + 'static {
    /// The kind's number.
    fn kind(&self) -> u8;

    /// Whether the item may be kept: a function of the item and of items held, never of a clock or of the
    /// order of arrival.
    fn admit(&self, item: &SignedItem, view: &dyn ReadView) -> Admit;

    /// What keeping the item changes besides the item's own rows.
    ///
    /// # Errors
    ///
    /// [`Error`] drops the whole batch.
    fn apply(&self, item: &SignedItem, view: &dyn ReadView, out: &mut dyn WriteSink) -> Result<(), Error>;
}

/// The answer of [`ItemKind::admit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admit {
    /// Keep it.
    Admit,
    /// Wait, under quota, until these arrive.
    Park(Vec<ItemId>),
    /// Never.
    Reject(&'static str),
}

/// Takes the operations of [`ItemKind::apply`].
pub trait WriteSink {
    /// Adds an operation to the open batch.
    fn write(&mut self, op: WriteOp);
}

impl WriteSink for Vec<WriteOp> {
    fn write(&mut self, op: WriteOp) {
        self.push(op);
    }
}

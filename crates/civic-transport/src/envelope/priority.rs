use super::EnvelopeError;

/// Urgency; a claim of the sender, and the order of the queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Priority {
    /// Life and limb.
    Critical = 0,
    /// Before everyday traffic.
    High = 1,
    /// Everyday traffic.
    #[default]
    Normal = 2,
    /// May wait.
    Low = 3,
    /// Large and patient.
    Bulk = 4,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Normal, Self::Low, Self::Bulk];

    /// Its number on the wire, 0 to 4.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The priority of a number on the wire.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Priority`] above 4.
    pub fn from_code(code: u64) -> Result<Self, EnvelopeError> {
        match code {
            0 => Ok(Self::Critical),
            1 => Ok(Self::High),
            2 => Ok(Self::Normal),
            3 => Ok(Self::Low),
            4 => Ok(Self::Bulk),
            got => Err(EnvelopeError::Priority { got }),
        }
    }
}

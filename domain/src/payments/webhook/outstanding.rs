//! What a payment still waits for, and so whether it is listed as unfinished.

use super::{AmountBand, EventType, PaymentStatus};

/// What a payment waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outstanding {
    /// Its event is not published. Its sender was not told that it is taken, and is to send it again.
    Publication,
    /// It is published, and its risk is not assessed.
    Assessment,
}

impl Outstanding {
    /// What a payment as it stands waits for; nothing if all that can be seen of it is done. What becomes of payments that
    /// are not assessed leaves no trace in their table: their rules have a dead-letter queue.
    #[must_use]
    pub fn of(event_type: &EventType, band: AmountBand, status: PaymentStatus, is_published: bool) -> Option<Self> {
        // Whoever assessed it learned of it by its event.
        if !event_type.is_routed() || status == PaymentStatus::Analyzed {
            None
        } else if !is_published {
            Some(Self::Publication)
        } else {
            (band == AmountBand::High).then_some(Self::Assessment)
        }
    }

    /// The stable text in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publication => "publication",
            Self::Assessment => "assessment",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_is_finished_when_it_is_published_and_a_high_one_when_it_is_assessed() {
        use AmountBand::{High, Low, Medium};
        use PaymentStatus::{Analyzed, Pending};
        let routed = EventType::default();
        let other = EventType::named("refund.created").unwrap();
        for (band, status, is_published, expected) in [
            (Low, Pending, false, Some("publication")),
            (Medium, Pending, false, Some("publication")),
            (High, Pending, false, Some("publication")),
            (Low, Pending, true, None),
            (Medium, Pending, true, None),
            (High, Pending, true, Some("assessment")),
            (High, Analyzed, true, None),
            (High, Analyzed, false, None),
        ] {
            let found = Outstanding::of(&routed, band, status, is_published).map(Outstanding::as_str);
            assert_eq!(found, expected, "{band:?} {status:?} {is_published}");
            assert_eq!(Outstanding::of(&other, band, status, is_published), None, "it goes nowhere");
        }
    }
}

//! The outstanding step of a payment, which decides whether it is listed as unfinished.

use super::{AmountBand, EventType, PaymentStatus};

/// The outstanding step of a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outstanding {
    /// Its event is not published. The provider got no success response and is expected to send it again.
    Publication,
    /// It is published, and its risk is not assessed.
    Assessment,
}

impl Outstanding {
    /// The outstanding step; none if every step recorded in the table is done. The delivery of payments of the other
    /// bands is not recorded there: their rules have a dead-letter queue.
    #[must_use]
    pub fn of(event_type: &EventType, band: AmountBand, status: PaymentStatus, is_published: bool) -> Option<Self> {
        // It was assessed because of its event, so that was published.
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
    fn a_payment_is_finished_once_published_or_assessed() {
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
            assert_eq!(Outstanding::of(&other, band, status, is_published), None, "it is not routed");
        }
    }
}

//! What becomes of a delivery, given what is known of its payment.

use crate::ContentDigest;

/// Who publishes a payment has this long for it, in milliseconds. After that, whoever delivers the payment again may.
/// It is longer than the calls that it needs may take.
pub const PUBLICATION_MILLISECONDS_MAX: u64 = 20_000;

/// What is known of a payment that was delivered before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownPayment {
    /// What its content was.
    pub digest: ContentDigest,
    /// How far it came.
    pub stage: Stage,
}

/// How far a delivered payment came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It is stored, and until this time, in milliseconds since 1970, somebody is publishing it.
    Publishing {
        /// The end of that time.
        until_ms: u64,
    },
    /// Nothing is left to do: it is published, or its event is not one that goes anywhere.
    Done,
    /// It was archived, and is remembered until this time, in milliseconds since 1970.
    Archived {
        /// The end of that time.
        until_ms: u64,
    },
}

/// What becomes of a delivery of a known payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// Its content is another one: it is refused.
    Conflict,
    /// It is answered as before, and nothing is done.
    Repeat,
    /// Somebody is publishing the payment: what becomes of that has to be seen before it can be answered.
    Wait,
    /// Whoever began to publish the payment has vanished: it is published now.
    Publish,
    /// What is remembered has ended: it is stored like a new one.
    Store,
}

impl KnownPayment {
    /// What becomes of a delivery with the content `digest`.
    #[must_use]
    pub fn on_delivery(&self, digest: &ContentDigest, now_ms: u64) -> Delivery {
        match self.stage {
            Stage::Archived { until_ms } if now_ms >= until_ms => Delivery::Store,
            _ if self.digest != *digest => Delivery::Conflict,
            Stage::Done | Stage::Archived { .. } => Delivery::Repeat,
            Stage::Publishing { until_ms } if now_ms < until_ms => Delivery::Wait,
            Stage::Publishing { .. } => Delivery::Publish,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_one_answer_for_the_same_content_and_one_for_another() {
        use Delivery::{Conflict, Publish, Repeat, Store, Wait};
        for (stage, same, other) in [
            (Stage::Done, Repeat, Conflict),
            (Stage::Publishing { until_ms: 1001 }, Wait, Conflict),
            (Stage::Publishing { until_ms: 1000 }, Publish, Conflict),
            (Stage::Archived { until_ms: 1001 }, Repeat, Conflict),
            (Stage::Archived { until_ms: 1000 }, Store, Store),
        ] {
            let known = KnownPayment { digest: ContentDigest::of(b"a"), stage };
            assert_eq!(known.on_delivery(&ContentDigest::of(b"a"), 1000), same, "{stage:?}");
            assert_eq!(known.on_delivery(&ContentDigest::of(b"b"), 1000), other, "{stage:?}");
        }
    }
}

//! How a delivery is handled, given what is known about its payment.

use crate::ContentDigest;

/// How long a delivery may take to publish a payment, in milliseconds. After that, another delivery of the payment
/// takes over. It is longer than the timeouts of the calls.
pub const PUBLICATION_MILLISECONDS_MAX: u64 = 20_000;

/// What is known about a payment that was delivered before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownPayment {
    /// The digest of its content.
    pub digest: ContentDigest,
    /// Its stage.
    pub stage: Stage,
}

/// The stage of a delivered payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It is stored, and a delivery may publish it until this time, in milliseconds since 1970.
    Publishing {
        /// The end of that time.
        until_ms: u64,
    },
    /// Nothing is left to do: it is published, or its type is not routed.
    Done,
    /// It was archived, and its tombstone is valid until this time, in milliseconds since 1970.
    Archived {
        /// The end of that time.
        until_ms: u64,
    },
}

/// How to handle a delivery of a known payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// Reject it: its content differs.
    Conflict,
    /// Respond as before and do nothing.
    Repeat,
    /// Another delivery is publishing the payment: wait for the outcome before responding.
    Wait,
    /// The delivery that began to publish the payment did not finish: publish it now.
    Publish,
    /// The tombstone has expired: store it as a new payment.
    Store,
}

impl KnownPayment {
    /// How to handle a delivery with the content `digest`.
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
    fn a_delivery_is_handled_by_its_stage_and_content() {
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

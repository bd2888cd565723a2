//! Known cases: each failed once, and is played here step by step, before the rounds.

use super::world::World;
use super::{known_files as files, known_payments as payments};

/// One case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Case {
    ReprocessGivenUp,
    CompletedStaysVisible,
    RejectedStaysVisible,
    AcceptedStaysAccepted,
    ClocksApart,
    SourcesApart,
    ReprocessRepeated,
    RetiredIsAssessed,
    OtherEventFirst,
    OtherEventLater,
    RetiredIsArchived,
}

impl Case {
    /// All of them. The one that delays the archival comes last.
    pub(super) const ALL: [Self; 11] = [
        Self::ReprocessGivenUp,
        Self::CompletedStaysVisible,
        Self::RejectedStaysVisible,
        Self::AcceptedStaysAccepted,
        Self::ClocksApart,
        Self::SourcesApart,
        Self::ReprocessRepeated,
        Self::RetiredIsAssessed,
        Self::OtherEventFirst,
        Self::OtherEventLater,
        Self::RetiredIsArchived,
    ];

    /// Plays it and judges it. `number` is in all its names.
    pub(super) async fn play(self, world: &World, number: u64) {
        match self {
            Self::ReprocessGivenUp => files::an_abandoned_reprocess_has_no_effect(world, number).await,
            Self::CompletedStaysVisible => files::a_completed_file_stays_visible(world, number).await,
            Self::RejectedStaysVisible => files::a_rejected_file_stays_visible(world, number).await,
            Self::AcceptedStaysAccepted => files::a_repeat_does_not_reject_an_accepted_file(world, number).await,
            Self::ClocksApart => files::a_correction_wins_whatever_the_clocks(world, number).await,
            Self::SourcesApart => files::a_correction_wins_across_sources(world, number).await,
            Self::ReprocessRepeated => files::a_repeated_reprocess_does_nothing(world, number).await,
            Self::RetiredIsAssessed => payments::a_retired_currency_stops_no_assessment(world, number).await,
            Self::OtherEventFirst => payments::another_event_may_come_first(world, number).await,
            Self::OtherEventLater => payments::another_event_may_come_later(world, number).await,
            Self::RetiredIsArchived => payments::a_retired_currency_is_archived(world, number).await,
        }
    }
}

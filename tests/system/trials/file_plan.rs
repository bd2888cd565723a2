//! The actions of a partner on the files of a round, and their order: waves, each of which waits for the one before it.

use super::chance::Chance;
use super::planned_file::PlannedFile;

/// The control totals that are sent with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Totals {
    Absent,
    Right,
    Wrong,
}

/// How a file is sent to be processed again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Again {
    Upload,
    Presigned,
    /// An upload is created, and never used.
    GivenUp,
}

/// An action on a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// `POST /upload`.
    Upload(Totals),
    /// `POST /uploads`, and the bytes to the URL.
    Presigned,
    /// `POST /uploads` alone.
    Create,
    /// The bytes to an earlier URL.
    LatePut,
    /// The same, but to be processed again. The sender waits for a completed file.
    Reprocess(Again),
    /// The request for that, repeated.
    RepeatReprocess,
    /// The bytes straight into the bucket.
    PutToBucket,
}

/// One step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Which of the files.
    pub(super) file: usize,
    pub(super) act: Act,
    /// How long it waits within its wave.
    pub(super) wait_ms: u64,
}

pub(super) type Wave = Vec<Step>;

/// The gap between some of a bucket partner's puts, so that their order can be judged.
const APART_MS: u64 = 2_100;

/// The actions on these files. `may_put`: the partner may put files into the bucket.
pub(super) fn plan(files: &[PlannedFile], may_put: bool, chance: &mut Chance) -> Vec<Wave> {
    let mut steps: Vec<Step> =
        (0..files.len()).map(|file| step(file, first_act(&files[file], may_put, chance), chance)).collect();
    for _ in 0..chance.between(0, 5) {
        let file = chance.index(files.len());
        steps.push(step(file, later_act(&files[file], may_put, chance), chance));
    }
    let mut waves = Vec::new();
    while !steps.is_empty() {
        let size = if chance.percent(40) { steps.len().min(3) } else { 1 };
        waves.push(steps.drain(..size).collect());
    }
    waves
}

/// One file, uploaded once.
pub(super) fn upload_alone() -> Vec<Wave> {
    vec![vec![Step { file: 0, act: Act::Upload(Totals::Absent), wait_ms: 0 }]]
}

fn step(file: usize, act: Act, chance: &mut Chance) -> Step {
    let waits = act == Act::PutToBucket && chance.percent(40);
    Step { file, act, wait_ms: if waits { APART_MS } else { 0 } }
}

fn first_act(file: &PlannedFile, may_put: bool, chance: &mut Chance) -> Act {
    if may_put && !file.is_at_edge && chance.percent(35) {
        return Act::PutToBucket;
    }
    let act = match chance.between(0, 99) {
        0..=59 => Act::Upload(totals(chance)),
        60..=84 => Act::Presigned,
        85..=92 => Act::Create,
        _ => Act::Upload(Totals::Wrong),
    };
    fit(act, file)
}

fn later_act(file: &PlannedFile, may_put: bool, chance: &mut Chance) -> Act {
    let act = match chance.between(0, 99) {
        0..=23 => Act::Upload(totals(chance)),
        24..=28 => Act::Upload(Totals::Wrong),
        29..=37 => Act::Presigned,
        38..=47 => Act::Create,
        48..=58 => Act::LatePut,
        59..=70 => Act::Reprocess(Again::Upload),
        71..=78 => Act::Reprocess(Again::Presigned),
        79..=86 => Act::Reprocess(Again::GivenUp),
        87..=95 => Act::RepeatReprocess,
        _ if may_put => Act::PutToBucket,
        _ => Act::Create,
    };
    fit(act, file)
}

/// An invalid file needs no wrong control totals. The sender must know the result of a file whose validity depends on a
/// clock.
fn fit(act: Act, file: &PlannedFile) -> Act {
    match act {
        Act::Upload(_) if file.is_bad || file.is_at_edge => Act::Upload(Totals::Absent),
        Act::Presigned | Act::LatePut | Act::PutToBucket if file.is_at_edge => Act::Upload(Totals::Absent),
        act => act,
    }
}

fn totals(chance: &mut Chance) -> Totals {
    if chance.percent(30) { Totals::Right } else { Totals::Absent }
}

//! The protocol of the archival, on paper, explored to its end.
//!
//! A run takes the lease, settles the object that an earlier run has announced and not finished, and then, as long as it
//! finds payments that are due: reads them, announces an object (a durable intent, of which there is one at most), stores
//! it unless something lies under its key, reads it back, replaces by a tombstone each row that stands exactly as its line
//! says, and takes the announcement back. To settle an object is to store an empty one under its key, unless something
//! lies there, and then to go on as whoever stored it would have. That first step decides for ever whether the object is
//! there: a run that vanished, and whose bytes are still on their way, can then no longer store it.
//!
//! The model has two rows that may change once, at any time, and three runs. Every step that touches the table or the
//! bucket is atomic there, so it is a step here, and every order of steps is tried. A run may be killed anywhere: it then
//! takes no further step, which is one of the orders. It may also go on after it was overtaken; the lease is not relied
//! upon to prevent that, so that here any run may take it at any time.

use std::collections::HashSet;

const ROWS: usize = 2;
const RUNS: usize = 3;
/// Each run may store each row in an object of its own, and so may the last one, which tidies up.
const OBJECTS: usize = (RUNS + 1) * ROWS;

/// A payment's row, with how often it has changed; or its tombstone, with what the row was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Row {
    Standing(u8),
    Buried(u8),
}

/// For each row, what an object says of it.
type Lines = [Option<u8>; ROWS];

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Stage {
    Waiting,
    /// The object that was announced before is to be decided on.
    Fence(usize),
    /// A row is to be read, and compared with its line.
    Compare(usize, usize),
    /// A row that stood as its line says is to be buried.
    Bury(usize, usize),
    /// The announcement is to be taken back.
    Settled(usize),
    /// Rows are read from this one on; or an object is announced with those that were read.
    Collect(usize),
    Store(usize),
    Verify(usize),
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Run {
    stage: Stage,
    lines: Lines,
    /// Where it goes on to read rows.
    next: usize,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct World {
    rows: [Row; ROWS],
    /// By their place in time.
    objects: [Option<Lines>; OBJECTS],
    lease: Option<usize>,
    announced: Option<usize>,
    announcements: usize,
    runs: [Run; RUNS + 1],
}

/// The protocol, and what it would be without one of its parts.
#[derive(Clone, Copy)]
struct Protocol {
    /// An object that was announced is decided on by storing an empty one, rather than by looking.
    fences: bool,
    /// A row is buried only if it has not changed since it was read.
    compares: bool,
    /// The announcement comes before the object.
    announces: bool,
}

const OURS: Protocol = Protocol { fences: true, compares: true, announces: true };

impl World {
    fn new() -> Self {
        let run = Run { stage: Stage::Waiting, lines: [None; ROWS], next: 0 };
        Self {
            rows: [Row::Standing(0); ROWS],
            objects: [None; OBJECTS],
            lease: None,
            announced: None,
            announcements: 0,
            runs: [run; RUNS + 1],
        }
    }

    /// Every world that one step of `run` may lead to.
    fn steps_of(&self, run: usize, protocol: Protocol) -> Vec<Self> {
        let mut after = self.clone();
        let Run { stage, lines, next } = self.runs[run];
        let is_mine = self.lease == Some(run);
        let go = |mut world: Self, stage| {
            world.runs[run].stage = stage;
            vec![world]
        };
        match stage {
            Stage::Ended => Vec::new(),
            Stage::Waiting => {
                after.lease = Some(run);
                let stage = self.announced.map_or(Stage::Collect(0), Stage::Fence);
                go(after, stage)
            }
            Stage::Fence(object) if self.objects[object].is_some() => go(after, Stage::Compare(object, 0)),
            Stage::Fence(object) => {
                if protocol.fences {
                    after.objects[object] = Some([None; ROWS]);
                }
                go(after, Stage::Settled(object))
            }
            Stage::Compare(object, row) => {
                let line = self.objects[object].and_then(|lines| lines[row]);
                let stands = line.is_some_and(|line| self.rows[row] == Row::Standing(line));
                go(after, if stands { Stage::Bury(object, row) } else { Self::after_row(object, row) })
            }
            Stage::Bury(object, row) => {
                let line = self.objects[object].and_then(|lines| lines[row]).unwrap_or_default();
                match self.rows[row] {
                    Row::Standing(now) if now == line || !protocol.compares => after.rows[row] = Row::Buried(now),
                    Row::Standing(_) | Row::Buried(_) => {}
                }
                go(after, Self::after_row(object, row))
            }
            Stage::Settled(_) if !is_mine => go(after, Stage::Ended),
            Stage::Settled(_) => {
                after.announced = None;
                go(after, Stage::Collect(next))
            }
            Stage::Collect(row) => {
                let mut worlds = Vec::new();
                if row < ROWS {
                    let mut world = after.clone();
                    if let Row::Standing(now) = self.rows[row] {
                        world.runs[run].lines[row] = Some(now);
                    }
                    world.runs[run].next = row + 1;
                    worlds.extend(go(world, Stage::Collect(row + 1)));
                }
                if lines != [None; ROWS] {
                    worlds.extend(if is_mine {
                        after.announced = protocol.announces.then_some(self.announcements);
                        after.announcements += 1;
                        go(after, Stage::Store(self.announcements))
                    } else {
                        go(after, Stage::Ended)
                    });
                } else if row == ROWS {
                    after.lease = self.lease.filter(|_| !is_mine);
                    worlds.extend(go(after, Stage::Ended));
                }
                worlds
            }
            Stage::Store(object) => {
                after.objects[object] = self.objects[object].or(Some(lines));
                go(after, Stage::Verify(object))
            }
            Stage::Verify(object) => {
                let stored = self.objects[object] == Some(lines);
                after.runs[run].lines = [None; ROWS];
                go(after, if stored { Stage::Compare(object, 0) } else { Stage::Ended })
            }
        }
    }

    fn after_row(object: usize, row: usize) -> Stage {
        if row + 1 < ROWS { Stage::Compare(object, row + 1) } else { Stage::Settled(object) }
    }

    /// Every world that the next step of anybody may lead to.
    fn steps(&self, protocol: Protocol) -> Vec<Self> {
        let runs = (0..RUNS).flat_map(|run| self.steps_of(run, protocol));
        let changes = (0..ROWS).filter(|row| self.rows[*row] == Row::Standing(0)).map(|row| {
            let mut world = self.clone();
            world.rows[row] = Row::Standing(1);
            world
        });
        runs.chain(changes).collect()
    }

    /// What a reader of the archive takes for a row: the line in the last object that has one.
    fn read(&self, row: usize) -> Option<u8> {
        self.objects.iter().rev().flatten().find_map(|lines| lines[row])
    }

    fn check(&self) -> Result<(), &'static str> {
        for (row, standing) in self.rows.iter().enumerate() {
            if let Row::Buried(last) = standing
                && self.read(row) != Some(*last)
            {
                return Err("what a row was when it was buried is not what the archive says");
            }
            for state in 0..=1 {
                let lines = self.objects.iter().flatten().filter(|lines| lines[row] == Some(state));
                if lines.count() > 1 {
                    return Err("a row is archived twice in the same state");
                }
            }
        }
        Ok(())
    }

    /// What the world is after a last run, which nothing disturbs.
    fn tidied(&self, protocol: Protocol) -> Self {
        let mut world = self.clone();
        // It reads all rows before it announces an object, as the first of its possible steps is always to read on.
        while let Some(next) = world.steps_of(RUNS, protocol).into_iter().next() {
            world = next;
        }
        world
    }
}

/// Tries every order of steps. Returns how many worlds there are, or the first error in one.
fn explore(protocol: Protocol) -> Result<usize, &'static str> {
    let mut seen = HashSet::from([World::new()]);
    let mut ahead = vec![World::new()];
    while let Some(world) = ahead.pop() {
        world.check()?;
        let tidied = world.tidied(protocol);
        tidied.check()?;
        if tidied.rows.iter().any(|row| matches!(row, Row::Standing(_))) || tidied.announced.is_some() {
            return Err("a run that nothing disturbs leaves something undone");
        }
        for next in world.steps(protocol) {
            if seen.insert(next.clone()) {
                ahead.push(next);
            }
        }
    }
    Ok(seen.len())
}

#[test]
fn killed_and_overtaken_anywhere_each_state_of_a_payment_is_archived_once_and_none_is_lost() {
    let worlds = explore(OURS).unwrap();
    assert!(worlds > 100_000, "{worlds}");
}

#[test]
fn without_any_of_its_parts_the_protocol_fails() {
    let twice = Err("a row is archived twice in the same state");
    let differs = Err("what a row was when it was buried is not what the archive says");
    assert_eq!(explore(Protocol { fences: false, ..OURS }), twice);
    assert_eq!(explore(Protocol { announces: false, ..OURS }), twice);
    assert_eq!(explore(Protocol { compares: false, ..OURS }), differs);
}

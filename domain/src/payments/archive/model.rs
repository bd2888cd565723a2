//! A model of the archival protocol that checks every order of steps.
//!
//! A run claims the lease and settles the object that an earlier run registered and did not finish. Then, as long as
//! payments are due, it reads them, registers an object (a durable intent, of which there is one at most), stores it
//! unless the key exists, reads it back, replaces by a tombstone each row that equals its line, and removes the
//! registration. To settle an object, a run stores an empty one under its key unless the key exists, and then continues
//! as the run that stored it would have. That first step decides permanently whether the object has payments: a run
//! that lost the lease, and whose bytes may still be in transit, can no longer store it.
//!
//! The model has two rows that may change once, at any time, and three runs. Every call to the table or the bucket is
//! atomic, so it is one step, and every order of steps is tried. A run may be killed at any point: it then makes no
//! further step, which is one of the orders. It may also continue after it lost the lease; the protocol does not depend
//! on the lease, so here any run may claim it at any time.

use std::collections::HashSet;

const ROWS: usize = 2;
const RUNS: usize = 3;
/// Each run, and the final one, may store each row in an object of its own.
const OBJECTS: usize = (RUNS + 1) * ROWS;

/// The row of a payment, with its revision; or its tombstone, with the revision of the row that it replaced.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Row {
    Payment(u8),
    Tombstone(u8),
}

/// For each row, its revision in an object.
type Lines = [Option<u8>; ROWS];

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Stage {
    Waiting,
    /// Decide whether the registered object of an earlier run has payments.
    Fence(usize),
    /// Read a row and compare it with its line.
    Compare(usize, usize),
    /// Replace a row that equals its line by a tombstone.
    Replace(usize, usize),
    /// Remove the registration.
    Settled(usize),
    /// Read rows from this one on, or register an object with those that were read.
    Collect(usize),
    Store(usize),
    Verify(usize),
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Run {
    stage: Stage,
    lines: Lines,
    /// The next row to read.
    next: usize,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct State {
    rows: [Row; ROWS],
    /// In the order of their times.
    objects: [Option<Lines>; OBJECTS],
    lease: Option<usize>,
    registered: Option<usize>,
    registrations: usize,
    runs: [Run; RUNS + 1],
}

/// The protocol, with each of its parts on or off.
#[derive(Clone, Copy)]
struct Protocol {
    /// A registered object is decided by storing an empty one rather than by reading.
    fences: bool,
    /// A row is replaced only if it has not changed since it was read.
    compares: bool,
    /// An object is registered before it is stored.
    registers: bool,
}

const COMPLETE: Protocol = Protocol { fences: true, compares: true, registers: true };

impl State {
    fn new() -> Self {
        let run = Run { stage: Stage::Waiting, lines: [None; ROWS], next: 0 };
        Self {
            rows: [Row::Payment(0); ROWS],
            objects: [None; OBJECTS],
            lease: None,
            registered: None,
            registrations: 0,
            runs: [run; RUNS + 1],
        }
    }

    /// Every state after one step of `run`.
    fn steps_of(&self, run: usize, protocol: Protocol) -> Vec<Self> {
        let mut after = self.clone();
        let Run { stage, lines, next } = self.runs[run];
        let is_mine = self.lease == Some(run);
        let go = |mut state: Self, stage| {
            state.runs[run].stage = stage;
            vec![state]
        };
        match stage {
            Stage::Ended => Vec::new(),
            Stage::Waiting => {
                after.lease = Some(run);
                let stage = self.registered.map_or(Stage::Collect(0), Stage::Fence);
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
                let is_equal = line.is_some_and(|line| self.rows[row] == Row::Payment(line));
                go(after, if is_equal { Stage::Replace(object, row) } else { Self::after_row(object, row) })
            }
            Stage::Replace(object, row) => {
                let line = self.objects[object].and_then(|lines| lines[row]).unwrap_or_default();
                match self.rows[row] {
                    Row::Payment(now) if now == line || !protocol.compares => after.rows[row] = Row::Tombstone(now),
                    Row::Payment(_) | Row::Tombstone(_) => {}
                }
                go(after, Self::after_row(object, row))
            }
            Stage::Settled(_) if !is_mine => go(after, Stage::Ended),
            Stage::Settled(_) => {
                after.registered = None;
                go(after, Stage::Collect(next))
            }
            Stage::Collect(row) => {
                let mut states = Vec::new();
                if row < ROWS {
                    let mut state = after.clone();
                    if let Row::Payment(now) = self.rows[row] {
                        state.runs[run].lines[row] = Some(now);
                    }
                    state.runs[run].next = row + 1;
                    states.extend(go(state, Stage::Collect(row + 1)));
                }
                if lines != [None; ROWS] {
                    states.extend(if is_mine {
                        after.registered = protocol.registers.then_some(self.registrations);
                        after.registrations += 1;
                        go(after, Stage::Store(self.registrations))
                    } else {
                        go(after, Stage::Ended)
                    });
                } else if row == ROWS {
                    after.lease = self.lease.filter(|_| !is_mine);
                    states.extend(go(after, Stage::Ended));
                }
                states
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

    /// Every state after one step of any run, or one change of a row.
    fn steps(&self, protocol: Protocol) -> Vec<Self> {
        let runs = (0..RUNS).flat_map(|run| self.steps_of(run, protocol));
        let changes = (0..ROWS).filter(|row| self.rows[*row] == Row::Payment(0)).map(|row| {
            let mut state = self.clone();
            state.rows[row] = Row::Payment(1);
            state
        });
        runs.chain(changes).collect()
    }

    /// What a reader of the archive finds for a row: the line in the last object that has one.
    fn read(&self, row: usize) -> Option<u8> {
        self.objects.iter().rev().flatten().find_map(|lines| lines[row])
    }

    fn check(&self) -> Result<(), &'static str> {
        for (row, state) in self.rows.iter().enumerate() {
            if let Row::Tombstone(last) = state
                && self.read(row) != Some(*last)
            {
                return Err("a replaced row differs from the archive");
            }
            for revision in 0..=1 {
                let lines = self.objects.iter().flatten().filter(|lines| lines[row] == Some(revision));
                if lines.count() > 1 {
                    return Err("a revision of a row is archived twice");
                }
            }
        }
        Ok(())
    }

    /// The state after a final, undisturbed run.
    fn completed(&self, protocol: Protocol) -> Self {
        let mut state = self.clone();
        // It reads all rows before it registers an object, because the first of its possible steps is always to read
        // on.
        while let Some(next) = state.steps_of(RUNS, protocol).into_iter().next() {
            state = next;
        }
        state
    }
}

/// Tries every order of steps. Returns the number of states, or the first error.
fn explore(protocol: Protocol) -> Result<usize, &'static str> {
    let mut seen = HashSet::from([State::new()]);
    let mut ahead = vec![State::new()];
    while let Some(state) = ahead.pop() {
        state.check()?;
        let completed = state.completed(protocol);
        completed.check()?;
        if completed.rows.iter().any(|row| matches!(row, Row::Payment(_))) || completed.registered.is_some() {
            return Err("an undisturbed run leaves something undone");
        }
        for next in state.steps(protocol) {
            if seen.insert(next.clone()) {
                ahead.push(next);
            }
        }
    }
    Ok(seen.len())
}

#[test]
fn each_revision_is_archived_once_in_every_order_of_steps() {
    let states = explore(COMPLETE).unwrap();
    assert!(states > 100_000, "{states}");
}

#[test]
fn every_part_of_the_protocol_is_needed() {
    let twice = Err("a revision of a row is archived twice");
    let differs = Err("a replaced row differs from the archive");
    assert_eq!(explore(Protocol { fences: false, ..COMPLETE }), twice);
    assert_eq!(explore(Protocol { registers: false, ..COMPLETE }), twice);
    assert_eq!(explore(Protocol { compares: false, ..COMPLETE }), differs);
}

//! A gate between an operator and the cloud, which lets everything pass but the workflows that the operator starts.

use crate::aws::Cloud;
use crate::person_at;
use crate::process::Person;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// The call that waits.
const START: &str = "StartSyncExecution";

/// What waits at a closed gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Holds {
    /// The call, before anything has happened.
    Calls,
    /// The answer, when everything has happened.
    Answers,
}

/// The gate. Its end opens it.
pub(crate) struct Gate {
    address: String,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: String,
    holds: Holds,
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    came: usize,
    is_open: bool,
}

impl Gate {
    pub(crate) fn that_holds(holds: Holds, cloud: &Cloud) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let upstream = cloud.text("endpoint").strip_prefix("http://").unwrap().to_owned();
        let shared = Arc::new(Shared { upstream, holds, state: Mutex::default(), opened: Condvar::new() });
        let of_listener = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, shared) = (connection.unwrap(), Arc::clone(&of_listener));
                // Whoever hangs up meanwhile was killed by its test.
                std::thread::spawn(move || drop(shared.pass(&connection)));
            }
        });
        Self { address, shared }
    }

    /// An operator on this side of it.
    pub(crate) fn person(&self, cloud: &Cloud) -> Person {
        person_at(&cloud.stack, &self.address)
    }

    /// How many have come to it.
    pub(crate) fn came(&self) -> usize {
        self.shared.state.lock().unwrap().came
    }

    pub(crate) fn open(&self) {
        self.shared.state.lock().unwrap().is_open = true;
        self.shared.opened.notify_all();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl Shared {
    /// Passes one request on, and its answer back.
    fn pass(&self, mut client: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(client);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
            if !name.eq_ignore_ascii_case("connection") {
                head.push_str(&line);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let waits = |holds| self.holds == holds && head.contains(START);
        if waits(Holds::Calls) {
            self.wait();
        }
        let mut server = TcpStream::connect(&self.upstream)?;
        server.write_all(format!("{head}connection: close\r\n\r\n").as_bytes())?;
        server.write_all(&body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        if waits(Holds::Answers) {
            self.wait();
        }
        client.write_all(&answer)
    }

    fn wait(&self) {
        let mut state = self.state.lock().unwrap();
        state.came += 1;
        drop(self.opened.wait_while(state, |state| !state.is_open).unwrap());
    }
}

//! A proxy between an operator and the cloud that can hold the calls that start workflows.

use crate::aws::Cloud;
use crate::process::User;
use crate::user_at;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// The call that is held.
const START: &str = "StartSyncExecution";

/// What a closed gate holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Holds {
    /// The call, before it has an effect.
    Calls,
    /// The response, after the effect.
    Responses,
}

/// The gate. Dropping it opens it.
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
    arrived: usize,
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
                // A client that disconnects was killed by its test.
                std::thread::spawn(move || drop(shared.pass(&connection)));
            }
        });
        Self { address, shared }
    }

    /// An operator who uses the gate.
    pub(crate) fn user(&self, cloud: &Cloud) -> User {
        user_at(&cloud.stack, &self.address)
    }

    /// The number of calls that have arrived.
    pub(crate) fn arrived(&self) -> usize {
        self.shared.state.lock().unwrap().arrived
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
    /// Forwards a request, and its response back.
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
        let mut response = Vec::new();
        server.read_to_end(&mut response)?;
        if waits(Holds::Responses) {
            self.wait();
        }
        client.write_all(&response)
    }

    fn wait(&self) {
        let mut state = self.state.lock().unwrap();
        state.arrived += 1;
        drop(self.opened.wait_while(state, |state| !state.is_open).unwrap());
    }
}

//! A stub of the bucket and of both tables, over TLS, with a given latency.

use crate::gate::Throttling;
use crate::table::Table;
use serde_json::json;
use std::error::Error;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use stubs::http::{self, Request};
use stubs::tls::Server;

#[derive(Debug)]
struct State {
    latency: Duration,
    /// The total time of all writes, from their arrival to the last byte of the response, and their number.
    total: Duration,
    writes: u32,
    object: Arc<Vec<u8>>,
    table: Table,
}

/// The stub.
#[derive(Debug)]
pub(crate) struct Aws {
    /// Where it listens.
    pub(crate) server: Server,
    state: Arc<Mutex<State>>,
}

impl Aws {
    /// Listens for as long as this process runs.
    ///
    /// # Errors
    /// No port is free, or no certificate can be created.
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        let (latency, object) = (Duration::ZERO, Arc::default());
        let state = Arc::new(Mutex::new(State {
            latency,
            total: Duration::ZERO,
            writes: 0,
            object,
            table: Table::new(Throttling::None),
        }));
        let shared = Arc::clone(&state);
        let server = Server::start(move |request, stream| respond(request, &shared, stream))?;
        Ok(Self { server, state })
    }

    /// Empties the table.
    pub(crate) fn empty(&self) {
        lock(&self.state).table = Table::new(Throttling::None);
    }

    /// Sets the object of the bucket, and the latency and throttling of the table.
    pub(crate) fn prepare(&self, object: Vec<u8>, latency: Duration, throttling: Throttling) {
        let mut state = lock(&self.state);
        (state.object, state.latency) = (Arc::new(object), latency);
        (state.total, state.writes) = (Duration::ZERO, 0);
        state.table.throttle(throttling);
    }

    /// The measured mean latency of the table, which includes what this machine adds.
    pub(crate) fn latency(&self) -> Duration {
        let state = lock(&self.state);
        state.total / state.writes.max(1)
    }

    /// Reads from the table.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Table) -> T) -> T {
        look(&lock(&self.state).table)
    }
}

/// The state stays valid even if the thread of another connection panicked.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn respond(request: Request, state: &Mutex<State>, mut stream: &mut dyn Write) -> io::Result<()> {
    let arrived = Instant::now();
    let latency = lock(state).latency;
    let (status, body) = match request.target.rsplit('.').next().unwrap_or_default() {
        "PutItem" => lock(state).table.put(request.body, arrived),
        "BatchWriteItem" => lock(state).table.put_batch(&request.body, arrived),
        "UpdateItem" => {
            lock(state).table.updates += 1;
            ("200 OK", json!({ "Attributes": file() }).to_string())
        }
        _ => {
            let object = Arc::clone(&lock(state).object);
            let headers = "x-amz-version-id: 1\r\nLast-Modified: Thu, 15 Jan 2026 12:00:00 GMT\r\nETag: \"1\"\r\n";
            return http::write_response(&mut stream, "200 OK", "text/csv", headers, &object);
        }
    };
    let response = http::response(status, "application/x-amz-json-1.0", "", body.as_bytes());
    thread::sleep(latency.saturating_sub(arrived.elapsed()));
    stream.write_all(&response)?;
    stream.flush()?;
    let mut state = lock(state);
    state.total += arrived.elapsed();
    state.writes += 1;
    Ok(())
}

/// An item of the status table.
fn file() -> serde_json::Value {
    json!({
        "file_id": { "S": "985edebedbea3164b836f93ccfc83cb2" },
        "attempt": { "N": "1" },
        "status": { "S": "processing" },
        "updated_at_ms": { "N": "1768480496123" },
        "partner": { "S": "acme" },
        "received_at": { "N": "1768480496123" },
        "token": { "S": "4be1c4d185d519d296e27df4d5b6cb3c" },
        "history": { "L": [] },
    })
}

//! A stub of Lambda's Runtime API for one process: it hands out one event after another and notes when that was.

use crate::http;
use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Three times what the functions have on Lambda for the longest event here, so that what takes too long is measured and
/// not cut off.
const PATIENCE: Duration = Duration::from_secs(180);

enum Happening {
    HandedOut(Instant),
    Answered(Instant, Vec<u8>),
    Failed(String),
}

/// One event, and what came of it.
#[derive(Debug)]
pub struct Exchange {
    /// When the event began to be handed out.
    pub handed_out: Instant,
    /// When the whole answer was there.
    pub answered: Instant,
    /// The answer.
    pub answer: Vec<u8>,
}

/// The stub.
#[derive(Debug)]
pub struct RuntimeApi {
    /// What `AWS_LAMBDA_RUNTIME_API` says.
    pub address: String,
    events: Sender<Vec<u8>>,
    happenings: Receiver<Happening>,
}

impl RuntimeApi {
    /// Listens for the process.
    ///
    /// # Errors
    /// No port is free.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let (events, to_hand_out) = mpsc::channel();
        let (happened, happenings) = mpsc::channel();
        let to_hand_out = Arc::new(Mutex::new(to_hand_out));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (to_hand_out, happened) = (Arc::clone(&to_hand_out), happened.clone());
                thread::spawn(move || serve(stream, &to_hand_out, &happened));
            }
        });
        Ok(Self { address, events, happenings })
    }

    /// Hands out an event, made by [`response`], when the process asks for work, and waits for its answer.
    ///
    /// # Errors
    /// The process reported an error, or did nothing for three minutes.
    pub fn exchange(&self, event: Vec<u8>) -> Result<Exchange, String> {
        self.events.send(event).map_err(|error| error.to_string())?;
        let mut handed_out = None;
        loop {
            match self.happenings.recv_timeout(PATIENCE).map_err(|_| "it did nothing for three minutes".to_owned())? {
                Happening::HandedOut(at) => handed_out = Some(at),
                Happening::Answered(answered, answer) => {
                    let handed_out = handed_out.ok_or("it answered before it was asked")?;
                    return Ok(Exchange { handed_out, answered, answer });
                }
                Happening::Failed(error) => return Err(error),
            }
        }
    }
}

/// The response that hands out `event`, made beforehand so that making it is not measured.
#[must_use]
pub fn response(event: &[u8]) -> Vec<u8> {
    let deadline = "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n";
    let headers = format!("Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n{deadline}");
    http::response("200 OK", "application/json", &headers, event)
}

/// Serves one connection. What goes wrong with it shows as a process that does nothing.
fn serve(stream: TcpStream, events: &Mutex<Receiver<Vec<u8>>>, happened: &Sender<Happening>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(request) = http::read_request(&mut stream)? {
        let now = Instant::now();
        match request.path.rsplit('/').next() {
            Some("next") => {
                // The lock is free: the process has one loop, which asks for one event at a time.
                let event = events.lock().unwrap_or_else(PoisonError::into_inner).recv().map_err(io::Error::other)?;
                happened.send(Happening::HandedOut(Instant::now())).map_err(io::Error::other)?;
                stream.get_mut().write_all(&event)?;
                continue;
            }
            Some("response") => happened.send(Happening::Answered(now, request.body)),
            _ => {
                let error = format!("{}: {}", request.path, String::from_utf8_lossy(&request.body));
                happened.send(Happening::Failed(error))
            }
        }
        .map_err(io::Error::other)?;
        http::write_response(stream.get_mut(), "202 Accepted", "application/json", "", b"{}")?;
    }
    Ok(())
}

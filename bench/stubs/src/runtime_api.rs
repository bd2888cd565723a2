//! A stub of Lambda's Runtime API for one process: it delivers one event after another and records the times.

use crate::http;
use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Three times the limit on Lambda for the longest event here, so that a slow function is measured and not stopped.
const TIMEOUT: Duration = Duration::from_secs(180);

enum Message {
    Delivered(Instant),
    Responded(Instant, Vec<u8>),
    Failed(String),
}

/// One event and its response.
#[derive(Debug)]
pub struct Exchange {
    /// When the delivery of the event began. For the first event, when the function first requested one.
    pub delivered: Instant,
    /// When the response was complete.
    pub responded: Instant,
    /// The response.
    pub response: Vec<u8>,
}

impl Exchange {
    /// The time from the event to the response.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.responded - self.delivered
    }
}

/// The stub.
#[derive(Debug)]
pub struct RuntimeApi {
    /// `AWS_LAMBDA_RUNTIME_API`.
    pub address: String,
    events: Sender<Vec<u8>>,
    messages: Receiver<Message>,
}

impl RuntimeApi {
    /// Listens for the process.
    ///
    /// # Errors
    /// No port is free.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let (events, queue) = mpsc::channel();
        let (sender, messages) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (queue, sender) = (Arc::clone(&queue), sender.clone());
                thread::spawn(move || serve(stream, &queue, &sender));
            }
        });
        Ok(Self { address, events, messages })
    }

    /// Delivers an event, made by [`response`], when the process requests one, and waits for its response.
    ///
    /// # Errors
    /// The process reported an error, or did not respond within three minutes.
    pub fn exchange(&self, event: Vec<u8>) -> Result<Exchange, String> {
        self.events.send(event).map_err(|error| error.to_string())?;
        let mut delivered = None;
        loop {
            let timed_out = |_| "it did not respond within three minutes".to_owned();
            match self.messages.recv_timeout(TIMEOUT).map_err(timed_out)? {
                Message::Delivered(at) => delivered = Some(at),
                Message::Responded(responded, response) => {
                    let delivered = delivered.ok_or("it responded before an event was delivered")?;
                    return Ok(Exchange { delivered, responded, response });
                }
                Message::Failed(error) => return Err(error),
            }
        }
    }
}

/// The HTTP response that delivers `event`, made beforehand so that this is not measured.
#[must_use]
pub fn response(event: &[u8]) -> Vec<u8> {
    let deadline = "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n";
    let headers = format!("Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n{deadline}");
    http::response("200 OK", "application/json", &headers, event)
}

/// Serves one connection. After an error the process does not respond any more, which the caller sees.
fn serve(stream: TcpStream, events: &Mutex<Receiver<Vec<u8>>>, messages: &Sender<Message>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(request) = http::read_request(&mut stream)? {
        let now = Instant::now();
        match request.path.rsplit('/').next() {
            Some("next") => {
                // The lock is free: the process has one loop, which requests one event at a time.
                let event = events.lock().unwrap_or_else(PoisonError::into_inner).recv().map_err(io::Error::other)?;
                messages.send(Message::Delivered(Instant::now())).map_err(io::Error::other)?;
                stream.get_mut().write_all(&event)?;
                continue;
            }
            Some("response") => messages.send(Message::Responded(now, request.body)),
            _ => {
                let error = format!("{}: {}", request.path, String::from_utf8_lossy(&request.body));
                messages.send(Message::Failed(error))
            }
        }
        .map_err(io::Error::other)?;
        http::write_response(stream.get_mut(), "202 Accepted", "application/json", "", b"{}")?;
    }
    Ok(())
}

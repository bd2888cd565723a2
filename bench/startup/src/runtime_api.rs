//! A stub of Lambda's Runtime API for one process: it hands out one event and notes when things happen.

use std::io::{self, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};
use stubs::http;

/// Far more than a start takes, even that of a Python function on a third of a core.
const PATIENCE: Duration = Duration::from_secs(60);

enum Event {
    AsksForWork(Instant),
    Answers(Instant, Vec<u8>),
    Fails(String),
}

/// When a process asked for work for the first time, when it had answered, and what.
#[derive(Debug)]
pub(crate) struct Start {
    /// Its first request for work.
    pub(crate) asked: Instant,
    /// Its answer to the first event.
    pub(crate) answered: Instant,
    /// That answer.
    pub(crate) answer: Vec<u8>,
}

/// The stub.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    /// What `AWS_LAMBDA_RUNTIME_API` says.
    pub(crate) address: String,
    events: Receiver<Event>,
}

impl RuntimeApi {
    /// Listens, to hand out `event` to the first request for work.
    ///
    /// # Errors
    /// No port is free.
    pub(crate) fn start(event: String) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let (sender, events) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (sender, event) = (sender.clone(), event.clone());
                thread::spawn(move || serve(stream, &event, &sender));
            }
        });
        Ok(Self { address, events })
    }

    /// Waits for the process to start and to answer.
    ///
    /// # Errors
    /// It reported an error, or did nothing for a minute.
    pub(crate) fn wait(&self) -> Result<Start, String> {
        let mut asked = None;
        loop {
            match self.events.recv_timeout(PATIENCE).map_err(|_| "it did nothing for a minute".to_owned())? {
                Event::AsksForWork(at) => asked = asked.or(Some(at)),
                Event::Answers(answered, answer) => {
                    let asked = asked.ok_or("it answered before it was asked")?;
                    return Ok(Start { asked, answered, answer });
                }
                Event::Fails(error) => return Err(error),
            }
        }
    }
}

/// Serves one connection. What goes wrong with it shows as a process that does nothing.
fn serve(stream: TcpStream, event: &str, events: &Sender<Event>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut handed_out = false;
    while let Some(request) = http::read_request(&mut stream)? {
        let now = Instant::now();
        let happened = match request.path.rsplit('/').next() {
            // The process is killed while its second request waits.
            Some("next") if handed_out => continue,
            Some("next") => Event::AsksForWork(now),
            Some("response") => Event::Answers(now, request.body),
            _ => Event::Fails(format!("{}: {}", request.path, String::from_utf8_lossy(&request.body))),
        };
        let asks = matches!(happened, Event::AsksForWork(_));
        events.send(happened).map_err(io::Error::other)?;
        if asks {
            handed_out = true;
            let deadline = "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n";
            let headers = format!("Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n{deadline}");
            http::write_response(stream.get_mut(), "200 OK", "application/json", &headers, event.as_bytes())?;
        } else {
            http::write_response(stream.get_mut(), "202 Accepted", "application/json", "", b"{}")?;
        }
    }
    Ok(())
}

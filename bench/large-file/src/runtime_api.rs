//! A stub of Lambda's Runtime API for one process and one event.

use std::io::{self, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};
use stubs::http;

/// Three times what the function has on Lambda, so that what takes too long is measured and not cut off.
const PATIENCE: Duration = Duration::from_secs(180);

enum Happening {
    HandedOut(Instant),
    Answered(Instant, Vec<u8>),
    Failed(String),
}

/// The stub.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    /// What `AWS_LAMBDA_RUNTIME_API` says.
    pub(crate) address: String,
    happenings: Receiver<Happening>,
}

impl RuntimeApi {
    /// Listens, to hand out `event` to the first request for work.
    ///
    /// # Errors
    /// No port is free.
    pub(crate) fn start(event: String) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let (happened, happenings) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (happened, event) = (happened.clone(), event.clone());
                thread::spawn(move || serve(stream, &event, &happened));
            }
        });
        Ok(Self { address, happenings })
    }

    /// Waits for the answer, and returns it with the time that it took from the event.
    ///
    /// # Errors
    /// The process reported an error, or took three minutes.
    pub(crate) fn wait(&self) -> Result<(Duration, Vec<u8>), String> {
        let mut handed_out = None;
        loop {
            match self.happenings.recv_timeout(PATIENCE).map_err(|_| "it did nothing for three minutes".to_owned())? {
                Happening::HandedOut(at) => handed_out = handed_out.or(Some(at)),
                Happening::Answered(at, answer) => {
                    let handed_out = handed_out.ok_or("it answered before it was asked")?;
                    return Ok((at - handed_out, answer));
                }
                Happening::Failed(error) => return Err(error),
            }
        }
    }
}

/// Serves one connection. What goes wrong with it shows as a process that does nothing.
fn serve(stream: TcpStream, event: &str, happened: &Sender<Happening>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut handed_out = false;
    while let Some(request) = http::read_request(&mut stream)? {
        let now = Instant::now();
        match request.path.rsplit('/').next() {
            // The process is ended while its second request waits.
            Some("next") if handed_out => continue,
            Some("next") => {
                handed_out = true;
                happened.send(Happening::HandedOut(now)).map_err(io::Error::other)?;
                let id = "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd";
                let headers = format!("{id}\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n");
                http::write_response(stream.get_mut(), "200 OK", "application/json", &headers, event.as_bytes())?;
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

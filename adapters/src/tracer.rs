//! X-Ray subsegments for the steps of a handler, sent to the daemon that Lambda runs beside every traced function.
//!
//! The X-Ray SDKs of AWS are in maintenance, and OpenTelemetry needs a collector in the image. The protocol of the
//! daemon is one JSON document in one UDP datagram. A lost datagram loses only a trace.

use crate::clock;
use lambda_runtime::Context;
use serde_json::json;
use std::future::Future;
use std::net::UdpSocket;

const HEADER: &str = "{\"format\":\"json\",\"version\":1}\n";

/// Sends the subsegments of one invocation. Sends nothing if there is no daemon or the invocation is not sampled.
#[derive(Debug)]
pub struct Tracer {
    target: Option<Target>,
}

#[derive(Debug)]
struct Target {
    socket: UdpSocket,
    daemon: String,
    trace_id: String,
    parent_id: String,
}

impl Tracer {
    /// The tracer of this invocation, from its trace header and `AWS_XRAY_DAEMON_ADDRESS`.
    #[must_use]
    pub fn of(context: &Context) -> Self {
        let daemon = std::env::var("AWS_XRAY_DAEMON_ADDRESS").ok();
        Self {
            target: daemon
                .zip(context.xray_trace_id.as_deref())
                .and_then(|(daemon, header)| Target::new(daemon, header)),
        }
    }

    /// Does `work` as the step `name`. The subsegment is marked as a fault if the step fails.
    ///
    /// # Errors
    /// Whatever `work` returns.
    pub async fn step<T, E>(&self, name: &str, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let started_ms = clock::now_ms();
        let result = work.await;
        if let Some(target) = &self.target {
            target.send(name, started_ms, clock::now_ms(), result.is_err());
        }
        result
    }
}

impl Target {
    /// Reads a trace header: `Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1`.
    fn new(daemon: String, header: &str) -> Option<Self> {
        let part = |name: &str| header.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        if part("Sampled") != Some("1") {
            return None;
        }
        let (trace_id, parent_id) = (part("Root")?.to_owned(), part("Parent")?.to_owned());
        let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(Self { socket, daemon, trace_id, parent_id })
    }

    fn send(&self, name: &str, started_ms: u64, ended_ms: u64, fault: bool) {
        let Ok(id) = clock::random_hex::<8>() else {
            return;
        };
        let document = json!({
            "name": name,
            "id": id,
            "trace_id": self.trace_id,
            "parent_id": self.parent_id,
            "type": "subsegment",
            "start_time": seconds(started_ms),
            "end_time": seconds(ended_ms),
            "fault": fault,
        });
        // Tracing must not affect the work, so an error of the socket is ignored.
        let _ = self.socket.send_to(format!("{HEADER}{document}").as_bytes(), &self.daemon);
    }
}

/// X-Ray uses seconds with a fraction. The JSON number is made from text, without a float.
fn seconds(milliseconds: u64) -> serde_json::Value {
    let text = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    serde_json::from_str(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_step_is_a_subsegment_of_its_invocation() {
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        daemon.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        let header = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1";
        let tracer = Tracer { target: Target::new(daemon.local_addr().unwrap().to_string(), header) };
        let failed: Result<(), &str> = tracer.step("store", async { Err("no") }).await;
        assert_eq!(failed, Err("no"));
        let mut datagram = [0; 2048];
        let length = daemon.recv(&mut datagram).unwrap();
        let text = std::str::from_utf8(&datagram[..length]).unwrap();
        let document: serde_json::Value = serde_json::from_str(text.strip_prefix(HEADER).unwrap()).unwrap();
        assert_eq!(document["name"], "store");
        assert_eq!(document["trace_id"], "1-67891233-abcdef012345678912345678");
        assert_eq!(document["parent_id"], "463ac35c9f6413ad");
        assert_eq!(document["fault"], true);
        assert!(document["end_time"].as_f64() >= document["start_time"].as_f64());
    }

    #[test]
    fn an_unsampled_invocation_sends_nothing() {
        let header = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=0";
        assert!(Target::new("127.0.0.1:2000".to_owned(), header).is_none());
    }
}

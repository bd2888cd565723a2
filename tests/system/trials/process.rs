//! Killing the handler that is at the other end of a connection.

use crate::simulators::relay::Connection;
use std::fs;
use std::path::Path;
use std::process::Command;

/// How a handler is recognized: the emulator starts it under this name.
const HANDLER: &str = "bootstrap";

/// Kills the handler at the other end of a connection at once, as when a machine is lost. Where the system does not
/// show which process has a connection, nothing is killed, and the handler only loses the connection. Returns whether
/// it was killed.
pub(super) fn kill_owner(connection: Connection) -> bool {
    let owner = socket_of(connection).and_then(|socket| owner_of(&socket));
    owner.is_some_and(|id| Command::new("kill").args(["-KILL", &id]).status().unwrap().success())
}

/// The name of the other end's socket, as Linux lists it. Both ports are needed: one alone may be that of other
/// connections too.
fn socket_of(connection: Connection) -> Option<String> {
    let listed = fs::read_to_string("/proc/net/tcp").ok()?;
    let [local, remote] = [connection.client, connection.relay].map(|address| format!(":{:04X}", address.port()));
    let of_line = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let is_it = words.get(1)?.ends_with(&local) && words.get(2)?.ends_with(&remote);
        is_it.then(|| format!("socket:[{}]", words.get(9).copied().unwrap_or_default()))
    };
    listed.lines().skip(1).find_map(of_line)
}

/// The handler that has this socket open.
fn owner_of(socket: &str) -> Option<String> {
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let mut handlers = processes.filter(|process| {
        fs::read_link(process.path().join("exe")).is_ok_and(|path| path.file_name().is_some_and(|name| name == HANDLER))
    });
    let has_socket = |process: &Path| {
        let open = fs::read_dir(process.join("fd")).into_iter().flatten().filter_map(Result::ok);
        open.into_iter().any(|file| fs::read_link(file.path()).is_ok_and(|path| path == Path::new(socket)))
    };
    handlers
        .find(|process| has_socket(&process.path()))
        .map(|process| process.file_name().to_string_lossy().into_owned())
}

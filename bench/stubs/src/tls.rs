//! A TLS server, and the certificates with which a function trusts it.

use crate::http::{self, Request};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::error::Error;
use std::fs;
use std::io::{self, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

/// Amazon's root certificates, the only ones that the images trust; see the Dockerfile.
const ROOTS: [&str; 5] = [
    "Amazon_Root_CA_1",
    "Amazon_Root_CA_2",
    "Amazon_Root_CA_3",
    "Amazon_Root_CA_4",
    "Starfield_Services_Root_Certificate_Authority_-_G2",
];

/// Their directory on Debian.
const ROOTS_DIRECTORY: &str = "/usr/share/ca-certificates/mozilla";

/// A server that listens for as long as this process runs.
#[derive(Debug)]
pub struct Server {
    /// `AWS_ENDPOINT_URL`.
    pub endpoint: String,
    certificate: String,
}

impl Server {
    /// Listens. `respond` writes the response to each request.
    ///
    /// # Errors
    /// No port is free, or no certificate can be created.
    pub fn start<Respond>(respond: Respond) -> Result<Self, Box<dyn Error>>
    where
        Respond: Fn(Request, &mut dyn Write) -> io::Result<()> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let endpoint = format!("https://{}", listener.local_addr()?);
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::default();
        parameters.subject_alt_names = vec![rcgen::SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        let certificate = parameters.self_signed(&key)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der())?)?;
        let (tls, respond) = (Arc::new(tls), Arc::new(respond));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, respond) = (Arc::clone(&tls), Arc::clone(&respond));
                thread::spawn(move || serve(stream, tls, respond.as_ref()));
            }
        });
        Ok(Self { endpoint, certificate: certificate.pem() })
    }

    /// Writes the certificates that a function trusts on Lambda, and that of this server, to a file beside this program.
    ///
    /// # Errors
    /// Debian's package `ca-certificates` is missing, or the file cannot be written.
    pub fn trusted(&self, name: &str) -> Result<PathBuf, Box<dyn Error>> {
        let mut certificates = self.certificate.clone();
        for name in ROOTS {
            let path = format!("{ROOTS_DIRECTORY}/{name}.crt");
            certificates += &fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        }
        let path = std::env::current_exe()?.with_file_name(format!("{name}-certificates.pem"));
        fs::write(&path, certificates)?;
        Ok(path)
    }
}

/// Serves one connection. After an error the client fails and reports it.
fn serve(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    respond: &impl Fn(Request, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(tls).map_err(io::Error::other)?, stream));
    while let Some(request) = http::read_request(&mut stream)? {
        respond(request, stream.get_mut())?;
    }
    Ok(())
}

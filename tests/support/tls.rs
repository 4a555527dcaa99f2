//! A proxy with a certificate that nobody signed, like an inspecting proxy or a network login in
//! front of a server.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Time to listen to one side before the other.
const TURN: Duration = Duration::from_millis(5);

/// Accepts connections under TLS and forwards them in the clear, until the test ends.
pub(crate) struct TlsDoor {
    address: SocketAddr,
    /// The certificate, as a file of trusted roots may hold it.
    pub(crate) certificate: String,
}

impl TlsDoor {
    /// A door to the server at `url`.
    pub(crate) fn to(url: &str) -> Self {
        let behind = url.trim_start_matches("http://").to_owned();
        let names = vec![Ipv4Addr::LOCALHOST.to_string()];
        let own = rcgen::generate_simple_self_signed(names).expect("a certificate can be made");
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).expect("it is a key");
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .expect("key and certificate belong together");
        let config = Arc::new(config);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = listener.local_addr().expect("the listener has an address");
        thread::spawn(move || {
            while let Ok((outside, _)) = listener.accept() {
                let inside = TcpStream::connect(&behind);
                let tls = ServerConnection::new(Arc::clone(&config)).expect("the settings hold");
                // A client that does not trust the certificate disconnects, as it should.
                thread::spawn(move || pass(StreamOwned::new(tls, outside), inside?));
            }
        });
        Self {
            address,
            certificate: own.cert.pem(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}

fn pass(
    mut outside: StreamOwned<ServerConnection, TcpStream>,
    mut inside: TcpStream,
) -> io::Result<()> {
    outside.sock.set_read_timeout(Some(TURN))?;
    inside.set_read_timeout(Some(TURN))?;
    while copy(&mut outside, &mut inside)? && copy(&mut inside, &mut outside)? {}
    Ok(())
}

/// Forwards the bytes that have arrived; `false` when the sending side is done.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<bool> {
    let mut bytes = [0; 16 << 10];
    match from.read(&mut bytes) {
        Ok(0) => Ok(false),
        Ok(length) => to.write_all(&bytes[..length]).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(error),
    }
}

//! The address of the page, which only this machine can reach.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use crate::commands::WrongUse;

/// Listens on an address of loopback.
pub(super) fn listen(address: &str) -> Result<TcpListener, WrongUse> {
    let refused = |why: String| WrongUse(format!("--listen {address}: {why}"));
    let addresses = address.to_socket_addrs();
    let addresses: Vec<SocketAddr> = addresses
        .map_err(|error| refused(format!("{error}; use an address and a port: 127.0.0.1:0")))?
        .collect();
    let is_here = |it: &SocketAddr| it.ip().to_canonical().is_loopback();
    if !addresses.iter().all(is_here) {
        return Err(refused(
            "it can be reached from other machines, and the page is for you alone; use \
             127.0.0.1:0"
                .to_owned(),
        ));
    }
    let Some(first) = addresses.first() else {
        return Err(refused("this name has no address".to_owned()));
    };
    TcpListener::bind(first)
        .map_err(|error| refused(format!("{error}; port 0 takes a free one: 127.0.0.1:0")))
}

//! Jira over a connection that cannot be trusted.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

#[tokio::test]
async fn tls_to_a_server_that_speaks_none_is_told_as_such() {
    let case = Case::new().await;
    let program = case.backfill();
    let https = case.app.sim.base_url().replace("http://", "https://");
    case.fails(&program.set("jira.base_url", &https), 69, "no TLS connection to Jira").await;
    case.ends_well().await;
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_not_trusted() {
    let case = Case::new().await;
    let (url, received) = untrusted_server();
    let program = case.backfill().set("jira.base_url", &url);
    case.fails(&program, 69, "jira.ca_bundle").await;
    assert!(received.try_recv().is_err(), "something was sent to a host that is not trusted");
    case.ends_well().await;
}

/// A server whose certificate nobody vouches for, and what it is sent inside TLS.
fn untrusted_server() -> (String, std::sync::mpsc::Receiver<usize>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (sender, received) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            if let Ok(bytes) = stream.read(&mut [0; 4096]) {
                let _ = sender.send(bytes);
            }
            let _ = stream.flush();
        }
    });
    (url, received)
}

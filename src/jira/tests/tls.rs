//! Certificates: what is not trusted, and what a bundle of one's own makes trusted.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                      content-length: 11\r\nconnection: close\r\n\r\n{\"total\":3}";

/// A private authority, and a server on the loopback that it vouches for as `name`.
struct TlsJira {
    authority_pem: String,
    url: url::Url,
}

impl TlsJira {
    fn start(name: &str, connections: usize) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &authority).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
        std::thread::spawn(move || serve(&listener, &Arc::new(config), connections));
        Self { authority_pem: authority.pem(), url }
    }
}

fn serve(listener: &TcpListener, config: &Arc<ServerConfig>, connections: usize) {
    for stream in listener.incoming().take(connections) {
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut stream = StreamOwned::new(connection, stream.unwrap());
        // A client that does not trust us hangs up in the middle of this.
        if stream.read(&mut [0; 4096]).is_ok() {
            let _ = stream.write_all(ANSWER.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    }
}

async fn count(jira: &TlsJira, bundle: Option<&str>) -> Result<u64, JiraError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let ca_bundle = bundle.map(|pem| {
        std::fs::write(&path, pem).unwrap();
        path.clone()
    });
    let settings = JiraSettings { ca_bundle, ..settings(jira.url.clone()) };
    JiraClient::new(&settings)?.count(JQL).await
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_when_it_is_named() {
    let jira = TlsJira::start("127.0.0.1", 2);
    let error = count(&jira, None).await.unwrap_err();
    assert!(matches!(error, JiraError::Tls { .. }), "{}", text(&error));
    assert!(text(&error).contains("UnknownIssuer"), "{}", text(&error));
    assert!(text(&error).contains("jira.ca_bundle"));
    assert_eq!(count(&jira, Some(&jira.authority_pem)).await.unwrap(), 3);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_trusted() {
    let jira = TlsJira::start("jira.example.invalid", 1);
    let error = count(&jira, Some(&jira.authority_pem)).await.unwrap_err();
    assert!(matches!(error, JiraError::Tls { .. }), "{}", text(&error));
}

#[tokio::test]
async fn a_bundle_without_a_certificate_is_named() {
    let jira = TlsJira::start("127.0.0.1", 0);
    let error = count(&jira, Some("not a certificate")).await.unwrap_err();
    assert!(text(&error).starts_with("jira.ca_bundle"), "{}", text(&error));
    assert_eq!(error.class().exit_code(), 78);
}

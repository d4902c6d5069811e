//! The guard, and what an exchange knows.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use reqwest::header::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::sync::oneshot;

use super::exchange::Answer;
use super::{ANSWER_BYTES_MAX, AllowedHost, Egress, Lookup, Refused, Request, Timeouts, exchange};
use crate::channel::{Always, Outcome, Permit, Retry};

fn egress(allowed: &[&str]) -> Egress {
    Egress::new(hosts(allowed)).unwrap()
}

fn hosts(allowed: &[&str]) -> Vec<AllowedHost> {
    allowed.iter().map(|host| host.parse().unwrap()).collect()
}

#[test]
fn literal_addresses_that_lead_inside_are_refused() {
    let egress = egress(&[]);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd12:3456::1]",
        "[ff02::1]",
        "[2001::1]",
        "[2001:db8::1]",
        "[2002:7f00:1::1]",
        "[fd00:ec2::254]",
    ] {
        let refused = egress.target(&format!("http://{host}/x")).unwrap_err();
        assert!(matches!(refused, Refused::Private(_)), "{host}: {refused}");
    }
    for host in ["1.1.1.1", "100.128.0.1", "172.32.0.1", "[2606:4700::1111]", "[::ffff:1.1.1.1]"] {
        assert!(egress.target(&format!("https://{host}/x")).is_ok(), "{host}");
    }
}

#[test]
fn odd_addresses_and_ports_are_refused() {
    let egress = egress(&["hooks.internal", "127.0.0.1:8080", "[::1]"]);
    for (address, expected) in [
        ("https://a.example:8443/", Refused::Port(8443)),
        ("http://a.example:22/", Refused::Port(22)),
        ("https://user@a.example/", Refused::Credentials),
        ("https://u:p@a.example/", Refused::Credentials),
        ("http://127.0.0.1:8081/", Refused::Port(8081)),
        ("http://127.0.0.1/", Refused::Private("127.0.0.1".to_owned())),
    ] {
        assert_eq!(egress.target(address).unwrap_err(), expected, "{address}");
    }
    for address in
        ["ftp://a.example/", "file:///etc/passwd", "a.example", "", "https://", "data:,x"]
    {
        let refused = egress.target(address).unwrap_err();
        assert!(matches!(refused, Refused::NoAddress(_)), "{address}: {refused}");
    }
    for address in [
        "https://a.example:443/x?y",
        "http://a.example:80/",
        "http://hooks.internal:9000/",
        "http://HOOKS.internal/",
        "http://127.0.0.1:8080/",
        "http://[::1]:7/",
    ] {
        assert!(egress.target(address).is_ok(), "{address}");
    }
    for bad in ["", "http://a.example", "a.example/x", "a b", "u@a.example", "a.example:99999"] {
        assert!(bad.parse::<AllowedHost>().is_err(), "{bad}");
    }
}

/// Names that stand for what the test says.
#[derive(Debug)]
struct Names(HashMap<&'static str, Vec<IpAddr>>);

impl Lookup for Names {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let found = self.0.get(host.as_str()).cloned();
        ready(found.ok_or_else(|| io::ErrorKind::NotFound.into())).boxed()
    }
}

#[derive(Debug)]
struct Asked(Arc<AtomicBool>, bool);

impl Permit for Asked {
    fn holds(&self) -> bool {
        self.0.store(true, Ordering::SeqCst);
        self.1
    }
}

const PATIENT: Timeouts =
    Timeouts { hand_over: Duration::from_secs(20), answer: Duration::from_secs(20) };

/// One exchange, and whether the body was asked for.
async fn send_with(
    egress: &Egress,
    url: &str,
    holds: bool,
    timeouts: Timeouts,
) -> (Result<Answer, Outcome>, bool) {
    let asked = Arc::new(AtomicBool::new(false));
    let target = egress.target(url).unwrap();
    let slots = Semaphore::new(1);
    let request = Request {
        target: &target,
        headers: HeaderMap::new(),
        login: None,
        body: b"the body".to_vec(),
        slots: &slots,
    };
    let permit = Arc::new(Asked(asked.clone(), holds));
    let left = Duration::from_secs(30);
    let result = exchange(egress, request, permit, left, timeouts).await;
    assert_eq!(slots.available_permits(), 1);
    (result.map_err(Outcome::from), asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_name_that_stands_for_an_inner_address_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let inner: IpAddr = "127.0.0.1".parse().unwrap();
    let mapped: IpAddr = "::ffff:127.0.0.1".parse().unwrap();
    let names = HashMap::from([
        ("inner.example", vec![inner]),
        ("mapped.example", vec![mapped]),
        ("named.example", vec![inner]),
    ]);
    // The port is allowed by name, the address is not: only the port is named.
    let egress = Egress::with_lookup(hosts(&["named.example"]), Arc::new(Names(names))).unwrap();
    for host in ["inner.example", "mapped.example", "missing.example"] {
        let url = format!("http://{host}/");
        let (result, asked) = send_with(&egress, &url, true, PATIENT).await;
        let Err(Outcome::NotSent { reason, .. }) = &result else { panic!("{host}: {result:?}") };
        assert!(!asked);
        if host != "missing.example" {
            assert!(reason.contains("egress.allow"), "{reason}");
        }
    }
    // The very address is reached once the operator has named the host.
    let url = format!("http://named.example:{port}/");
    let (result, _) = tokio::join!(send_with(&egress, &url, true, PATIENT), async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    });
    assert_eq!(result.0.unwrap().status, 204);
    // Nobody else has come.
    assert!(listener.accept().now_or_never().is_none());
}

#[tokio::test]
async fn a_port_that_is_named_opens_no_other_port_of_its_host() {
    let inner: IpAddr = "127.0.0.1".parse().unwrap();
    let names = HashMap::from([("named.example", vec![inner])]);
    let allowed = hosts(&["named.example:8443"]);
    let egress = Egress::with_lookup(allowed, Arc::new(Names(names))).unwrap();
    for url in ["http://named.example/", "https://named.example/", "http://NAMED.example:80/"] {
        let (result, asked) = send_with(&egress, url, true, PATIENT).await;
        let Err(Outcome::NotSent { reason, retry: Retry::Configuration, .. }) = &result else {
            panic!("{url}: {result:?}")
        };
        assert!(reason.contains("egress.allow") && !asked, "{reason}");
        let target = egress.target(url).unwrap();
        let seen = super::look(&egress, reqwest::Method::HEAD, &target, None, None).await;
        assert!(seen.unwrap_err().contains("egress.allow"), "{url}");
    }
    assert!(egress.target("http://named.example:8443/").unwrap().is_allowed);
    assert_eq!(egress.target("http://named.example:8080/").unwrap_err(), Refused::Port(8080));
}

/// Reads a request with its body: as far as it comes.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !seen.ends_with(b"the body") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
        }
    }
    String::from_utf8(seen).unwrap()
}

/// A server that answers one request with these bytes, then does `after`.
async fn served(
    answer: Vec<u8>,
    holds: bool,
    timeouts: Timeouts,
    stays: bool,
) -> (Result<Answer, Outcome>, bool, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let egress = egress(&["127.0.0.1"]);
    let (end, ended) = oneshot::channel::<()>();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let seen = read_request(&mut stream).await;
        let _ = stream.write_all(&answer).await;
        if stays {
            let _ = ended.await;
        }
        seen
    };
    let url = format!("http://{address}/");
    let client = async {
        let result = send_with(&egress, &url, holds, timeouts).await;
        drop((egress, end));
        result
    };
    let ((result, asked), seen) = tokio::join!(client, server);
    (result, asked, seen)
}

#[tokio::test]
async fn the_permit_holds_the_body_back() {
    let (result, asked, seen) = served(Vec::new(), false, PATIENT, true).await;
    let Err(Outcome::NotSent { reason, .. }) = result else { panic!("{result:?}") };
    assert_eq!(reason, "the permit of the attempt was withdrawn");
    assert!(asked);
    assert!(!seen.contains("the body"), "{seen}");
}

#[tokio::test]
async fn what_broke_behind_the_body_is_unknown() {
    let quick = Timeouts { answer: Duration::from_millis(50), ..PATIENT };
    for (answer, timeouts, stays) in [
        (Vec::new(), PATIENT, false),
        (b"HTTP/1.1 200 O".to_vec(), PATIENT, false),
        (b"no HTTP\r\n\r\n".to_vec(), PATIENT, false),
        (Vec::new(), quick, true),
    ] {
        let (result, asked, seen) = served(answer, true, timeouts, stays).await;
        assert!(matches!(result, Err(Outcome::Unknown { .. })), "{result:?}");
        assert!(asked && seen.ends_with("the body"));
        assert!(seen.contains("content-length: 8\r\n"), "{seen}");
    }
}

#[tokio::test]
async fn the_status_is_the_answer() {
    let quick = Timeouts { answer: Duration::from_millis(50), ..PATIENT };
    let cut = b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"a".to_vec();
    for (timeouts, stays) in [(PATIENT, false), (quick, true)] {
        let (result, ..) = served(cut.clone(), true, timeouts, stays).await;
        let answer = result.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (201, &b"{\"a"[..]));
    }
    let head = "HTTP/1.1 429 Later\r\nretry-after: 7\r\ncontent-length: 1000000\r\n\r\n";
    let long = [head.as_bytes(), &vec![b'x'; 1_000_000]].concat();
    let (result, ..) = served(long, true, PATIENT, false).await;
    let answer = result.unwrap();
    assert_eq!((answer.retry_after_ms, answer.body.len()), (Some(7_000), ANSWER_BYTES_MAX));
    let away = b"HTTP/1.1 307 Elsewhere\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n";
    let (result, ..) = served(away.to_vec(), true, PATIENT, false).await;
    assert_eq!(result.unwrap().status, 307);
}

#[tokio::test]
async fn nobody_there_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let (result, asked) = send_with(&egress(&["127.0.0.1"]), &url, true, PATIENT).await;
    assert!(matches!(result, Err(Outcome::NotSent { .. })), "{result:?}");
    assert!(!asked);
}

#[tokio::test]
async fn a_deadline_that_has_passed_connects_to_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let egress = egress(&["127.0.0.1"]);
    let target = egress.target(&url).unwrap();
    let full = Semaphore::new(0);
    let request = Request {
        target: &target,
        headers: HeaderMap::new(),
        login: None,
        body: b"the body".to_vec(),
        slots: &full,
    };
    let left = Duration::from_millis(20);
    let result = exchange(&egress, request, Arc::new(Always), left, PATIENT).await;
    let outcome = Outcome::from(result.unwrap_err());
    let Outcome::NotSent { reason, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, super::LATE);
    assert!(listener.accept().now_or_never().is_none());
}

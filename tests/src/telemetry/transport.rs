//! The way to the collector: TLS by an authority of one's own, headers, and the variables of the
//! OpenTelemetry specification; what `cadencia doctor` says of it.

use std::net::TcpListener;

use serde_json::Value;

use super::collector::{Collector, named};
use super::peer::Secure;
use super::{Exporting, START, settings, sign_up};
use crate::environment;
use crate::served::process::{Server, eventually};

const TOKEN: &str = "Bearer secret, of the collector";
const PROTOCOLS: [(&str, u64); 2] = [("grpc", 2), ("http", 1)];

/// Addresses of the three signals.
fn paths(protocol: &str) -> [String; 3] {
    match protocol {
        "grpc" => ["trace", "logs", "metrics"].map(|signal| {
            let name = format!("{}{}", signal[..1].to_uppercase(), &signal[1..]);
            format!("/opentelemetry.proto.collector.{signal}.v1.{name}Service/Export")
        }),
        _ => ["traces", "logs", "metrics"].map(|signal| format!("/v1/{signal}")),
    }
}

async fn all_arrives(server: &Server, collector: &Collector) {
    sign_up(server, "ann", "ann@example.com").await;
    eventually("traces, logs and metrics arrive", async || {
        let printed = collector.printed();
        !named(&collector.spans(), "process outcome").is_empty()
            && printed.contains("cadencia_commit_seconds")
            && printed.contains("the campaign is in force")
    })
    .await;
}

fn header<'a>(request: &'a Value, name: &str) -> &'a str {
    request["headers"][name].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_goes_by_tls_and_with_the_headers() {
    for (protocol, version) in PROTOCOLS {
        let collector = Collector::start().await;
        let secure = Secure::start(&collector, TOKEN);
        let (url, authority) = (secure.url(), secure.authority());
        let telemetry = format!(
            "telemetry:\n  endpoint: {url}\n  protocol: {protocol}\n  ca_file: {authority}\n  \
             metrics_seconds: 1\n  headers: ['x-tenant=shop']\n  headers_file: headers\n"
        );
        let site = Exporting::new("capture: {keep: 100}", &telemetry);
        let headers = site.text("headers");
        std::fs::write(&headers, format!("authorization={TOKEN}\n")).expect("a file");
        let telemetry =
            telemetry.replace("headers_file: headers", &format!("headers_file: {headers}"));
        std::fs::write(site.path("settings.yaml"), telemetry).expect("a file");
        let server = site.serve("info");
        all_arrives(&server, &collector).await;
        server.stop();
        let seen = secure.seen();
        for path in paths(protocol) {
            assert!(seen.iter().any(|it| it["path"] == *path), "{path} is not in {seen:#?}");
        }
        for request in &seen {
            assert_eq!(request["version"], version, "{request}");
            assert_eq!(header(request, "x-tenant"), "shop", "{request}");
            assert_eq!(header(request, "authorization"), TOKEN, "{request}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_variables_of_the_specification_are_enough() {
    for (protocol, word) in [("grpc", "grpc"), ("http", "http/protobuf")] {
        let collector = Collector::start().await;
        let secure = Secure::start(&collector, TOKEN);
        let site = Exporting::new("capture: {keep: 100}", "telemetry: {metrics_seconds: 1}\n");
        let (campaign, settings) = (site.text("campaign"), site.text("settings.yaml"));
        // As the specification wants it, values are percent-encoded where they must be.
        let headers = "x-tenant=shop,authorization=Bearer%20secret%2C%20of%20the%20collector";
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*secure.url()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", word),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", &*secure.authority()),
            ("OTEL_EXPORTER_OTLP_HEADERS", headers),
            ("OTEL_SERVICE_NAME", "shop-campaigns"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=a%2Cb,team=growth"),
        ];
        let arguments =
            ["--campaign", &campaign, "--config", &settings, "--replay", START, "--log", "info"];
        let server = Server::start_within(&site.path("data"), &variables, &arguments);
        all_arrives(&server, &collector).await;
        server.stop();
        let seen = secure.seen();
        for path in paths(protocol) {
            assert!(seen.iter().any(|it| it["path"] == *path), "{path} is not in {seen:#?}");
        }
        for request in &seen {
            assert_eq!(header(request, "authorization"), TOKEN, "{request}");
            assert_eq!(header(request, "x-tenant"), "shop", "{request}");
        }
        let printed = collector.printed();
        for attribute in [
            "service.name: Str(shop-campaigns)",
            "deployment.environment.name: Str(a,b)",
            "team: Str(growth)",
        ] {
            assert!(printed.contains(attribute), "{attribute} is not in\n{printed}");
        }
    }
}

/// What `cadencia doctor` says of the collector: verdict, what was found, advice.
fn doctor(telemetry: &str) -> [String; 3] {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("settings.yaml");
    let data = folder.path().join("data").display().to_string();
    std::fs::write(&config, format!("data_dir: {data}\n{telemetry}")).expect("a file");
    let mut command = environment::cadencia();
    let output = command.arg("doctor").arg("--config").arg(config).args(["-o", "json"]).output();
    let output = output.expect("the binary runs");
    let checks: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let checks = checks.as_array().expect("a list");
    let check = checks.iter().find(|check| check["check"] == "collector").expect("the check");
    ["verdict", "found", "advice"].map(|key| check[key].as_str().unwrap_or_default().to_owned())
}

#[track_caller]
fn says(telemetry: &str, verdict: &str, found: &str, advice: &str) {
    let told = doctor(telemetry);
    let right = told[0] == verdict && told[1].contains(found) && told[2].contains(advice);
    assert!(right, "{telemetry}: {told:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_says_what_is_wrong_with_the_collector() {
    let collector = Collector::start().await;
    let secure = Secure::start(&collector, TOKEN);
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = free.local_addr().expect("its address").port();
    drop(free);
    let hangs = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let hangs = hangs.local_addr().expect("its address").port();
    says("", "ok", "none is set", "");
    for (protocol, other) in [("grpc", collector.http), ("http", collector.grpc)] {
        let of = |endpoint: &str, more: &str| {
            format!("telemetry: {{endpoint: '{endpoint}', protocol: {protocol}{more}}}\n")
        };
        let (url, authority) = (secure.url(), secure.authority());
        let (trusted, token) =
            (format!(", ca_file: '{authority}'"), format!(", headers: ['authorization={TOKEN}']"));
        says(&settings(&collector, protocol, ""), "ok", "takes traces, logs, metrics", "");
        let fewer = settings(&collector, protocol, "  logs: false\n  traces: false\n");
        says(&fewer, "ok", "takes metrics", "");
        says(&of(&url, &format!("{trusted}{token}")), "ok", "takes traces, logs, metrics", "");
        says(&of(&url, &trusted), "failed", "traces: ", "telemetry.headers");
        says(&of(&url, &token), "failed", "certificate", "telemetry.ca_file");
        let other_name = url.replace("localhost", "127.0.0.1");
        says(&of(&other_name, &format!("{trusted}{token}")), "failed", "certificate", "ca_file");
        let refused = format!("http://127.0.0.1:{closed}");
        says(&of(&refused, ""), "failed", "refused", "is the collector running");
        let silent = format!("http://127.0.0.1:{hangs}");
        says(&of(&silent, ", timeout_seconds: 1"), "failed", "", "is the collector running");
        says(&of(&format!("http://127.0.0.1:{other}"), ""), "failed", "", "another protocol");
        let plain = format!("https://localhost:{}", collector.http);
        says(&of(&plain, &trusted), "failed", "", "another protocol");
        says(&of("collector:4317", ""), "failed", "telemetry.endpoint", "correct what");
        let missing = of(&url, ", ca_file: /nowhere/authority.pem");
        says(&missing, "failed", "/nowhere/authority.pem", "correct what");
    }
}

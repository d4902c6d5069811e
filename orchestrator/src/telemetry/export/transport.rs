//! Speaks to the collector, by gRPC or by HTTP.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse, metrics_service_client,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::ExportError;
use crate::config::settings::{Protocol, Telemetry as Settings};

/// Media type of OTLP over HTTP.
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
/// Longest answer of a collector that is read, in bytes: it is a few numbers.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// What is set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The endpoint.
    #[error("telemetry.endpoint: {0}")]
    Endpoint(String),
    /// A header.
    #[error("telemetry.headers: `{0}` is not `name=value`")]
    Header(String),
    /// The certificates.
    #[error("telemetry.ca_file: {0}")]
    Certificate(String),
}

/// What is set, checked.
#[derive(Debug)]
pub(super) struct Plan {
    endpoint: String,
    protocol: Protocol,
    headers: HeaderMap,
    authority: Option<Vec<u8>>,
    timeout: Duration,
}

impl Plan {
    pub(super) fn new(settings: &Settings) -> Result<Self, ExportError> {
        let endpoint = settings.endpoint.clone().unwrap_or_default();
        let wrong = |error: &dyn std::fmt::Display| {
            TransportError::Endpoint(format!("`{endpoint}`: {error}"))
        };
        let url = reqwest::Url::parse(&endpoint).map_err(|error| wrong(&error))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong(&"it begins with http:// or https:// and a host").into());
        }
        let read = |path: &std::path::PathBuf| {
            let named = |error| ExportError::File { path: path.clone(), error };
            std::fs::read(path).map_err(named)
        };
        let mut headers = HeaderMap::new();
        for pair in &settings.headers {
            // The value of a header that is wrong may be a secret: only its beginning is shown.
            header(pair, &mut headers)?;
        }
        if let Some(path) = &settings.headers_file {
            let text = String::from_utf8_lossy(&read(path)?).into_owned();
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            for line in lines {
                header(line, &mut headers)?;
            }
        }
        let authority = settings.ca_file.as_ref().map(read).transpose()?;
        let timeout = Duration::from_secs(settings.timeout_seconds);
        Ok(Self { endpoint, protocol: settings.protocol, headers, authority, timeout })
    }
}

fn header(pair: &str, headers: &mut HeaderMap) -> Result<(), TransportError> {
    let name = pair.split(['=', ':']).next().unwrap_or_default();
    let wrong = || TransportError::Header(name.to_owned());
    let (name, value) = pair.split_once('=').or_else(|| pair.split_once(':')).ok_or_else(wrong)?;
    let name: HeaderName = name.trim().to_ascii_lowercase().parse().map_err(|_| wrong())?;
    let mut value: HeaderValue = value.trim().parse().map_err(|_| wrong())?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

/// The way to the collector; connects when it is first used.
#[derive(Clone, Debug)]
pub(super) enum Transport {
    Grpc { channel: Channel, headers: MetadataMap },
    Http { client: reqwest::Client, base: String },
}

/// What the collector did not take, of what it was given.
pub(super) type Taken = Result<u64, String>;

impl Transport {
    /// Must be called inside a tokio runtime.
    pub(super) fn connect(plan: &Plan) -> Result<Self, TransportError> {
        let wrong = |error: &dyn std::fmt::Display| TransportError::Endpoint(error.to_string());
        let bad = |error: &dyn std::fmt::Display| TransportError::Certificate(error.to_string());
        match plan.protocol {
            Protocol::Grpc => {
                let endpoint = Endpoint::from_shared(plan.endpoint.clone());
                let mut endpoint = endpoint.map_err(|error| wrong(&error))?;
                endpoint = endpoint.timeout(plan.timeout).connect_timeout(plan.timeout);
                if plan.endpoint.starts_with("https://") {
                    let tls = match &plan.authority {
                        Some(pem) => {
                            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))
                        }
                        None => ClientTlsConfig::new().with_webpki_roots(),
                    };
                    endpoint = endpoint.tls_config(tls).map_err(|error| bad(&error))?;
                }
                let headers = MetadataMap::from_headers(plan.headers.clone());
                Ok(Self::Grpc { channel: endpoint.connect_lazy(), headers })
            }
            Protocol::Http => {
                let mut client = reqwest::Client::builder()
                    .timeout(plan.timeout)
                    .default_headers(plan.headers.clone())
                    .redirect(reqwest::redirect::Policy::none())
                    .no_proxy();
                if let Some(pem) = &plan.authority {
                    let all = reqwest::Certificate::from_pem_bundle(pem);
                    client = client.tls_certs_only(all.map_err(|error| bad(&error))?);
                }
                let client = client.build().map_err(|error| wrong(&error))?;
                let base = plan.endpoint.trim_end_matches('/').to_owned();
                Ok(Self::Http { client, base })
            }
        }
    }

    /// Hands over spans.
    pub(super) async fn traces(&self, request: ExportTraceServiceRequest) -> Taken {
        let answer: ExportTraceServiceResponse = match self {
            Self::Grpc { channel, headers } => {
                let mut client = TraceServiceClient::new(channel.clone());
                spoken(client.export(asking(headers, request)).await)?
            }
            Self::Http { client, base } => post(client, base, "/v1/traces", &request).await?,
        };
        Ok(answer.partial_success.map_or(0, |partial| rejected(partial.rejected_spans)))
    }

    /// Hands over log records.
    pub(super) async fn logs(&self, request: ExportLogsServiceRequest) -> Taken {
        let answer: ExportLogsServiceResponse = match self {
            Self::Grpc { channel, headers } => {
                let mut client = LogsServiceClient::new(channel.clone());
                spoken(client.export(asking(headers, request)).await)?
            }
            Self::Http { client, base } => post(client, base, "/v1/logs", &request).await?,
        };
        Ok(answer.partial_success.map_or(0, |partial| rejected(partial.rejected_log_records)))
    }

    /// Hands over metrics.
    pub(super) async fn metrics(&self, request: ExportMetricsServiceRequest) -> Taken {
        let answer: ExportMetricsServiceResponse = match self {
            Self::Grpc { channel, headers } => {
                let mut client = metrics_service_client::MetricsServiceClient::new(channel.clone());
                spoken(client.export(asking(headers, request)).await)?
            }
            Self::Http { client, base } => post(client, base, "/v1/metrics", &request).await?,
        };
        Ok(answer.partial_success.map_or(0, |partial| rejected(partial.rejected_data_points)))
    }
}

fn asking<T>(headers: &MetadataMap, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    *request.metadata_mut() = headers.clone();
    request
}

fn spoken<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> Result<T, String> {
    answer.map(tonic::Response::into_inner).map_err(|status| {
        let mut words = format!("{:?}", status.code());
        if !status.message().is_empty() {
            words = format!("{words}: {}", status.message());
        }
        with_causes(words, std::error::Error::source(&status))
    })
}

/// What happened, with why: libraries say the reason at the end of their chain.
fn with_causes(mut words: String, mut cause: Option<&dyn std::error::Error>) -> String {
    while let Some(error) = cause {
        let said = error.to_string();
        if !words.contains(&said) {
            words = format!("{words}: {said}");
        }
        cause = error.source();
    }
    words
}

fn rejected(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

async fn post<A: Message + Default>(
    client: &reqwest::Client,
    base: &str,
    path: &str,
    request: &impl Message,
) -> Result<A, String> {
    let plain = |error: reqwest::Error| {
        let error = error.without_url();
        with_causes(error.to_string(), std::error::Error::source(&error))
    };
    let body = request.encode_to_vec();
    let asked = client.post(format!("{base}{path}")).header(CONTENT_TYPE, PROTOBUF).body(body);
    let answer = asked.send().await.map_err(plain)?;
    if !answer.status().is_success() {
        return Err(format!("status {}", answer.status()));
    }
    if answer.content_length().is_some_and(|length| length > ANSWER_BYTES_MAX) {
        return Ok(A::default());
    }
    let bytes = answer.bytes().await.map_err(plain)?;
    // A collector that answers in another form has taken it all the same.
    Ok(A::decode(bytes).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(change: impl FnOnce(&mut Settings)) -> Result<Plan, String> {
        let mut settings =
            Settings { endpoint: Some("http://127.0.0.1:4317".to_owned()), ..Settings::default() };
        change(&mut settings);
        Plan::new(&settings).map_err(|error| error.to_string())
    }

    #[test]
    fn headers_are_read_and_a_wrong_one_keeps_its_secret() {
        let headers = vec!["x-key=a=b".to_owned(), "Authorization: Bearer t".to_owned()];
        let made = plan(|settings| settings.headers = headers).unwrap();
        assert_eq!(made.headers.get("x-key").unwrap(), "a=b");
        assert_eq!(made.headers.get("authorization").unwrap(), "Bearer t");
        let error = plan(|settings| settings.headers = vec!["bad name=secret".into()]).unwrap_err();
        assert!(error.contains("bad name") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn an_endpoint_needs_a_scheme_and_a_host() {
        for bad in ["collector:4317", "ftp://collector", "http://", ""] {
            let error = plan(|settings| settings.endpoint = Some(bad.to_owned())).unwrap_err();
            assert!(error.starts_with("telemetry.endpoint"), "{bad}: {error}");
        }
    }
}

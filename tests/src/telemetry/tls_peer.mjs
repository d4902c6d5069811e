// TLS in front of an OTLP collector, by Node's own HTTP/1.1 and HTTP/2: says what arrives, and
// passes it on.
//
// tls_peer.mjs CERTIFICATE KEY GRPC_PORT HTTP_PORT [AUTHORIZATION]
//     prints {"port": N}, then one JSON line {"path", "version", "headers"} per request; whoever
//     does not bring the authorization is refused; ends with its standard input
import fs from "node:fs";
import http from "node:http";
import http2 from "node:http2";

const [certificate, key, grpcPort, httpPort, authorization] = process.argv.slice(2);
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");
const collector = http2.connect(`http://127.0.0.1:${grpcPort}`);
const server = http2.createSecureServer({
  cert: fs.readFileSync(certificate),
  key: fs.readFileSync(key),
  allowHTTP1: true,
});

// Without pseudo-headers, and without what is of one connection.
const plain = (headers) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith(":") && name !== "connection"),
  );

function grpc(request, response) {
  const path = request.url;
  const asked = collector.request({ ...plain(request.headers), ":path": path, ":method": "POST" });
  asked.on("error", () => response.stream.close());
  asked.on("response", (told, flags) => {
    response.writeHead(told[":status"], plain(told));
    if (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) response.end();
    else asked.pipe(response);
  });
  asked.on("trailers", (told) => {
    for (const [name, value] of Object.entries(plain(told))) response.setTrailer(name, value);
  });
  request.pipe(asked);
}

function protobuf(request, response) {
  const { method, url: path, headers } = request;
  const asked = http.request({ port: httpPort, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  asked.on("error", () => response.destroy());
  request.pipe(asked);
}

server.on("request", (request, response) => {
  const { url: path, httpVersionMajor: version, headers } = request;
  say({ path, version, headers: plain(headers) });
  if (authorization && headers.authorization !== authorization) {
    request.resume();
    if (version === 1) response.writeHead(401);
    else response.writeHead(200, { "content-type": "application/grpc", "grpc-status": "16" });
    response.end();
  } else if (version === 1) {
    protobuf(request, response);
  } else {
    grpc(request, response);
  }
});

server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));

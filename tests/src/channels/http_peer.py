"""Twilio and receivers of webhooks for the tests, by libraries that share no code with ours.

http_peer.py twilio ACCOUNT USER PASSWORD
    a server that takes messages as Twilio's API does. Prints {"port": N}, then one JSON line per
    request that it took apart; ends with its standard input. What it answers, it first reads with
    the client's own types. The number decides: +1555 and a code is an error with that code, +1556
    too many requests, +1557 a failure of the server, +1558 no answer, anything else is taken.
http_peer.py twilio-client URL ACCOUNT PASSWORD
    reads the parameters of a message from standard input as JSON, sends it to URL by the official
    client, prints what the client makes of the answer
http_peer.py twilio-report SIGNED SENT TOKEN
    reads the parameters of a status callback from standard input as JSON, signs them for the
    address SIGNED by the official library, posts them to SENT, prints the answer
http_peer.py webhook SECRET
    a receiver of Standard Webhooks. Prints one JSON line per request: whether the signature is that
    of the secret, and what it says. The path is the status that it answers with; /break is none
"""

import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl


# Each connection has a thread of its own: a line is written as a whole.
speaking = threading.Lock()


def say(value):
    with speaking:
        print(json.dumps(value), flush=True)


class Twilio(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    account = user = password = ""
    # A message of each number, as it was asked for: the same request makes another message.
    taken = 0
    lock = threading.Lock()

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = dict(parse_qsl(body.decode(), strict_parsing=True, keep_blank_values=True))
        say({
            "path": self.path,
            "type": self.headers["Content-Type"],
            "authorization": self.headers["Authorization"],
            "form": form,
        })
        expected = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if self.headers["Authorization"] != f"Basic {expected}":
            return self.error(401, 20003, "Authenticate")
        if self.path != f"/2010-04-01/Accounts/{self.account}/Messages.json":
            return self.error(404, 20404, "The requested resource was not found")
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return self.error(400, 21603, "A 'From' phone number is required.")
        if not form.get("Body"):
            return self.error(400, 21602, "Message body is required.")
        to = form.get("To", "")
        if to.startswith("+1555"):
            return self.error(400, int(to[5:]), "as the number asks for")
        if to.startswith("+1556"):
            return self.error(429, 20429, "Too Many Requests", {"Retry-After": "7"})
        if to.startswith("+1557"):
            return self.error(500, 20500, "Internal Server Error")
        if to.startswith("+1558"):
            self.close_connection = True
            return None
        return self.message(form)

    def do_GET(self):
        expected = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if self.headers["Authorization"] != f"Basic {expected}":
            return self.error(401, 20003, "Authenticate")
        if self.path != f"/2010-04-01/Accounts/{self.account}.json":
            return self.error(404, 20404, "The requested resource was not found")
        body = json.dumps({"sid": self.account, "status": "active"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def message(self, form):
        from twilio.rest import Client
        from twilio.rest.api.v2010.account.message import MessageInstance

        with self.lock:
            Twilio.taken += 1
            sid = f"SM{Twilio.taken:032x}"
        payload = {
            "account_sid": self.account, "api_version": "2010-04-01", "body": form["Body"],
            "date_created": "Tue, 24 Nov 2026 12:00:00 +0000",
            "date_updated": "Tue, 24 Nov 2026 12:00:00 +0000", "date_sent": None,
            "direction": "outbound-api", "error_code": None, "error_message": None,
            "from": form.get("From"), "messaging_service_sid": form.get("MessagingServiceSid"),
            "num_media": "0", "num_segments": "1", "price": None, "price_unit": None, "sid": sid,
            "status": "accepted" if "MessagingServiceSid" in form else "queued",
            "subresource_uris": {}, "to": form["To"],
            "uri": f"/2010-04-01/Accounts/{self.account}/Messages/{sid}.json",
        }
        version = Client(self.account, self.password).api.v2010
        read = MessageInstance(version, json.loads(json.dumps(payload)), self.account)
        assert (read.sid, read.to, read.body) == (sid, form["To"], form["Body"])
        self.answer(201, payload)

    def error(self, status, code, message, headers=None):
        more = f"https://www.twilio.com/docs/errors/{code}"
        self.answer(
            status,
            {"code": code, "message": message, "more_info": more, "status": status},
            headers,
        )

    def answer(self, status, value, headers=None):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    webhook = None

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        from standardwebhooks import WebhookVerificationError

        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            said, sound = self.webhook.verify(body, dict(self.headers)), True
        except WebhookVerificationError as error:
            said, sound = str(error), False
        say({
            "path": self.path,
            "type": self.headers["Content-Type"],
            "id": self.headers["webhook-id"],
            "signatures": self.headers["webhook-signature"].split(" "),
            "sound": sound,
            "said": said,
        })
        if self.path == "/break":
            self.close_connection = True
            return
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.send_header("Retry-After", "7")
        self.end_headers()


def serve(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say({"port": server.server_address[1]})
    sys.stdin.read()


def twilio_client(url, account, password):
    from twilio.base.exceptions import TwilioRestException
    from twilio.rest import Client

    client = Client(account, password)
    client.api.base_url = url
    try:
        message = client.messages.create(**json.load(sys.stdin))
        say({"sid": message.sid, "status": message.status})
    except TwilioRestException as error:
        say({"code": error.code, "http": error.status})


def twilio_report(signed, sent, token):
    from urllib.error import HTTPError
    from urllib.parse import urlencode
    from urllib.request import Request, urlopen

    from twilio.request_validator import RequestValidator

    parameters = json.load(sys.stdin)
    signature = RequestValidator(token).compute_signature(signed, parameters)
    request = Request(sent, urlencode(parameters).encode(), {"X-Twilio-Signature": signature})
    try:
        with urlopen(request) as answer:
            say({"status": answer.status, "body": answer.read().decode()})
    except HTTPError as error:
        say({"status": error.code, "body": error.read().decode()})


def main():
    command, *arguments = sys.argv[1:]
    if command == "twilio":
        Twilio.account, Twilio.user, Twilio.password = arguments
        serve(Twilio)
    elif command == "webhook":
        from standardwebhooks import Webhook

        Receiver.webhook = Webhook(*arguments)
        serve(Receiver)
    elif command == "twilio-client":
        twilio_client(*arguments)
    elif command == "twilio-report":
        twilio_report(*arguments)
    else:
        sys.exit(f"unknown command {command}")


main()

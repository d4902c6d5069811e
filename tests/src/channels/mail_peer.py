"""A mail server and a DKIM verifier for the tests, by programs that share no code with ours.

mail_peer.py serve [--tls CERTIFICATE KEY] [--auth USER PASSWORD] [--only MECHANISM]
    prints {"port": N}, then one JSON line per message; ends with its standard input
mail_peer.py verify
    reads one JSON object {"message", "record_name", "record"}, prints true or false
"""

import argparse
import asyncio
import json
import ssl
import sys


# How long it takes to know an address that begins with "slow".
SLOW_SECONDS = 2.5


def say(value):
    print(json.dumps(value), flush=True)


class Handler:
    # Addresses that were asked for once, and never answered.
    stuck = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("unknown"):
            return "550 5.1.1 no such user"
        if address.startswith("canary"):
            # As most servers do, it repeats the address.
            return f"550 5.1.1 <{address}>: no such person"
        if address.startswith("slow"):
            await asyncio.sleep(SLOW_SECONDS)
        if address.startswith("stuck") and address not in self.stuck:
            self.stuck.add(address)
            # Until whoever asks is gone.
            await asyncio.Event().wait()
        if address.startswith("later"):
            return "451 4.7.1 greylisted, try again in 5 minutes"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("spam"):
            return "554 5.7.1 refused as spam"
        say({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": envelope.original_content.decode("latin-1"),
            "tls": session.ssl is not None,
            "user": session.auth_data,
        })
        return "250 2.0.0 taken"


async def serve(options):
    from aiosmtpd.smtp import SMTP, AuthResult

    def authenticate(server, session, envelope, mechanism, data):
        given = [data.login.decode(), data.password.decode()]
        return AuthResult(success=given == options.auth, handled=False, auth_data=given[0])

    settings = {"enable_SMTPUTF8": True}
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        settings.update(tls_context=context, require_starttls=True)
    if options.auth:
        settings.update(authenticator=authenticate, auth_required=True)
        settings.update(auth_require_tls=bool(options.tls))
    if options.only:
        settings["auth_exclude_mechanism"] = [m for m in ("LOGIN", "PLAIN") if m != options.only]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), **settings), "127.0.0.1", 0)
    say({"port": server.sockets[0].getsockname()[1]})
    await loop.run_in_executor(None, sys.stdin.read)


def verify():
    import dkim

    given = json.load(sys.stdin)

    def dns(name, timeout=5):
        known = name.decode().rstrip(".") == given["record_name"]
        return given["record"].encode() if known else None

    say(dkim.verify(given["message"].encode("latin-1"), dnsfunc=dns))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve", "verify"])
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--auth", nargs=2)
    parser.add_argument("--only")
    options = parser.parse_args()
    if options.command == "verify":
        verify()
    else:
        asyncio.run(serve(options))


main()

"""Asks yaml-language-server what an editor would show.

editor.py SERVER SCHEMA < request
request: {"text": "...", "complete": [[line, column], ...]}
answer:  {"problems": ["message", ...], "complete": [["label", ...], ...], "hover": "..."}
"""

import json
import subprocess
import sys


class Server:
    def __init__(self, command, schema):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.number = 0
        self.notices = []
        self.settings = {
            "yaml": {
                "schemas": {"file://" + schema: "*.yaml"},
                "schemaStore": {"enable": False},
                "validate": True,
                "hover": True,
                "completion": True,
            },
            "http": {},
            "[yaml]": {},
            "editor": {},
            "files": {},
        }

    def write(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def read(self):
        length = None
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("the language server has ended")
            line = line.strip()
            if not line:
                break
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(self.process.stdout.read(length))

    def step(self):
        message = self.read()
        if "method" in message and "id" in message:
            self.write({"id": message["id"], "result": self.reply(message)})
        elif "method" in message:
            self.notices.append(message)
        return message

    def reply(self, message):
        if message["method"] == "workspace/configuration":
            return [self.settings.get(item["section"]) for item in message["params"]["items"]]
        return None

    def ask(self, method, params):
        self.number += 1
        number = self.number
        self.write({"id": number, "method": method, "params": params})
        while True:
            message = self.step()
            if message.get("id") == number and "method" not in message:
                if "error" in message:
                    raise SystemExit(str(message["error"]))
                return message["result"]

    def tell(self, method, params):
        self.write({"method": method, "params": params})

    def problems(self, uri):
        while True:
            for notice in self.notices:
                if notice["method"] == "textDocument/publishDiagnostics":
                    params = notice["params"]
                    if params["uri"] == uri:
                        return [one["message"] for one in params["diagnostics"]]
            self.step()


def main():
    server_script, schema = sys.argv[1:3]
    request = json.load(sys.stdin)
    server = Server(["node", server_script, "--stdio"], schema)
    capabilities = {
        "workspace": {"configuration": True},
        "textDocument": {"completion": {"completionItem": {"snippetSupport": False}}},
    }
    server.ask("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
    server.tell("initialized", {})
    server.tell("workspace/didChangeConfiguration", {"settings": server.settings})
    uri = "file:///campaign/journey.yaml"
    document = {"uri": uri, "languageId": "yaml", "version": 1, "text": request["text"]}
    server.tell("textDocument/didOpen", {"textDocument": document})
    answer = {"problems": server.problems(uri), "complete": [], "hover": []}

    def place(at):
        return {"textDocument": {"uri": uri}, "position": {"line": at[0], "character": at[1]}}

    for at in request.get("complete", []):
        result = server.ask("textDocument/completion", place(at))
        items = result["items"] if isinstance(result, dict) else result
        answer["complete"].append([item["label"] for item in items or []])
    for at in request.get("hover", []):
        result = server.ask("textDocument/hover", place(at))
        contents = (result or {}).get("contents", "")
        answer["hover"].append(contents["value"] if isinstance(contents, dict) else str(contents))
    json.dump(answer, sys.stdout)
    server.process.kill()


main()

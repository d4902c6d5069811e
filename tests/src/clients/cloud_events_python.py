"""The CloudEvents library for Python, unmodified, in all three modes of HTTP."""
import base64
import json
import sys
import urllib.request

from cloudevents.v1.conversion import to_dict
from cloudevents.v1.http import CloudEvent, to_binary, to_structured

url, write_key = sys.argv[1:3]
authorization = "Basic " + base64.b64encode(f"{write_key}:".encode()).decode()


def event(number, kind="Order Completed", data=None, **more):
    attributes = {"type": kind, "source": "/shop/orders", "id": str(number), "subject": "cloud",
                  "time": "2026-03-01T10:00:00Z", **more}
    return CloudEvent(attributes, data or {"revenue": number})


def post(headers, body):
    if isinstance(body, str):
        body = body.encode()
    headers = {**headers, "authorization": authorization}
    request = urllib.request.Request(url + "/v1/events", data=body, headers=headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        told = json.load(answer)
        assert told["success"] and not told.get("rejected"), told
        return told


post(*to_binary(event(1)))
post(*to_binary(event(1)))  # The same source and id: a repeat.
headers, body = to_structured(event(2))
post(headers, body)
# The library has no batch of its own: a JSON list of structured events, as the specification says.
batch = [json.loads(to_structured(event(number))[1]) for number in (3, 4)]
batched = {"content-type": "application/cloudevents-batch+json"}
assert post(batched, json.dumps(batch))["accepted"] == 2
post(*to_binary(event(5, "cadencia.identify", {"email": "cloud@example.com"})))

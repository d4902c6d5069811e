"""The CloudEvents library for Python, unmodified, with the extension "Distributed Tracing".

cloud_events_peer.py URL
    reads one JSON object {customer: {"mode": M, "traceparent": T or null}}; signs each of them up,
    those of the mode "batched" in one request; prints {}
"""
import json
import sys
import urllib.request

from cloudevents.v1.conversion import to_binary, to_structured
from cloudevents.v1.http import CloudEvent


def event(customer, said):
    attributes = {"type": "Signed Up", "source": "/shop", "id": customer, "subject": customer}
    if said["traceparent"]:
        attributes.update(traceparent=said["traceparent"], tracestate="vendor=opaque")
    return CloudEvent(attributes, {})


def post(headers, body):
    body = body.encode() if isinstance(body, str) else body
    url = sys.argv[1] + "/v1/events"
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        told = json.load(answer)
        assert told["success"] and not told.get("rejected"), told


given = json.load(sys.stdin)
for customer, said in given.items():
    if said["mode"] == "binary":
        post(*to_binary(event(customer, said)))
    elif said["mode"] == "structured":
        post(*to_structured(event(customer, said)))
batch = [json.loads(to_structured(event(customer, said))[1])
         for customer, said in given.items() if said["mode"] == "batched"]
headers = {"content-type": "application/cloudevents-batch+json",
           "traceparent": "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"}
post(headers, json.dumps(batch))
print("{}")

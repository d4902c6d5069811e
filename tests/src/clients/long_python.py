"""Segment's client library for Python, unmodified, over some seconds: it repeats what it could not
deliver."""
import sys
import time

from segment.analytics.client import Client

url, write_key, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
failures = []
client = Client(write_key, host=url, on_error=lambda error, _: failures.append(error),
                upload_size=10, upload_interval=0.05, max_retries=20, timeout=5)
for n in range(count):
    client.track(f"long-{n % 10}", "Order Completed", {"n": n})
    # An application does not send everything at once.
    time.sleep(0.01)
client.flush()
client.join()
sys.exit(f"not delivered: {failures}" if failures else 0)

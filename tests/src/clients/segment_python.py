"""Segment's client library for Python, unmodified: every call that it has."""
import datetime
import sys

from segment.analytics.client import Client

url, write_key = sys.argv[1:3]
failures = []
client = Client(write_key, host=url, gzip=True, on_error=lambda error, _: failures.append(error),
                max_retries=2)
client.identify("py", {"email": "py@example.com", "plan": "gold", "nothing": None})
client.track("py", "Order Completed", {"revenue": 9.5, "items": [1, 2], "coupon": None},
             timestamp=datetime.datetime(2026, 3, 1, 10, 0, tzinfo=datetime.timezone.utc))
client.page("py", "Shop", "Home", {"url": "https://shop.example/"})
client.screen("py", "App", "Cart")
client.group("py", "acme", {"employees": 12})
client.track(anonymous_id="py-device", event="Product Viewed", properties={"sku": "a"})
client.alias("py-device", "py")
client.flush()
client.join()
sys.exit(f"not delivered: {failures}" if failures else 0)

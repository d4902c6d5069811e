"""RudderStack's client library for Python, unmodified."""
import sys

import rudderstack.analytics as rudder

url, write_key = sys.argv[1:3]
failures = []
rudder.write_key = write_key
rudder.dataPlaneUrl = url
rudder.gzip = sys.argv[3] == "gzip"
rudder.on_error = lambda error, _: failures.append(error)
rudder.identify("ruddy", {"email": "ruddy@example.com"})
rudder.track("ruddy", "Order Completed", {"revenue": 12})
rudder.page("ruddy", "Shop", "Home", {"url": "https://shop.example/"})
rudder.screen("ruddy", "App", "Cart")
rudder.group("ruddy", "acme", {"employees": 12})
rudder.alias("ruddy-device", "ruddy")
rudder.flush()
rudder.shutdown()
sys.exit(f"not delivered: {failures}" if failures else 0)

// Segment's client library for Node, unmodified, over some seconds: it repeats what it could not
// deliver.
import { createRequire } from "node:module";
import { setTimeout } from "node:timers/promises";

const [url, writeKey, modules, count] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { Analytics } = require("@segment/analytics-node");

const analytics = new Analytics({
  writeKey, host: url, path: "/v1/batch", flushAt: 10, flushInterval: 50, maxRetries: 50,
});
const failures = [];
analytics.on("error", (error) => failures.push(error));
for (let n = 0; n < Number(count); n++) {
  analytics.track({ userId: `long-${n % 10}`, event: "Order Completed", properties: { n } });
  // An application does not send everything at once.
  await setTimeout(10);
}
await analytics.closeAndFlush({ timeout: 60_000 });
if (failures.length > 0) {
  console.error("not delivered:", failures);
  process.exit(1);
}

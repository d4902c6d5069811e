// RudderStack's client library for Node, unmodified.
import { createRequire } from 'node:module';
const [url, writeKey, modules] = process.argv.slice(2);
const required = createRequire(`${modules}/`)('@rudderstack/rudder-sdk-node');
const Rudder = required.default ?? required;

const client = new Rudder(writeKey, { dataPlaneUrl: url, gzip: true, flushAt: 20 });
const userId = 'rudnode';
const refused = [];
const told = (error) => { if (error) refused.push(error); };
client.identify({ userId, traits: { email: 'rudnode@example.com' } }, told);
client.track({ userId, event: 'Order Completed', properties: { revenue: 12 } }, told);
client.page({ userId, name: 'Home', properties: { url: 'https://shop.example/' } }, told);
client.screen({ userId, name: 'Cart' }, told);
client.group({ userId, groupId: 'acme', traits: { employees: 12 } }, told);
client.alias({ previousId: 'rudnode-device', userId }, told);
await client.flush();
if (refused.length) throw new Error(String(refused));

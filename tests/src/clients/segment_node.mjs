// Segment's client library for Node, unmodified: every call that it has.
import { createRequire } from 'node:module';
const [url, writeKey, modules] = process.argv.slice(2);
const { Analytics } = createRequire(`${modules}/`)('@segment/analytics-node');

const analytics = new Analytics({ writeKey, host: url, path: '/v1/batch', maxRetries: 2 });
const failures = [];
analytics.on('error', (error) => failures.push(error));
const userId = 'node';
analytics.identify({ userId, traits: { email: 'node@example.com', nothing: null } });
analytics.track({ userId, event: 'Order Completed', properties: { revenue: 9.5 },
  timestamp: new Date('2026-03-01T10:00:00Z') });
analytics.page({ userId, category: 'Shop', name: 'Home', properties: { url: 'https://shop.example/' } });
analytics.screen({ userId, category: 'App', name: 'Cart' });
analytics.group({ userId, groupId: 'acme', traits: { employees: 12 } });
analytics.alias({ previousId: 'node-device', userId });
await analytics.closeAndFlush();
if (failures.length) throw new Error(JSON.stringify(failures));

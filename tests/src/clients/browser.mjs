// Segment's client library for browsers, unmodified, on a page of another origin in Chromium.
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
const [url, writeKey, modules, chromiumPath] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { chromium } = require('playwright-core');

const library = readFileSync(`${modules}/@segment/analytics-next/dist/umd/index.js`);
const server = createServer((request, response) => {
  if (request.url === '/library.js') {
    response.setHeader('content-type', 'text/javascript');
    response.end(library);
  } else {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>Shop</title><script src="/library.js"></script>');
  }
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const shop = `http://127.0.0.1:${server.address().port}/`;

const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
const answers = [];
try {
  const page = await browser.newPage();
  page.on('response', (response) => {
    if (response.url().startsWith(url)) answers.push([response.request().method(),
      new URL(response.url()).pathname, response.status()]);
  });
  page.on('requestfailed', (request) => {
    if (request.url().startsWith(url)) answers.push(['failed', request.url(), request.failure().errorText]);
  });
  await page.goto(shop);
  const host = new URL(url).host;
  await page.evaluate(async ([apiKey, apiHost]) => {
    const analytics = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: apiKey,
      cdnSettings: { integrations: { 'Segment.io': { apiKey, apiHost, protocol: 'http' } } } });
    await analytics.identify('web', { email: 'web@example.com' });
    await analytics.track('Order Completed', { revenue: 9.5 });
    await analytics.page('Shop', 'Home', { promoted: true });
    await analytics.screen('App', 'Cart');
    await analytics.group('acme', { employees: 12 });
    await analytics.alias('web', 'web-device');
  }, [writeKey, `${host}/v1`]);
  const wanted = ['/v1/i', '/v1/t', '/v1/p', '/v1/s', '/v1/g', '/v1/a'];
  const told = () => wanted.filter((path) =>
    answers.some(([method, at, status]) => method === 'POST' && at === path && status === 200));
  for (let looks = 0; told().length < wanted.length && looks < 300; looks += 1) {
    await page.waitForTimeout(50);
  }
  if (told().length < wanted.length) throw new Error(`answered: ${JSON.stringify(answers)}`);
} finally {
  await browser.close();
  server.close();
}

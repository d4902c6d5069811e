// What all scripts of the console share: the browser, the login, what is expected of every page,
// and the way to ask the test for something.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export const given = JSON.parse(process.argv[2]);
export const { url, link, password } = given;
const require = createRequire(`${given.modules}/`);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
/** Asks the test for something, and waits until it is done. */
export const ask = async (wish) => {
  console.log(`ask ${wish}`);
  await lines.next();
};

export const expect = (holds, what) => {
  if (!holds) throw new Error(`not so: ${what}`);
};
export const same = (found, wanted, what) => {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  expect(a === b, `${what}: found ${a}, wanted ${b}`);
};
/** A number as a page writes it, without its marks. */
export const number = (text) => Number(text.replace(/[.,\s]/g, ''));

/** Runs a script with a browser, and ends both. */
export const script = async (run) => {
  const args = ['--no-sandbox'];
  const browser = await chromium.launch({ executablePath: given.chromium, args });
  try {
    await run(browser);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await browser.close();
    process.stdin.destroy();
  }
};

/** A browser of somebody, who is in. What is odd on her pages is gathered. */
export const person = async (browser, name, options = {}) => {
  const context = await browser.newContext({ locale: 'en', ...options });
  const odd = [];
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') odd.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => odd.push(`${page.url()}: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) odd.push(`${page.url()} asks ${request.url()}`);
  });
  if (name) {
    await page.goto(`${url}/login`);
    await page.fill('#name', name);
    await page.fill('#password', password);
    await page.click('main button[type=submit]');
    await page.waitForURL(`${url}/`);
  }
  return { context, page, odd };
};

/** Sends an event, as an application would. */
export const say = async (event) => {
  const answer = await fetch(`${url}/v1/track`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) });
  same(answer.status, 200, `the event ${event.event}`);
};

/** Expects rows of the audit log: `action target`, by somebody. */
export const audit = async (page, who, wanted) => {
  await page.goto(`${url}/access/audit`);
  const rows = await page.locator('main tbody tr').evaluateAll((all) => all.map((row) => {
    const [, by, what, target] = [...row.cells];
    return [by.textContent.trim(), `${what.dataset.action} ${target.textContent.trim()}`];
  }));
  for (const one of wanted) {
    expect(rows.some(([by, row]) => by.startsWith(who) && row.startsWith(one)),
      `${who}: ${one} in ${JSON.stringify(rows)}`);
  }
};

/** Serious violations that axe finds on a page. */
export const violations = async (page) => {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const result = await window.axe.run(document, { resultTypes: ['violations'] });
    return result.violations
      .filter((one) => ['serious', 'critical'].includes(one.impact))
      .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html).join(' | ')}`);
  });
  return found;
};

/** Every page for an admin, with what only it shows. */
export const pages = async (page) => {
  const first = async (path, selector) => {
    await page.goto(url + path);
    return page.locator(selector).first().getAttribute('href');
  };
  const send = await first('/sends', 'main table a[href^="/sends/"]');
  const message = await first('/messages', 'main table a[href^="/messages/"]');
  const hostile = encodeURIComponent('<img src=x onerror=alert(1)>"\'&');
  return ['/', '/campaigns', '/journeys', '/journeys/cart-rescue', '/journeys/post-purchase',
    '/journeys/gift/steps/later', '/customers', '/customers/customer-1',
    `/customers/${hostile}`, `/why?customer=${hostile}`, '/sends',
    '/sends?state=refused', send, '/audiences', '/audiences/visitors', '/account', '/why', '/why?customer=customer-1&journey=welcome', '/events',
    '/messages', message, '/definitions', '/definitions/Journey/cart-rescue',
    '/definitions/ContactPolicy/shop', '/system', '/access/tokens', '/access/users',
    '/access/audit'];
};

// Open pages: events appear as they come in, and when the server is killed the page says so, keeps
// what it shows, and recovers by itself.
import { ask, expect, number, person, same, script, url } from './browser.mjs';

await script(async (browser) => {
  const { page } = await person(browser, 'ann');
  const send = async (event) => fetch(`${url}/v1/track`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) });
  await page.goto(`${url}/events`);
  same((await send({ userId: 'customer-1', event: 'Seen Live', messageId: 'live-1' })).status, 200,
    'a good event');
  expect((await send({ event: 'Nobody Did It', messageId: 'live-2' })).status === 400, 'a bad one');
  await page.waitForSelector('tr:has(.badge.accepted):has-text("Seen Live")');
  const bad = page.locator('tr:has(.badge.rejected)', { hasText: 'Nobody Did It' });
  await bad.waitFor();
  expect(/CAD-\d+/.test(await bad.innerText()), 'the reason of the bad one');
  await bad.locator('summary').click();
  await page.evaluate(() => document.activeElement.blur());
  same((await send({ userId: 'customer-2', event: 'Seen Later', messageId: 'live-3' })).status, 200,
    'another event');
  await page.waitForSelector('tr:has-text("Seen Later")');
  expect(await bad.locator('pre').isVisible(), 'what was opened stays open');
  await page.selectOption('#f-result', 'rejected');
  await page.click('main button[type=submit]');
  same(await page.locator('tr:has(.badge.accepted)').count(), 0, 'only rejected ones');

  await page.goto(`${url}/`);
  const entered = async () => number(await page.locator('.figures dd').first().innerText());
  const before = await entered();
  expect(before > 0, 'there is something to see');
  await ask('kill');
  await page.waitForSelector('#lost:not(:empty)');
  same(await entered(), before, 'what was last seen stays');
  await ask('start');
  await page.waitForSelector('#lost:empty', { state: 'attached' });
  same(await entered(), before, 'the same numbers after the restart');
  same((await send({ userId: 'customer-4', event: 'Gift Chosen', messageId: 'live-4',
    properties: { contact: 'x' } })).status, 200, 'an event after the restart');
  await page.waitForFunction((before) => Number(
    document.querySelector('.figures dd').textContent) === before + 1, before);
  // Paused updates are paused.
  await page.click('#pause');
  same(await page.locator('#pause').getAttribute('aria-pressed'), 'true', 'paused');
});

// Pause, resume, stop, tokens and users by clicks: the same operations as those of the API, each
// with its audit row, and none for those who may not, or from elsewhere.
import { ask, audit, expect, person, same, script, url } from './browser.mjs';

await script(async (browser) => {
  const olga = await person(browser, 'olga');
  const state = () => olga.page.evaluate(async () => {
    const all = (await (await fetch('/api/v1/journeys')).json()).items;
    return all.find((one) => one.name === 'gift').state;
  });
  await olga.page.goto(`${url}/journeys/gift`);
  await olga.page.click('button:text-is("Pause")');
  await olga.page.waitForSelector('.badge.paused');
  same(await state(), 'paused', 'after Pause');
  await olga.page.click('button:text-is("Resume")');
  await olga.page.waitForSelector('.badge.running');
  same(await state(), 'running', 'after Resume');
  await olga.page.click('#stop > summary');
  await olga.page.click('button:text-is("Stop the journey")');
  await olga.page.waitForSelector('.badge.stopped');
  same(await state(), 'stopped', 'after Stop');
  same(await olga.page.locator('nav a[href^="/access"]').count(), 0, 'no access pages for her');
  same((await olga.page.goto(`${url}/access/users`)).status(), 403, 'nor by their address');
  await olga.page.goto(`${url}/journeys/gift`);
  // A form without the token of the session does nothing.
  await olga.page.evaluate(() => {
    document.querySelector('.actions input[name=csrf]').value = 'guess';
  });
  await olga.page.click('button:text-is("Start again")');
  await olga.page.waitForSelector('text=CAD-4013');
  same(await state(), 'stopped', 'after a forged form');

  const vera = await person(browser, 'vera');
  await vera.page.goto(`${url}/journeys/gift`);
  same(await vera.page.locator('main form').count(), 0, 'a viewer has no buttons');
  same((await vera.page.goto(`${url}/events`)).status(), 403, 'nor the events');

  const ann = await person(browser, 'ann');
  const { page } = ann;
  await page.goto(`${url}/access/tokens`);
  await page.fill('#name:not([type=search])', 'report');
  await page.click('button:text-is("Make the token")');
  const token = await page.locator('pre.secret').innerText();
  const asks = async () => {
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`${url}/api/v1/status`, { headers })).status;
  };
  same(await asks(), 200, 'the token works');
  await page.goto(`${url}/access/tokens`);
  expect(!(await page.content()).includes(token), 'it is shown once');
  await page.click('details.confirm > summary');
  await page.click('details.confirm button');
  await page.waitForSelector('.badge.revoked');
  same(await asks(), 401, 'a revoked token does not');

  await page.goto(`${url}/access/users`);
  await page.fill('main #name', 'nora');
  await page.selectOption('main #role', 'marketer');
  await page.click('button:text-is("Make the user")');
  const secret = await page.locator('pre.secret').innerText();
  const nora = await person(browser, null);
  await nora.page.goto(`${url}/login`);
  await nora.page.fill('#name', 'nora');
  await nora.page.fill('#password', secret);
  await nora.page.click('main button[type=submit]');
  await nora.page.waitForURL(`${url}/`);
  await page.goto(`${url}/access/users`);
  const row = page.locator('tr', { hasText: 'nora' });
  await row.locator('summary:text-is("Disable")').click();
  await row.locator('button:text-is("Disable")').click();
  await page.waitForSelector('.badge.disabled');
  await nora.page.goto(`${url}/`);
  expect(nora.page.url().startsWith(`${url}/login`), 'her sessions have ended');

  // What was applied, and what differs between versions.
  await ask('change');
  await page.goto(`${url}/definitions`);
  expect((await page.locator('.fields').first().innerText())
    .includes('spec.steps[0].wait.for: PT1H PT2H'), 'what was applied');
  await page.goto(`${url}/definitions/Journey/cart-rescue`);
  const old = await page.locator('#f-old option').nth(1).getAttribute('value');
  await page.selectOption('#f-old', old);
  await page.click('main button[type=submit]');
  same(await page.locator('.diff del').allInnerTexts().then((all) => all.map((one) => one.trim())),
    ['- for: PT1H'.replace('- ', '-       ')], 'the old line');

  await audit(page, 'user olga', ['journey.pause gift', 'journey.resume gift', 'journey.stop gift']);
  await audit(page, 'user ann', ['token.create', 'token.revoke', 'user.create nora',
    'user.disable nora']);
});

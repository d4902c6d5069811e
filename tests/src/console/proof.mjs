// A marketer's way: the one-time link, a user, a journey, a customer, why she got nothing yet, a
// pause, a kill, the morning, a resume, and the message at last.
import { ask, expect, link, password, person, same, script, url } from './browser.mjs';

await script(async (browser) => {
  const { page, odd } = await person(browser, null);
  await page.goto(link);
  await page.waitForURL(`${url}/`);
  same(await page.locator('h1').innerText(), 'Overview', 'the link leads in');

  // A journey by the overview, and the customers on a step.
  await page.click('tr[data-journey=welcome] a');
  await page.click('a.step:has-text("hello")');
  same(await page.locator('main tbody .badge.held').count(), 2, 'two wait for the morning');
  await page.click('main tbody a:text-is("customer-1")');
  await page.waitForSelector('h1:text-is("Customer customer-1")');

  // Why not?
  await page.click('tr:has-text("welcome") a:text-is("Why not?")');
  const told = await page.locator('section[data-journey=welcome]').innerText();
  expect(told.includes('nights') && told.includes('quiet hours until 2026-03-02 08:00:00'), told);
  expect(told.includes('goes on') || told.includes('earliest'), told);
  const now = page.locator('section[data-journey=welcome] li[data-step=hello]').last();
  expect((await now.innerText()).includes('held'), 'the gate says the same now');

  // Pause, and the server dies.
  await page.goto(`${url}/journeys/welcome`);
  await page.click('button:text-is("Pause")');
  await page.waitForSelector('.badge.paused');
  await ask('kill');
  await page.waitForSelector('#lost:not(:empty)');
  await ask('start');
  await page.waitForSelector('#lost:empty', { state: 'attached' });
  same(await page.locator('.head .badge.paused').count(), 1, 'the pause has survived');

  // In the morning nothing goes while it is paused.
  await ask('pass 2026-03-02T09:00:00Z');
  await page.goto(`${url}/messages`);
  const welcomes = page.locator('main tbody tr', { hasText: 'Welcome, Annabella' });
  same(await welcomes.count(), 0, 'nothing of it went while it was paused');
  await page.goto(`${url}/journeys/welcome`);
  await page.click('button:text-is("Resume")');
  await page.waitForSelector('.badge.running');
  await ask('pass 2026-03-02T09:30:00Z');
  await page.goto(`${url}/messages`);
  await welcomes.first().waitFor();
  await welcomes.first().locator('a').click();
  expect((await page.locator('.facts').innerText()).includes('Welcome, Annabella'), 'the message');
  expect((await page.frameLocator('iframe.body').locator('body').innerText()).length > 20,
    'its HTML');

  // A user of her own, by whom she comes back.
  await page.goto(`${url}/access/users`);
  await page.fill('main #name', 'mia');
  await page.selectOption('main #role', 'marketer');
  await page.click('button:text-is("Make the user")');
  const secret = await page.locator('pre.secret').innerText();
  await page.click('.preferences > summary');
  await page.click('button:text-is("Log out")');
  await page.waitForURL(`${url}/login`);
  await page.fill('#name', 'mia');
  await page.fill('#password', secret);
  await page.click('main button[type=submit]');
  await page.waitForURL(`${url}/`);
  await page.goto(`${url}/customers/customer-1`);
  expect((await page.locator('main').innerText()).includes('***'), 'marketers see no addresses');
  expect(password.length > 0, 'given');
  const unexpected = odd.filter((one) => !one.includes('ERR_CONNECTION_REFUSED')
    && !one.includes('ERR_CONNECTION_RESET') && !one.includes('ERR_EMPTY_RESPONSE'));
  same(unexpected, [], 'errors on the way');
});

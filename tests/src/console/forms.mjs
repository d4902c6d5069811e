// Every form of the console: clicked once, its effect seen, its row in the audit log. The forms are
// listed from the pages as they are drawn, and from the table of operations: one that is not
// clicked here fails.
import { ask, audit, expect, given, pages, person, same, say, script, url } from './browser.mjs';

// Patterns of the forms that change something, each action by itself.
const expected = given.forms;
const matches = (pattern) => new RegExp(`^${pattern.replace(/\{[^}]*\}/g, '[^/]+')}$`);
const patternOf = (method, action) => {
  const path = new URL(action, url).pathname;
  if (method === 'get') return `get ${path.replace(/^\/definitions\/.*/, '/definitions/{}')}`;
  return expected.find((pattern) => matches(pattern).test(path)) || `unknown ${path}`;
};
const found = new Set();
const clicked = new Set();
/** Lists the forms of a page. */
const gather = async (page) => {
  const forms = await page.locator('form').evaluateAll((all) =>
    all.map((form) => [form.method, form.action]));
  for (const [method, action] of forms) found.add(patternOf(method, action));
};
/** Sends a form by its button, and waits for the page that comes of it. */
const click = async (page, button) => {
  await gather(page);
  const [method, action] = await button.evaluate((one) => [one.form.method, one.form.action]);
  clicked.add(patternOf(method, action));
  const sent = page.waitForResponse((answer) => answer.request().isNavigationRequest() &&
    answer.status() !== 303);
  await button.click();
  const answer = await sent;
  await page.waitForLoadState();
  await gather(page);
  return answer.status();
};
/** Answers the question behind a button. */
const confirm = async (page, row, label) => {
  const panel = row.locator('details.confirm', { has: page.locator(`summary:text-is("${label}")`) });
  await panel.locator('summary').click();
  return click(page, panel.locator('button'));
};
const logIn = async (browser, name, password) => {
  const { page } = await person(browser, null);
  await page.goto(`${url}/login`);
  await page.fill('#name', name);
  await page.fill('#password', password);
  await click(page, page.locator('main button[type=submit]'));
  return page;
};
const isIn = async (page) => {
  await page.goto(`${url}/`);
  return !page.url().includes('/login');
};

await script(async (browser) => {
  await say({ userId: 'customer-1', event: 'Broken', messageId: 'f1', properties: { parts: 0 } });
  await say({ userId: 'customer-1', event: 'Shown Around', messageId: 'f2' });
  const ann = await logIn(browser, 'ann', given.password);
  expect(await isIn(ann), 'the login lets her in');
  for (const path of await pages(ann)) {
    await ann.goto(url + path);
    await gather(ann);
  }

  // What is only looked for.
  await ann.fill('.search input', 'customer-2');
  await click(ann, ann.locator('.search button'));
  same(await ann.locator('h1').innerText(), 'Customer customer-2', 'the search');
  await ann.goto(`${url}/why`);
  await ann.fill('#customer', 'customer-1');
  await click(ann, ann.locator('main form button'));
  expect(await ann.locator('section[data-journey]').count() > 0, 'why not');
  await ann.goto(`${url}/sends`);
  await ann.selectOption('#f-state', 'refused');
  await click(ann, ann.locator('main form button'));
  same(await ann.locator('main tbody tr').count(), 1, 'the filter of sends');
  await ann.goto(`${url}/events`);
  await ann.selectOption('#f-result', 'rejected');
  await click(ann, ann.locator('main form button'));
  same(new URL(ann.url()).search, '?result=rejected', 'the filter of events');
  await ask('change');
  await ann.goto(`${url}/definitions/Journey/cart-rescue`);
  await ann.selectOption('#f-old', await ann.locator('#f-old option').nth(1).getAttribute('value'));
  await click(ann, ann.locator('main form button'));
  expect((await ann.locator('.diff del').first().innerText()).includes('PT1H'), 'the difference');

  // Language, and back.
  await ann.goto(`${url}/journeys`);
  await ann.click('.preferences > summary');
  await click(ann, ann.locator('button[value=es]'));
  same(await ann.locator('html').getAttribute('lang'), 'es', 'in Spanish');
  await ann.click('.preferences > summary');
  await click(ann, ann.locator('button[value=en]'));

  // A journey.
  await ann.goto(`${url}/journeys/gift`);
  for (const [button, state] of [['Pause', 'paused'], ['Resume', 'running']]) {
    await click(ann, ann.locator(`button:text-is("${button}")`));
    same(await ann.locator(`.head .badge.${state}`).count(), 1, `after ${button}`);
  }
  await ann.click('#stop > summary');
  await click(ann, ann.locator('#stop button'));
  same(await ann.locator('.head .badge.stopped').count(), 1, 'after the stop');
  await audit(ann, 'user ann', ['journey.pause gift', 'journey.resume gift', 'journey.stop gift']);

  // A message that could not be written is sent again.
  await ann.goto(`${url}/sends?state=rejected`);
  const address = await ann.locator('main tbody a[href^="/sends/"]').first().getAttribute('href');
  await ann.goto(url + address);
  await ann.click('#again > summary');
  same(await click(ann, ann.locator('#again button')), 200, 'send it again');
  const repeat = new URL(ann.url()).pathname;
  expect(repeat.startsWith('/sends/') && repeat !== address, `another send: ${repeat}`);
  await ann.goto(url + address);
  same(await ann.locator(`.facts a[href="${repeat}"]`).count(), 1, 'the old one names the new one');
  same(await ann.locator('#again').count(), 0, 'and is not sent a third time');
  await audit(ann, 'user ann', [`send.redrive ${address.split('/').pop()}`]);

  // An audience.
  await ann.goto(`${url}/audiences/visitors`);
  same(await ann.locator('main tbody tr').count(), 1, 'one member');
  await click(ann, ann.locator('button:text-is("Export now")'));
  same(await ann.locator('.facts .badge.accepted').count(), 1, 'it was exported');
  await audit(ann, 'user ann', ['audience.export visitors']);

  // A token.
  const status = async (token) => (await fetch(`${url}/api/v1/status`,
    { headers: { authorization: `Bearer ${token}` } })).status;
  await ann.goto(`${url}/access/tokens`);
  await ann.fill('main #name', 'report');
  await click(ann, ann.locator('button:text-is("Make the token")'));
  const first = await ann.locator('pre.secret').innerText();
  same(await status(first), 200, 'the token is good');
  await ann.goto(`${url}/access/tokens`);
  expect(!(await ann.content()).includes(first), 'it is shown once');
  await click(ann, ann.locator('tr:has-text("report") button:text-is("Rotate")'));
  const second = await ann.locator('pre.secret').innerText();
  expect(second !== first, 'another secret');
  same(await status(second), 200, 'the new secret is good');
  await ann.goto(`${url}/access/tokens`);
  await confirm(ann, ann.locator('tr:has-text("report")'), 'Revoke');
  same(await ann.locator('.badge.revoked').count(), 1, 'it is revoked');
  same([await status(first), await status(second)], [401, 401], 'no secret is good any more');
  const id = first.split('_')[1];
  await audit(ann, 'user ann', [`token.create ${id}`, `token.rotate ${id}`, `token.revoke ${id}`]);

  // A user.
  await ann.goto(`${url}/access/users`);
  await ann.fill('main #name', 'nora');
  await click(ann, ann.locator('button:text-is("Make the user")'));
  const given1 = await ann.locator('pre.secret').innerText();
  let nora = await logIn(browser, 'nora', given1);
  expect(await isIn(nora), 'nora is in');
  await ann.goto(`${url}/access/users`);
  const row = ann.locator('main tbody tr:has(th:text-is("nora"))');
  await row.locator('select').selectOption('operator');
  await click(ann, row.locator('button:text-is("Change role")'));
  same(await row.locator('select').inputValue(), 'operator', 'another role');
  expect(!(await isIn(nora)), 'it ends her sessions');
  await confirm(ann, row, 'New password');
  const given2 = await ann.locator('pre.secret').innerText();
  nora = await logIn(browser, 'nora', given1);
  expect(!(await isIn(nora)), 'the old password is good no more');
  nora = await logIn(browser, 'nora', given2);
  const elsewhere = await logIn(browser, 'nora', given2);
  expect(await isIn(nora) && await isIn(elsewhere), 'the new one is');

  // Her own password: the old one is asked for, and her other sessions end.
  const change = async (old, fresh, again) => {
    await nora.goto(`${url}/account`);
    await nora.fill('#old', old);
    await nora.fill('#new', fresh);
    await nora.fill('#again', again);
    return click(nora, nora.locator('main button[type=submit]'));
  };
  const own = 'a horse of her own';
  same(await change('not the old one', own, own), 401, 'a wrong old password');
  expect(await nora.locator('.alert').isVisible(), 'it says so');
  same(await change(given2, own, `${own}!`), 422, 'two that differ');
  same(await change(given2, own, own), 200, 'a change');
  same(await nora.locator('[role=status]:has-text("is changed")').count(), 1, 'it says so');
  expect(await isIn(nora), 'she stays in');
  expect(!(await isIn(elsewhere)), 'her other session has ended');
  expect(!(await isIn(await logIn(browser, 'nora', given2))), 'the old password is good no more');
  nora = await logIn(browser, 'nora', own);
  expect(await isIn(nora), 'her own is');
  await audit(ann, 'user nora', ['user.own_password nora']);

  await ann.goto(`${url}/access/users`);
  await confirm(ann, row, 'Disable');
  same(await row.locator('.badge.disabled').count(), 1, 'she is disabled');
  expect(!(await isIn(nora)), 'and is out');
  await click(ann, row.locator('button:text-is("Enable")'));
  same(await row.locator('.badge.enabled').count(), 1, 'she is enabled');
  nora = await logIn(browser, 'nora', own);
  expect(await isIn(nora), 'and comes in again');
  await confirm(ann, row, 'Delete');
  same(await row.count(), 0, 'she is forgotten');
  expect(!(await isIn(nora)), 'and is out');
  expect(!(await isIn(await logIn(browser, 'nora', own))), 'for good');
  await audit(ann, 'user ann', ['user.create nora', 'user.role nora', 'user.password nora',
    'user.disable nora', 'user.enable nora', 'user.delete nora']);

  // Out.
  await ann.goto(`${url}/`);
  await ann.click('.preferences > summary');
  await click(ann, ann.locator('button:text-is("Log out")'));
  expect(!(await isIn(ann)), 'she is out');
  const back = await logIn(browser, 'ann', given.password);
  await audit(back, 'user ann', ['session.begin user ann', 'session.end user ann']);

  const sorted = (all) => [...all].sort();
  same(sorted(clicked), sorted(found), 'every form that was drawn was clicked');
  const changing = (all) => sorted(all).filter((one) => !one.startsWith('get '));
  same(changing(clicked), sorted(expected), 'every form of the table was clicked');
});

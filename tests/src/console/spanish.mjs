// The Spanish console is Spanish: on no page stands an English text of the tables of texts, words
// and errors. Data, and what somebody else said, stay as they are, and are marked.
import { expect, given, pages, person, same, say, script, url } from './browser.mjs';

// English texts that are said otherwise in Spanish; those with values as patterns.
const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const plain = (text) => text.replace(/\s+/g, ' ').trim().toLowerCase();
const spanish = new Set(given.said.map(([, es]) => plain(es)));
const english = given.said.filter(([en, es]) => plain(en) !== plain(es) && !spanish.has(plain(en)));
const exact = new Map(english.filter(([en]) => !en.includes('{}')).map((one) => [plain(one[0]), one]));
const withValues = english.filter(([en]) => en.includes('{}') && /[a-z]{2}/i.test(en))
  .map(([en, es]) => [new RegExp(`^${plain(en).split('{}').map(escape).join('.+')}$`), [en, es]]);

/** Texts of a page that our tables are answerable for. */
const texts = (page) => page.evaluate(() => {
  const own = 'code, pre, q, svg .id, [lang=en], [translate=no], script, style, noscript, time, a.words';
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode()) {
    if (!walk.currentNode.parentElement.closest(own)) found.push(walk.currentNode.textContent);
  }
  for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
    for (const one of document.querySelectorAll(`[${name}]`)) found.push(one.getAttribute(name));
  }
  return found;
});

await script(async (browser) => {
  expect(exact.size > 300, `there is something to look for: ${exact.size}`);
  await say({ userId: 'customer-1', event: 'Shown Around', messageId: 'a1' });
  await say({ userId: 'customer-1', event: 'Broken', messageId: 'a2', properties: { parts: 0 } });
  const { page } = await person(browser, 'ann', { locale: 'es' });
  const all = await pages(page);
  // Errors as well: what is not there, and what is not known.
  const missing = ['/sends/00112233445566778899aabbccddeeff', '/journeys/nothing',
    '/definitions/Journey/nothing', '/audiences/nothing', '/sends?cursor=x', '/customers/nobody'];
  const left = [];
  for (const path of [...all, ...missing]) {
    const answer = await page.goto(url + path);
    same(answer.status() >= 400, missing.includes(path), `${path}: ${answer.status()}`);
    for (const text of (await texts(page)).map(plain).filter((text) => text.length > 1)) {
      const pattern = withValues.find(([pattern]) => pattern.test(text));
      const known = exact.get(text) || (pattern && pattern[1]);
      if (known) left.push(`${path}: "${text}" is "${known[1]}"`);
    }
  }
  same(left, [], 'English that is left');
  // The same look finds English where it is.
  const other = await person(browser, 'ann', { locale: 'en' });
  await other.page.goto(`${url}/access/audit`);
  const seen = (await texts(other.page)).map(plain);
  expect(seen.some((text) => exact.has(text)), 'the look sees what is there');
  // Actions of the audit log, errors and refusals have their words; a provider is quoted.
  await page.goto(`${url}/access/audit`);
  expect((await page.locator('main').innerText()).includes('aplicar definiciones'), 'an action');
  await page.goto(`${url}/journeys/nothing`);
  same(await page.locator('h1').innerText(), 'El recorrido no se conoce', 'an error');
  await page.goto(`${url}/sends?state=refused`);
  expect((await page.locator('main tbody').innerText()).includes('no hay consentimiento registrado'),
    'a refusal');
  await page.goto(`${url}/sends?state=rejected`);
  expect(await page.locator('main tbody q[translate=no]').count() > 0, 'a reply is quoted');
});

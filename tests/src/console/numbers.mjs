// What pages count is what the ledger has: of the API's journeys and sends, and of what channels
// captured.
import { ask, expect, number, person, same, script, url } from './browser.mjs';

await script(async (browser) => {
  const { page } = await person(browser, 'ann');
  const api = (path) => page.evaluate(async (path) => (await fetch(path)).json(), path);
  const states = async () => {
    const counts = {};
    let cursor = '';
    do {
      const part = await api(`/api/v1/sends?limit=2${cursor}`);
      for (const send of part.items) counts[send.state] = (counts[send.state] || 0) + 1;
      cursor = part.next_cursor ? `&cursor=${part.next_cursor}` : '';
    } while (cursor);
    return counts;
  };
  const cells = (selector) => page.locator(selector).allInnerTexts();
  const check = async (captured) => {
    await page.goto(`${url}/`);
    const ledger = await states();
    const journeys = (await api('/api/v1/journeys')).items;
    const sum = (name) => journeys.reduce((sum, journey) => sum + journey[name], 0);
    const labels = await cells('.figures dt');
    const values = await cells('.figures dd');
    const figures = Object.fromEntries(labels.map((label, at) => [label, number(values[at])]));
    same(figures['enrollments made'], sum('entered'), 'enrollments made');
    same(figures.active, sum('active'), 'active');
    same(figures.sent, ledger.accepted || 0, 'sent, by the ledger');
    same(figures.captured, captured, 'captured');
    same(figures.refused, ledger.refused || 0, 'refused, by the ledger');
    same(figures['times held'], sum('held'), 'times held');
    for (const journey of journeys) {
      const row = await cells(`tr[data-journey="${journey.name}"] td`);
      same(row.slice(2).map(number), [journey.entered, journey.active, journey.sent, journey.held,
        journey.refused], `row of ${journey.name}`);
    }
    // Each step: the picture, the table, and who is found there.
    for (const name of ['gift', 'welcome', 'cart-rescue']) {
      await page.goto(`${url}/journeys/${name}`);
      const drawn = await page.locator('a.step').evaluateAll((all) => all.map((one) =>
        [...one.querySelectorAll('.number')].map((text) => text.textContent)));
      await page.locator('#numbers > summary').click();
      const rows = await page.locator('#numbers tbody tr').evaluateAll((all) => all.map((row) =>
        [row.dataset.step, ...[...row.cells].slice(2, 5).map((cell) => cell.textContent)]));
      same(drawn, rows.map((row) => row.slice(1)), `the picture and the table of ${name}`);
      for (const [step, entered, waiting, left] of rows) {
        same(number(entered), number(waiting) + number(left), `${name}/${step} adds up`);
        await page.goto(`${url}/journeys/${name}/steps/${step}`);
        const found = await page.locator('main tbody tr').count();
        same(found, number(waiting), `customers found on ${name}/${step}`);
      }
    }
    // Filters of the page of sends find what the API counts.
    for (const [state, count] of Object.entries(ledger)) {
      await page.goto(`${url}/sends?state=${state}`);
      same(await page.locator('main tbody tr').count(), count, `sends that are ${state}`);
    }
  };
  // How far behind: as the API says it, with its word.
  await page.goto(`${url}/`);
  const lag = (await api('/api/v1/status')).lag;
  const rows = page.locator('h2:text-is("How far behind") + .scroll tbody tr');
  same(await rows.count(), 2, 'timers and commits');
  same(lag.timers_due, 0, 'nothing is due on a clock that stands still');
  same(await page.locator('#due').innerText(), 'Timers that are due and have not fired: 0.', 'due');
  expect(lag.commits.count > 0 && lag.commits.p50_us <= lag.commits.p99_us
    && lag.commits.p99_us <= lag.commits.max_us, JSON.stringify(lag));
  const word = lag.commits.is_bad ? 'slow' : 'fast';
  same(await rows.nth(1).locator('.badge').innerText(), word, 'the word of commits');
  const shown = number(await rows.nth(1).locator('td').last().innerText());
  expect(shown > 0 && shown <= lag.commits.count, `${shown} of ${lag.commits.count} commits`);
  await check(2);
  same(Object.entries(await states()).sort(), [['accepted', 2], ['held', 2], ['refused', 1]],
    'by night');
  // In the morning what was held goes.
  await ask('pass 2026-03-02T08:30:00Z');
  await page.waitForFunction(async () => {
    const all = (await (await fetch('/api/v1/journeys')).json()).items;
    return all.find((one) => one.name === 'welcome').sent === 2;
  });
  const late = (await states()).accepted;
  expect(late >= 4, `the welcomes went in the morning: ${late}`);
  await check(late);
  // A rule's row leads to its sends.
  await page.goto(`${url}/sends?rule=consent`);
  same(await page.locator('main tbody tr').count(), 1, 'refused by consent');
  await page.click('main tbody a[href^="/sends/"]');
  expect((await page.locator('main').innerText()).includes('no consent is recorded'), 'the reason');
});

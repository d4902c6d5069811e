// Everything by keyboard: the skip link, the order of what can be reached, panels, language and
// theme, the folded navigation.
import { expect, person, same, script, url } from './browser.mjs';

const focused = (page) => page.evaluate(() => {
  const one = document.activeElement;
  return { tag: one.tagName, id: one.id, text: one.textContent.trim().slice(0, 40),
    outline: getComputedStyle(one).outlineStyle };
});

await script(async (browser) => {
  const { page } = await person(browser, 'ann');
  await page.goto(`${url}/journeys/gift`);
  // Nothing is replaced under the keyboard.
  await page.keyboard.press('Tab');
  same((await focused(page)).text, 'Skip to content', 'the first stop');
  await page.keyboard.press('Enter');
  same((await focused(page)).tag, 'MAIN', 'the skip link leads to the content');

  await page.goto(`${url}/journeys/gift`);
  const stops = await page.evaluate(() => [...document.querySelectorAll(
    'a[href], button, input, select, summary, [tabindex="0"]')]
    .filter((one) => one.checkVisibility() && one.type !== 'hidden' && !one.disabled)
    .map((one) => { one.dataset.stop = '1'; return one.textContent.trim().slice(0, 40); }));
  const reached = [];
  for (let at = 0; at < stops.length; at += 1) {
    await page.keyboard.press('Tab');
    const now = await focused(page);
    expect(now.outline !== 'none', `focus is seen on ${JSON.stringify(now)}`);
    reached.push(now.text);
  }
  same(reached, stops, 'every stop, in the order of the page');
  expect(stops.includes('Pause') && stops.some((text) => text.startsWith('Stop')), 'the actions');

  // Stop is behind a question; Escape takes it back.
  await page.focus('#stop > summary');
  await page.keyboard.press('Enter');
  expect(await page.locator('#stop .panel').isVisible(), 'the question is asked');
  await page.keyboard.press('Tab');
  same((await focused(page)).text, 'Stop the journey', 'the answer is the next stop');
  await page.keyboard.press('Escape');
  expect(!(await page.locator('#stop .panel').isVisible()), 'Escape takes it back');

  // Language and theme, kept.
  await page.focus('.preferences > summary');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  same((await focused(page)).text, 'Español', 'the second language');
  await page.keyboard.press('Enter');
  await page.waitForSelector('html[lang=es]');
  same(page.url(), `${url}/journeys/gift`, 'she stays where she was');
  same(await page.locator('nav [aria-current]').innerText(), 'Recorridos', 'in Spanish');
  await page.goto(`${url}/sends`);
  same(await page.locator('h1').innerText(), 'Envíos', 'the language is kept');
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.click('.preferences > summary');
  await page.click('button[value=dark]');
  await page.waitForSelector('html[data-theme=dark]');
  const dark = await paper();
  expect(light !== dark, 'the theme changes the page');
  await page.reload();
  same(await paper(), dark, 'the theme is kept');

  // On a phone the navigation is folded, and opens by keyboard.
  await page.setViewportSize({ width: 400, height: 800 });
  await page.goto(`${url}/`);
  expect(!(await page.locator('nav').isVisible()), 'the navigation is folded');
  await page.focus('#menu');
  await page.keyboard.press('Enter');
  expect(await page.locator('nav').isVisible(), 'it unfolds');
  same(await page.locator('#menu').getAttribute('aria-expanded'), 'true', 'and says so');
});

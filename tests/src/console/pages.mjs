// Every page, in light and dark, in both languages, wide and narrow: no error of the console, no
// violation of the policy, nothing asked from elsewhere, no serious finding of axe.
import { expect, pages, person, same, say, script, url, violations } from './browser.mjs';

await script(async (browser) => {
  await say({ userId: 'customer-1', event: 'Shown Around', messageId: 'a1' });
  const scout = await person(browser, 'ann');
  const all = await pages(scout.page);
  for (const name of ['viewport light en', 'phone dark es', 'phone light en', 'viewport dark es']) {
    const [size, colorScheme, locale] = name.split(' ');
    const width = size === 'phone' ? 400 : 1280;
    const options = { colorScheme, locale, viewport: { width, height: 800 } };
    const { context, page, odd } = await person(browser, 'ann', options);
    for (const path of all) {
      const answer = await page.goto(url + path);
      same(answer.status(), 200, `${name} ${path}`);
      same(await page.locator('html').getAttribute('lang'), locale, `${name} ${path}: language`);
      same(await page.locator('h1').count(), 1, `${name} ${path}: headings`);
      same(await page.locator('img, main script').count(), 0, `${name} ${path}: what came in`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide <= width, `${name} ${path} fits: ${wide} of ${width}`);
      // On a phone rows are stacked: nothing of a table lies beyond the edge.
      const beyond = await page.locator('.scroll:has(> table)').evaluateAll((all) =>
        all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.ariaLabel));
      if (size === 'phone') same(beyond, [], `${name} ${path}: tables beyond the edge`);
      same(await violations(page), [], `${name} ${path}: axe`);
    }
    same(odd, [], name);
    await context.close();
  }
  const { page, odd } = await person(browser, null, { colorScheme: 'dark', locale: 'es' });
  await page.goto(`${url}/login`);
  same(await violations(page), [], 'login: axe');
  same(await page.locator('h1').innerText(), 'Entrar', 'login in Spanish');
  same(odd, [], 'login');
  // Without script everything is there as well.
  const still = await person(browser, 'ann', { javaScriptEnabled: false });
  await still.page.goto(`${url}/journeys/gift`);
  expect(await still.page.locator('a.step').count() === 2, 'the picture needs no script');
});

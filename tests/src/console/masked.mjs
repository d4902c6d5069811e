// Every page, also what messages say, for eyes that need no personal data and for eyes that do.
import { expect, pages, person, same, say, script, url } from './browser.mjs';

const canaries = ['.canary', 'canary.example', '600 100 200', '600%20100'];
const found = (text) => canaries.filter((canary) => text.includes(canary));

await script(async (browser) => {
  await say({ userId: 'customer-1', event: 'Shown Around', messageId: 'a1' });
  const ann = await person(browser, 'ann');
  const all = await pages(ann.page);
  const vera = await person(browser, 'vera');
  let personal = 0;
  for (const path of all) {
    const answer = await vera.page.goto(url + path);
    const text = await vera.page.content();
    const closed = path === '/events' || path.startsWith('/access');
    same(answer.status(), closed ? 403 : 200, `${path} for a viewer`);
    same(found(text), [], `${path} for a viewer`);
    await ann.page.goto(url + path);
    if (found(await ann.page.content()).length > 0) personal += 1;
  }
  expect(personal >= 4, `an admin sees personal data on ${personal} pages`);
  // The message: its text, its head, its HTML.
  const message = all.find((path) => path.startsWith('/messages/'));
  for (const [who, sees] of [[vera, false], [ann, true]]) {
    await who.page.goto(url + message);
    const body = await who.page.locator('pre.body').innerText();
    same(found(body).length > 0, sees, `${message}: ${body}`);
    const head = await who.page.locator('.facts').innerText();
    const link = head.match(/\/u\/(\S+)/);
    same(link && link[1] !== '***', sees, `the unsubscribe link in ${head}`);
    const html = await who.page.goto(`${url}${message}/html`);
    same(html.headers()['content-security-policy'].startsWith('sandbox;'), true, 'its policy');
    expect((await who.page.content()).includes('color: red'), 'its own styles');
  }
  // In the frame it is drawn, and can do nothing.
  await ann.page.goto(url + message);
  const frame = ann.page.frameLocator('iframe.body');
  same(await frame.locator('p').first().innerText(), 'Hello Annabella', 'the HTML in its frame');
  const sandbox = await ann.page.locator('iframe.body').getAttribute('sandbox');
  same(sandbox, '', 'the frame may do nothing');
});

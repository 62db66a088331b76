// Opens the page of a report in headless Chromium and compares it with the report's JSON:
//   node check_page.mjs REPORT.html REPORT.json [SCREENSHOT.png]
// Exit codes: 0 good, 1 something differs (said), 77 no browser or no playwright-core here.
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [, , page, json, screenshot] = process.argv;
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
let chromium;
try {
  ({ chromium } = await import('playwright-core'));
} catch {
  console.log('skipped: no playwright-core (npm install --prefix bench/page)');
  process.exit(77);
}
if (!browserPath) {
  console.log('skipped: no chromium (Debian package chromium)');
  process.exit(77);
}

const objections = [];
const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 1120, height: 900 }, offline: true });
const tab = await context.newPage();
tab.on('console', message => {
  if (['error', 'warning'].includes(message.type())) objections.push('console: ' + message.text());
});
tab.on('pageerror', error => objections.push('page: ' + error.message));
tab.on('request', request => {
  if (!/^(file|data|blob):/.test(request.url())) objections.push('network: ' + request.url());
});
await tab.goto(pathToFileURL(page).href);
const drawn = await tab.evaluate(() => document.body.dataset.drawn);
if (!drawn) objections.push('the page did not draw itself to its end');

const report = JSON.parse(readFileSync(json, 'utf8'));
const at = path => path.split('.').reduce((value, key) => value?.[key], report);
const figures = await tab.$$eval('[data-path]', list => list.map(
  element => [element.dataset.path, element.dataset.value, element.textContent]));
for (const [path, value, text] of figures) {
  const expected = typeof at(path) === 'number' ? String(at(path)) : 'null';
  if (value !== expected) objections.push(`${path}: the page has ${value}, the report ${expected}`);
  // The number that a person reads is the value, rounded to what is shown.
  const read = Number.parseFloat(text.replace(/,/g, ''));
  const units = { ' ns': 1, ' µs': 1e3, ' ms': 1e6, ' s': 1e9, ' %': 0.01, 'M/s': 1e6, 'k/s': 1e3 };
  const unit = Object.entries(units).find(([ending]) => text.endsWith(ending))?.[1] ?? 1;
  if (expected === 'null' ? text !== '–' : Math.abs(read * unit - at(path)) >
      0.006 * Math.abs(at(path)) + 0.51 * (unit < 1 ? 0.0001 : unit === 1 ? 1 : unit * 0.1)) {
    objections.push(`${path}: a person reads ${text}, the report says ${expected}`);
  }
}
if (figures.length < 40) objections.push(`only ${figures.length} figures on the page`);
const plots = await tab.$$eval('.plot canvas, .plot svg', list => list.length);
if (plots < 3) objections.push(`only ${plots} plots on the page`);
if (screenshot) await tab.screenshot({ path: screenshot, fullPage: true });
await browser.close();
for (const objection of objections) console.log(objection);
console.log(`${figures.length} figures, ${plots} plots (${drawn})`);
process.exit(objections.length ? 1 : 0);

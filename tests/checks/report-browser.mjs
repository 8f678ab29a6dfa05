// SPDX-License-Identifier: GPL-2.0-or-later
//
// report-browser.mjs PLAYWRIGHT SHOTS PAGE...: opens the pages in Chromium, 400 and 1,600 pixels wide, light
// and dark, and on paper; prints a line for what is right (ok) or wrong (FAIL), at last "done".
import { basename, resolve } from 'node:path';

const [, , playwright, shots, ...pages] = process.argv;
const { chromium } = await import(`${resolve(playwright)}/index.mjs`);
const check = (right, text) => console.log(right ? 'ok' : 'FAIL', text);

// In the page: what is smaller than 10 pixels, has less contrast than 4.5 to what is behind it, or is a cell
// with a letter or two a line.
function unreadable() {
	const light = (colour) => {
		const [r, g, b] = colour.match(/[\d.]+/g).map((v) => v / 255)
			.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const rect = e.tagName === 'svg' && e.querySelector('rect.box');
			const colour = rect ? getComputedStyle(rect).fill : getComputedStyle(e).backgroundColor;
			if (!/^rgba\(.*, 0\)$/.test(colour))
				return colour;
		}
		return 'rgb(255, 255, 255)';
	};
	const found = new Set();
	for (const cell of document.querySelectorAll('td, th')) {
		const { width, height } = cell.getBoundingClientRect();
		const line = parseFloat(getComputedStyle(cell).lineHeight);
		if (cell.textContent.trim() && width < 3 * line && height > 4 * line)
			found.add(`a cell of ${width.toFixed()} pixels: ${cell.textContent}`);
	}
	for (const e of document.body.querySelectorAll('*')) {
		const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
		if (!own || !e.getClientRects().length || e.closest('title, desc'))
			continue;
		const style = getComputedStyle(e);
		const drawing = e.closest('svg');
		const scale = drawing ? drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width : 1;
		const size = parseFloat(style.fontSize) * scale;
		const [a, b] = [light(drawing ? style.fill : style.color), light(behind(e))].sort((x, y) => y - x);
		if (size < 10 || (a + 0.05) / (b + 0.05) < 4.5)
			found.add(`${e.tagName}.${e.getAttribute('class')} ${size.toFixed(1)} px ${((a + 0.05) / (b + 0.05)).toFixed(1)}`);
	}
	return [...found];
}

async function look(browser, path, width, colorScheme) {
	const name = `${basename(path, '.html')} ${width} ${colorScheme}`;
	const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
	const said = [];
	page.on('console', (message) => said.push(message.text()));
	page.on('pageerror', (error) => said.push(String(error)));
	page.on('request', (request) => request.url().startsWith('file:') || said.push(request.url()));
	await page.goto(`file://${resolve(path)}`);
	check(!said.length, `${name}: the browser says ${said}`);
	const first = await page.evaluate(() => document.querySelector('.reach tbody tr').getBoundingClientRect().top);
	check(first <= 800, `${name}: who reaches what begins at ${first}, hardly on the first screen`);
	await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
	const wide = await page.evaluate(() => document.scrollingElement.scrollWidth);
	check(wide <= width, `${name}: ${wide} pixels wide`);
	const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	const dark = ground.match(/\d+/g).every((v) => v < 64);
	check(dark === (colorScheme === 'dark'), `${name}: the ground is ${ground}`);
	const found = await page.evaluate(unreadable);
	check(!found.length, `${name}: hard to read: ${found.slice(0, 5).join('; ')}`);
	await page.screenshot({ path: `${shots}/${name.replaceAll(' ', '-')}.png` });
	await page.close();
}

// A long name of a guest takes no room from the table, and makes the page no wider.
async function longName(browser, path) {
	const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
	await page.goto(`file://${resolve(path)}`);
	const width = await page.evaluate(() => {
		document.querySelector('.reach th small').textContent = 'x'.repeat(300);
		return document.querySelector('.reach th[scope=row]').getBoundingClientRect().width;
	});
	check(width < 400, `${path}: with a long name the first column is ${width} pixels wide`);
	const wide = await page.evaluate(() => {
		document.querySelector('.zone .name').textContent = 'x'.repeat(300);
		return document.scrollingElement.scrollWidth;
	});
	check(wide <= 1600, `${path}: with a long name the page is ${wide} pixels wide`);
	await page.close();
}

// A link into something folded unfolds it.
async function follow(browser, path) {
	const page = await browser.newPage();
	await page.goto(`file://${resolve(path)}`);
	await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = false; }));
	await page.evaluate(() => { location.hash = document.querySelector('.file li:nth-child(2)').id; });
	check(await page.evaluate(() => document.querySelector(':target').closest('details').open), `${path}: stays folded`);
	await page.close();
}

async function print(browser, path) {
	const page = await browser.newPage({ colorScheme: 'dark' });
	await page.goto(`file://${resolve(path)}`);
	await page.emulateMedia({ media: 'print' });
	const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	check(ground === 'rgb(255, 255, 255)', `${path}: paper is ${ground}`);
	const bytes = await page.pdf({ format: 'A4' });
	check(bytes.length > 10000, `${path}: printed ${bytes.length} bytes`);
	await page.close();
}

const browser = await chromium.launch({
	executablePath: '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
		'--disable-component-update', '--disable-sync'],
});
for (const path of pages)
	for (const width of [400, 1600])
		for (const scheme of ['light', 'dark'])
			await look(browser, path, width, scheme);
await follow(browser, pages[0]);
await longName(browser, pages[1]);
await print(browser, pages[0]);
await browser.close();
console.log('done');

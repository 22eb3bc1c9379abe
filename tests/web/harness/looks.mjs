// SPDX-License-Identifier: Apache-2.0
// What can be measured of a screen (community.md §3): sizes, distances, contrast, the way of the
// focus.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(new URL('../../tools/package.json', import.meta.url));
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** Violations of WCAG 2.2 AA that axe-core finds, as `rule: element`. */
export async function axeFaults(page) {
  const cdp = await page.context().newCDPSession(page);
  // In a world of its own: the page's policy lets no foreign script in.
  const { frameTree } = await cdp.send('Page.getFrameTree');
  const world = await cdp.send('Page.createIsolatedWorld', {
    frameId: frameTree.frame.id,
    worldName: 'axe',
  });
  const run = async (expression, awaitPromise = false) => {
    const { result, exceptionDetails } = await cdp.send('Runtime.evaluate', {
      expression,
      awaitPromise,
      returnByValue: true,
      contextId: world.executionContextId,
    });
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails).slice(0, 500));
    return result.value;
  };
  await run(`${AXE};0`);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const found = await run(
    `axe.run(document, { runOnly: ${JSON.stringify(tags)}, resultTypes: ['violations'] })` +
      `.then(({ violations }) => violations.map(({ id, nodes }) =>` +
      ` id + ': ' + nodes.map(({ html }) => html.slice(0, 120)).slice(0, 3).join(' | ')))`,
    true,
  );
  await cdp.detach();
  return found;
}

/**
 * Sizes by our own ruler. `rules`: target (px each side), text (px of body text, 0 = not held).
 * Returns one sentence for each fault.
 */
export function sizeFaults(page, rules) {
  return page.evaluate(({ target, text }) => {
    const faults = [];
    const name = (of) =>
      `<${of.tagName.toLowerCase()} ${of.className}> ` +
      (of.textContent || of.ariaLabel || '').trim().slice(0, 20);
    const isShown = (of) => {
      const { width, height } = of.getBoundingClientRect();
      const style = getComputedStyle(of);
      return (
        width > 1 && height > 1 && style.visibility !== 'hidden' && !of.closest('.hidden, .skip')
      );
    };
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) {
      faults.push(`scrolls sideways: ${root.scrollWidth} of ${root.clientWidth} px`);
    }
    for (const one of document.querySelectorAll(
      'a[href], button, input, select, textarea, summary',
    )) {
      // What is pressed is the whole label.
      const pressed = one.matches('input[type=checkbox], input[type=radio]')
        ? (one.closest('label') ?? one)
        : one;
      if (!isShown(pressed)) continue;
      const { width, height, left, right } = pressed.getBoundingClientRect();
      if (width < target - 0.5 || height < target - 0.5) {
        faults.push(`${name(pressed)}: ${width.toFixed(1)} x ${height.toFixed(1)} px`);
      }
      if (left < -0.5 || right > root.clientWidth + 0.5) faults.push(`${name(pressed)}: outside`);
    }
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const seen = new Set();
    while (walker.nextNode()) {
      const parent = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || seen.has(parent) || !isShown(parent)) continue;
      seen.add(parent);
      const style = getComputedStyle(parent);
      const size = parseFloat(style.fontSize);
      if (text && size < text - 0.05) faults.push(`${name(parent)}: text of ${size.toFixed(1)} px`);
      const line = parseFloat(style.lineHeight);
      const isParagraph = parent.matches('p, li, dd, .body *') && parent.textContent.length > 20;
      if (isParagraph && line / size < 1.3 - 0.01) {
        faults.push(`${name(parent)}: lines ${(line / size).toFixed(2)} apart`);
      }
      const { left, right } = parent.getBoundingClientRect();
      const isCut = parent.scrollWidth > parent.clientWidth + 1 && style.overflowX === 'hidden';
      if (isCut) faults.push(`${name(parent)}: text is cut off`);
      if (left < -0.5 || right > root.clientWidth + 0.5) faults.push(`${name(parent)}: outside`);
    }
    return faults;
  }, rules);
}

/** Contrast of each text with what lies behind it, where that is plain. */
export function contrastFaults(page) {
  return page.evaluate(() => {
    const parse = (text) => {
      const [r, g, b, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
      return { r, g, b, a };
    };
    const over = (top, under) => {
      const mix = (x, y) => x * top.a + y * (1 - top.a);
      return { r: mix(top.r, under.r), g: mix(top.g, under.g), b: mix(top.b, under.b), a: 1 };
    };
    const light = ({ r, g, b }) => {
      const part = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
      return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    };
    const ground = (of) => {
      const layers = [];
      for (let at = of; at; at = at.parentElement) {
        const { backgroundColor, backgroundImage, opacity } = getComputedStyle(at);
        if (backgroundImage !== 'none' || opacity !== '1') return undefined;
        const colour = parse(backgroundColor);
        if (colour.a > 0) layers.push(colour);
        if (colour.a === 1) break;
      }
      return layers
        .reverse()
        .reduce((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 });
    };
    const faults = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const of = walker.currentNode.parentElement;
      const box = of.getBoundingClientRect();
      if (!walker.currentNode.data.trim() || box.width < 2 || of.closest('.hidden, :disabled'))
        continue;
      const behind = ground(of);
      if (!behind) continue;
      const style = getComputedStyle(of);
      const ink = over(parse(style.color), behind);
      const [a, b] = [light(ink), light(behind)].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      const size = parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (isLarge ? 3 : 4.5)) {
        faults.push(`${of.textContent.trim().slice(0, 20)}: contrast ${ratio.toFixed(2)}`);
      }
    }
    return faults;
  });
}

/** Tab through the whole screen: every stop is seen, marked, and under nothing. */
export async function focusFaults(page, stopsMax = 120) {
  await page.evaluate(() => {
    scrollTo(0, 0);
    document.activeElement?.blur();
    document.body.dataset.walk = '';
    globalThis.walked = new Set();
  });
  const faults = [];
  let stops = 0;
  for (; stops < stopsMax; ++stops) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const of = document.activeElement;
      if (!of || of === document.body) return { isEnd: true };
      if (globalThis.walked.has(of)) return { isEnd: true };
      globalThis.walked.add(of);
      const shown = of.matches('input[type=checkbox], input[type=radio]')
        ? (of.closest('label') ?? of)
        : of;
      const box = shown.getBoundingClientRect();
      const says = (of.textContent || of.ariaLabel || of.id || '').trim().slice(0, 20);
      const name = `<${of.tagName.toLowerCase()}> ${says}`;
      const points = [0.1, 0.5, 0.9].flatMap((x) =>
        [0.2, 0.8].map((y) => [box.left + box.width * x, box.top + box.height * y]),
      );
      const isCovered = points.every(([x, y]) => {
        const top = document.elementFromPoint(x, y);
        return !top || !(shown.contains(top) || top.contains(shown));
      });
      const marks = [of, shown, of.parentElement, of.nextElementSibling].filter(Boolean);
      const isMarked = marks.some((one) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
      });
      return { name, isCovered, isMarked };
    });
    if (at.isEnd) break;
    if (at.isCovered) faults.push(`${at.name}: covered while it has the focus`);
    if (!at.isMarked) faults.push(`${at.name}: the focus is not marked`);
  }
  if (stops === 0) faults.push('the keyboard reaches nothing');
  if (stops === stopsMax) faults.push(`no end after ${stopsMax} stops`);
  return faults;
}

// SPDX-License-Identifier: Apache-2.0
// NTC-3 and NTC-4: pictures and a voice note, from the desk to a phone without a line.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openDesk } from './harness/desk.mjs';
import { openPhone } from './harness/phone.mjs';
import { canRun, openWorld, waitFor } from './harness/world.mjs';

const options = { skip: !canRun, timeout: 280_000 };
const TITLE = '红绸路停水，请看图';
let world;
before(async () => canRun && (world = await openWorld('web-media')));
after(() => world?.close());

/** LINLI_KEEP: what people see on the way. */
async function look(page, name) {
  if (!process.env.LINLI_KEEP) return;
  const path = join(tmpdir(), `linli-media-${name}.png`);
  await page.screenshot({ path, fullPage: true });
  console.log(`# kept: ${path}`);
}

/** Two seconds of a tone, 8 kHz, as a WAV that the page turns into what the server takes. */
function wav(seconds = 2, rate = 8000) {
  const count = seconds * rate;
  const out = Buffer.alloc(44 + count * 2);
  out.write('RIFF', 0);
  out.writeUInt32LE(36 + count * 2, 4);
  out.write('WAVEfmt ', 8);
  out.writeUInt32LE(16, 16);
  out.writeUInt16LE(1, 20);
  out.writeUInt16LE(1, 22);
  out.writeUInt32LE(rate, 24);
  out.writeUInt32LE(rate * 2, 28);
  out.writeUInt16LE(2, 32);
  out.writeUInt16LE(16, 34);
  out.write('data', 36);
  out.writeUInt32LE(count * 2, 40);
  for (let i = 0; i < count; i += 1) {
    out.writeInt16LE(Math.round(8000 * Math.sin((i * 2 * Math.PI * 440) / rate)), 44 + i * 2);
  }
  return out;
}

/** A voice note in a format of the server, recorded by the browser from the tone. */
async function voiceNote(page) {
  const text = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const context = new AudioContext();
    const source = context.createBufferSource();
    source.buffer = await context.decodeAudioData(bytes.buffer);
    const into = context.createMediaStreamDestination();
    source.connect(into);
    const recorder = new MediaRecorder(into.stream, { mimeType: 'audio/webm;codecs=opus' });
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const ended = new Promise((done) => (recorder.onstop = done));
    recorder.start();
    source.start();
    await new Promise((done) => (source.onended = done));
    recorder.stop();
    await ended;
    const all = new Uint8Array(await new Blob(parts).arrayBuffer());
    return btoa(String.fromCharCode(...all));
  }, wav().toString('base64'));
  return Buffer.from(text, 'base64');
}

/** A photo of 3000 by 2000 px whose JPEG has a place in it, above 300 KB. */
async function photo(page) {
  const text = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 3000, height: 2000 });
    const context = canvas.getContext('2d');
    for (let i = 0; i < 4000; i += 1) {
      context.fillStyle = `hsl(${Math.random() * 360} 60% 50%)`;
      context.fillRect(Math.random() * 3000, Math.random() * 2000, 90, 60);
    }
    const blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.95));
    const all = new Uint8Array(await blob.arrayBuffer());
    let out = '';
    for (const byte of all) out += String.fromCharCode(byte);
    return btoa(out);
  });
  const jpeg = Buffer.from(text, 'base64');
  const exif = Buffer.concat([
    Buffer.from('Exif\0\0MM\0*\0\0\0\x08\0\0\0\0'),
    Buffer.from('GPS-HERE'),
  ]);
  const size = Buffer.alloc(2);
  size.writeUInt16BE(exif.length + 2);
  const app1 = Buffer.concat([Buffer.from([0xff, 0xe1]), size, exif]);
  return Buffer.concat([jpeg.subarray(0, 2), app1, jpeg.subarray(2)]);
}

async function compose(desk) {
  const { page } = desk;
  await desk.go('#/notices/new');
  await page.getByLabel('标题').fill(TITLE);
  const jpeg = await photo(page);
  assert.ok(jpeg.length > 300_000, 'a photo that has to be made smaller');
  await page.getByTestId('pictures').setInputFiles([
    { name: '路.jpg', mimeType: 'image/jpeg', buffer: jpeg },
    { name: '坏.jpg', mimeType: 'image/jpeg', buffer: randomBytes(500) },
  ]);
  await page.getByText('这种文件不能用').waitFor();
  await page.getByTestId('sound').setInputFiles({
    name: '通知.webm',
    mimeType: 'audio/webm',
    buffer: await voiceNote(page),
  });
  const done = () => page.getByText('已传好').count();
  await waitFor(async () => (await done()) === 2, 'both to be on the server', 60);
  await look(page, 'compose');
  await page.getByRole('button', { name: '提交审批' }).click();
  await page.getByText('不能由您审批').waitFor();
  return page.url().split('/').pop();
}

async function approve(desk, id) {
  const { page } = desk;
  await desk.go(`#/notices/${id}`);
  await page.getByRole('img', { name: `图片 1：${TITLE}` }).waitFor();
  await page.locator('audio').waitFor();
  await look(page, 'approve');
  await page.getByRole('button', { name: '批准', exact: true }).click();
  await page.locator('dialog').getByRole('button', { name: '批准' }).click();
  await desk.elevate();
  await page.getByRole('link', { name: '送达情况' }).waitFor();
}

/** Natural width of the picture, and seconds that were played. */
async function showsAndPlays(phone) {
  const image = phone.page.getByRole('img', { name: `${TITLE}，图 1/1` });
  await image.waitFor();
  await phone.page.getByRole('button', { name: /听录音（0:0[12]）/ }).click();
  await phone.page.getByRole('button', { name: '停下' }).waitFor();
  const played = () => phone.page.locator('audio').evaluate((audio) => audio.currentTime);
  await waitFor(async () => (await played()) > 0.3, 'the sound to play');
  return image.evaluate((node) => node.naturalWidth);
}

test('NTC-3 a recording of the demo is there and plays', options, async (t) => {
  const phone = await openPhone(t, world);
  await phone.enrol(await world.household());
  const notices = Object.entries(await world.rows('notice'));
  const [id, { voice }] = notices.find(([, { title }]) => title.startsWith('周三15:00'));
  assert.equal(voice.type, 'audio/mpeg');
  await phone.go(`#/notices/${id}`);
  await phone.page.getByRole('button', { name: '听录音（0:02）' }).click();
  await phone.page.getByRole('button', { name: '停下' }).waitFor();
  const length = await phone.page.evaluate(() => document.querySelector('audio').duration);
  assert.ok(Math.abs(length - 2.4) < 0.2, `${length} s`);
});

test(
  'NTC-3 NTC-4 a picture and a voice note reach a phone and stay there offline',
  options,
  async (t) => {
    const slip = await world.household();
    const { editor, approver } = await world.names();
    const phone = await openPhone(t, world);
    await phone.enrol(slip);
    const writing = await openDesk(t, world, editor);
    const id = await compose(writing);
    const deciding = await openDesk(t, world, approver);
    await approve(deciding, id);

    const row = (await world.rows('notice'))[id];
    assert.equal(row.images.length, 1);
    assert.ok(row.images[0].bytes <= 300_000, `${row.images[0].bytes} bytes`);
    assert.match(row.voice.type, /^audio\//);
    assert.ok(row.voice.ms > 1000 && row.voice.ms < 4000, `${row.voice.ms} ms`);

    await phone.page.getByText(TITLE).first().waitFor();
    // They come by themselves: the notice was not opened.
    const ours = [row.images[0].sha, row.voice.sha];
    const kept = () =>
      phone.page.evaluate(
        async ({ slug, shas }) => {
          const keys = await (await caches.open(`linli-media:${slug}`)).keys();
          return keys.filter(({ url }) => shas.some((sha) => url.includes(sha))).length;
        },
        { slug: world.slug, shas: ours },
      );
    await waitFor(async () => (await kept()) === 2, 'picture and sound to be kept', 30);
    await phone.offline();
    await phone.go(`#/notices/${id}`);
    assert.equal(await showsAndPlays(phone), 1600);
    await look(phone.page, 'notice');
    await phone.page.getByRole('button', { name: /放大/ }).click();
    await phone.page.getByRole('dialog').getByRole('button', { name: '关闭' }).click();
    await phone.go('#/mine/device');
    await phone.sees('其中通知的图片和录音：3 个');
    await phone.restart();
    await phone.open(`#/notices/${id}`);
    await showsAndPlays(phone);

    // A correction without the sound, while the phone is away: at next contact it is gone there.
    await deciding.go(`#/notices/${id}/correct`);
    await deciding.page.getByRole('button', { name: /^去掉 录音/ }).click();
    const correct = { name: '更正', exact: true };
    await deciding.page.locator('main form').getByRole('button', correct).click();
    const sure = deciding.page.getByRole('dialog');
    await sure.getByRole('textbox').fill('更正');
    await sure.getByRole('button', correct).click();
    await waitFor(
      async () => (await world.rows('notice'))[id].voice === undefined,
      'the correction',
    );
    assert.equal((await world.rows('notice'))[id].images.length, 1);
    await phone.online();
    await phone.waitState(/已同步/);
    await waitFor(async () => (await kept()) === 1, 'NTC-4: the sound is gone from the phone', 40);
    const value = { reason: '错了' };
    await world.as_staff(approver, 'POST', `/notices/${id}/withdraw`, { value });
    await waitFor(
      async () => (await kept()) === 0,
      'NTC-4: what was withdrawn is gone here too',
      40,
    );
  },
);

test('NTC-3 a dead line loses no attachment: it goes on after a reload', options, async (t) => {
  const { editor } = await world.names();
  const desk = await openDesk(t, world, editor);
  const { page } = desk;
  await desk.go('#/notices/new');
  await page.getByLabel('标题').fill('断线也不丢');
  const jpeg = await photo(page);
  // Sync goes on; only the pieces of uploads break off.
  await page.route('**/blobs/**', (route) => route.abort());
  await page.getByTestId('pictures').setInputFiles({
    name: '路.jpg',
    mimeType: 'image/jpeg',
    buffer: jpeg,
  });
  await page.getByText('等着上传').waitFor();
  await page.unroute('**/blobs/**');
  await page.reload();
  await page.getByRole('navigation').waitFor();
  await desk.go('#/notices');
  await page.getByText('断线也不丢').first().click();
  await page.getByText('已传好').waitFor();
});

// SPDX-License-Identifier: Apache-2.0
// Holds checkin.ts to tests/protocol/checkin.json: if it agrees with it, it agrees with the server.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { concat, fromBase64Url, fromHex, toBase64Url, toHex } from './bytes';
import {
  codeHash, CodeError, entryHash, entryId, entryText, isGenuineHead, leadCodeText, makeLeadCode,
  nextLink, parseEntry, parseLeadCode, parseStationCode, recordHash, signEntry, sixDigits,
  stationCodeText, windowOf,
} from './checkin';
import { DeviceKey } from './sign';

const PATH = new URL('../../../../tests/protocol/checkin.json', import.meta.url);
const golden = JSON.parse(readFileSync(PATH, 'utf8'));
const hex = (text: string) => fromHex(text)!;
const keyOf = (who: string) =>
  new DeviceKey(hex(golden.keys.find((one: { who: string }) => one.who === who).seed));
const shiftKey = hex(golden.codes.shift_key);

describe('check-in bytes', { timeout: 30_000 }, () => {
  it('VOL-1: makes the lead\'s code of a window, and reads it again', () => {
    for (const one of golden.codes.lead) {
      expect(windowOf(one.lead_time)).toBe(one.window);
      const code = makeLeadCode(keyOf('lead'), one, shiftKey);
      expect([toHex(code.nonce), toHex(code.sig)]).toEqual([one.nonce, one.sig]);
      expect(leadCodeText(code)).toBe(one.text);
      expect(parseLeadCode(one.text)).toEqual(code);
      expect(toHex(codeHash(one.text))).toBe(one.hash);
    }
  });

  it('VOL-1: reads the printed code of a station', () => {
    const { station, secret, text, hash } = golden.codes.station;
    expect(parseStationCode(text)).toEqual({ station, secret: hex(secret) });
    expect(stationCodeText({ station, secret: hex(secret) })).toBe(text);
    expect(toHex(codeHash(text))).toBe(hash);
  });

  it('VOL-4: makes the six digits of a window', () => {
    for (const one of golden.codes.digits) expect(sixDigits(shiftKey, one.window)).toBe(one.digits);
  });

  it('VOL-2: signs entries, receipts and countersigns byte for byte', () => {
    for (const one of golden.entries) {
      const who = golden.keys.find((key: { pub: string }) => key.pub === one.device).who;
      const entry = signEntry(keyOf(who), {
        ...one, prev: hex(one.prev), evidence: hex(one.evidence), nonce: hex(one.nonce),
      });
      expect(toHex(entry.sig), one.name).toBe(one.sig);
      expect(entryText(entry), one.name).toBe(one.text);
      expect([toHex(entryHash(entry)), entryId(entry)]).toEqual([one.hash, one.id]);
      expect(toHex(parseEntry(one.text).evidence)).toBe(one.evidence);
    }
    const [checkIn, checkOut, counter] = golden.entries;
    expect(checkOut.prev).toBe(checkIn.hash);
    expect(counter.evidence).toBe(checkIn.hash);
  });

  it('VOL-6: every byte of an entry and of a code is under the signature', () => {
    const read: [string, (text: string) => unknown][] = [
      [golden.entries[0].text, parseEntry],
      [golden.entries[3].text, parseEntry],
      [golden.codes.lead[0].text, parseLeadCode],
    ];
    for (const [text, parse] of read) {
      const magic = text.slice(0, 5);
      const bytes = fromBase64Url(text.slice(5))!;
      for (let at = 0; at < bytes.length; ++at) {
        const forged = bytes.slice();
        forged[at]! ^= 1;
        expect(() => parse(magic + toBase64Url(forged)), `byte ${at}`).toThrow(CodeError);
      }
      expect(() => parse(magic + toBase64Url(bytes.slice(1)))).toThrow(CodeError);
      expect(() => parse(magic + toBase64Url(concat(bytes, 'x')))).toThrow(CodeError);
      expect(() => parse('LLX1.' + text.slice(5))).toThrow(CodeError);
    }
  });

  it('refuses to sign what no server takes', () => {
    const one = golden.entries[0];
    const bytes = { prev: hex(one.prev), evidence: hex(one.evidence), nonce: hex(one.nonce) };
    const draft = { ...one, ...bytes };
    const bad = [
      { ...draft, dseq: 0 }, { ...draft, dseq: 2 }, { ...draft, person: '' },
      { ...draft, note: '因'.repeat(101) }, { ...draft, evidence: new Uint8Array(31) },
      { ...draft, type: 4 }, { ...draft, method: 0 }, { ...draft, shift: 's'.repeat(33) },
    ];
    for (const each of bad) expect(() => signEntry(keyOf('lead'), each)).toThrow(CodeError);
  });

  it('VOL-6: links records into the log and knows its signed head', () => {
    let link: Uint8Array = new Uint8Array(32);
    for (const one of golden.log.links) {
      const text = typeof one.record === 'string' ? one.record : JSON.stringify(one.record);
      expect(toHex(recordHash(text))).toBe(one.hash);
      link = nextLink(one.n, link, hex(one.hash));
      expect(toHex(link)).toBe(one.link);
    }
    const { sig, ...head } = golden.log.head;
    const server = keyOf('server').pub;
    expect(isGenuineHead(server, { ...head, link: hex(head.link) }, hex(sig))).toBe(true);
    expect(isGenuineHead(server, { ...head, n: 3, link: hex(head.link) }, hex(sig))).toBe(false);
  });
});

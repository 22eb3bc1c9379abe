// SPDX-License-Identifier: Apache-2.0
// Scans on phones without a net: what is taken, what is warned of, what is refused.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromHex, toBase64Url, toHex } from '../protocol/bytes';
import {
  entryHash, entryText, leadCodeText, makeLeadCode, METHODS, parseEntry, signEntry,
  stationCodeText, TYPES, windowOf, WINDOW_MS,
} from '../protocol/checkin';
import { DeviceKey } from '../protocol/sign';
import type { Row } from '../replica/api';
import type { ShiftRow, TeamMemberRow, TeamRow } from '../replica/rows_service';
import {
  judgeDigits, judgeReceipt, judgeScan, leadDraft, plainDigits, walkUpId, type ScanAsk,
} from './checkin';

const golden = JSON.parse(
  readFileSync(new URL('../../../../tests/protocol/checkin.json', import.meta.url), 'utf8'),
);
const LEAD = new DeviceKey(new Uint8Array(32).fill(1));
const VOLUNTEER = new DeviceKey(new Uint8Array(32).fill(2));
const SHIFT_KEY = new Uint8Array(32).fill(0x5a);
const NOW = 1_772_614_812_000;

const row = <T,>(key: string, value: Partial<T>): Row<T> =>
  ({ key, value: value as T, isPending: false });
const keys = (key: DeviceKey) => [{ cid: key.cid, pub: toBase64Url(key.pub) }];

const held = {
  teams: [row<TeamRow>('lianxinqiao', { kind: 'station', code_hash: golden.codes.station.hash })],
  members: [
    row<TeamMemberRow>('leifeng:p-lead', {
      team: 'leifeng', person: 'p-lead', role: 'lead', state: 'active', keys: keys(LEAD),
    }),
    row<TeamMemberRow>('leifeng:p-vol', {
      team: 'leifeng', person: 'p-vol', role: 'member', state: 'active', keys: keys(VOLUNTEER),
    }),
  ],
  shifts: [
    row<ShiftRow>('s1', { team: 'leifeng', place: '' }),
    row<ShiftRow>('s2', { team: 'leifeng', place: 'lianxinqiao' }),
  ],
};
const ask = (some: Partial<ScanAsk> = {}): ScanAsk =>
  ({ held, person: 'p-vol', type: TYPES.checkIn, now: NOW, ...some });

function shown(some: { shift?: string; place?: string; team?: string; ago?: number } = {}): string {
  const { shift = 's1', place = '', team = 'leifeng', ago = 0 } = some;
  const what = { shift, place, team, window: windowOf(NOW) - ago };
  return leadCodeText(makeLeadCode(LEAD, what, SHIFT_KEY));
}

/** What the volunteer's phone shows after the scan. */
function receiptOf(qr: string, key = VOLUNTEER): string {
  const scan = judgeScan(qr, ask());
  if (!scan.isTaken) throw new Error(scan.why);
  const chain = { dseq: 1, prev: new Uint8Array(32), at: NOW, boot: 0, mono: 0 };
  return entryText(signEntry(key, { ...scan.draft, ...chain, nonce: new Uint8Array(8) }));
}

describe('the volunteer\'s phone', { timeout: 30_000 }, () => {
  it('VOL-2: takes a lead\'s code of this moment', () => {
    const scan = judgeScan(shown(), ask());
    expect(scan).toMatchObject({ isTaken: true, warnings: [], qr: shown() });
    expect(scan.isTaken && scan.draft).toMatchObject({
      type: TYPES.checkIn, shift: 's1', person: 'p-vol', method: METHODS.leadCode,
    });
  });

  it('VOL-3: warns of a code that was photographed two minutes ago', () => {
    expect(judgeScan(shown({ ago: 3 }), ask())).toMatchObject({ isTaken: true, warnings: [] });
    expect(judgeScan(shown({ ago: 4 }), ask())).toMatchObject({ warnings: ['late'] });
    expect(judgeScan(shown({ ago: -4 }), ask())).toMatchObject({ warnings: ['late'] });
  });

  it('VOL-3: warns of another place, and refuses another shift than was chosen', () => {
    expect(judgeScan(shown({ place: 'hall' }), ask())).toMatchObject({ warnings: ['elsewhere'] });
    const other = judgeScan(shown(), ask({ shift: 's2' }));
    expect(other).toEqual({ isTaken: false, why: 'otherShift' });
  });

  it('VOL-3: refuses forged codes, codes of no lead, and the own one', () => {
    const forged = shown().slice(0, -4) + 'AAAA';
    expect(judgeScan(forged, ask())).toEqual({ isTaken: false, why: 'forged' });
    expect(judgeScan(shown({ team: 'city' }), ask())).toEqual({ isTaken: false, why: 'notLead' });
    const own = judgeScan(shown(), ask({ person: 'p-lead' }));
    expect(own).toEqual({ isTaken: false, why: 'own' });
    const gone = { ...held, members: [row<TeamMemberRow>('x', {
      ...held.members[0]!.value, state: 'left',
    })] };
    expect(judgeScan(shown(), ask({ held: gone }))).toEqual({ isTaken: false, why: 'notLead' });
  });

  it('says what was scanned instead', () => {
    const receipt = receiptOf(shown());
    expect(judgeScan(receipt, ask())).toEqual({ isTaken: false, why: 'isReceipt' });
    expect(judgeScan('https://example.org', ask())).toEqual({ isTaken: false, why: 'notCode' });
    expect(judgeScan('LLQ1.', ask())).toEqual({ isTaken: false, why: 'notCode' });
  });

  it('a shift that this phone has not heard of is taken with a word about it', () => {
    expect(judgeScan(shown({ shift: 'new' }), ask())).toMatchObject({ warnings: ['noShiftHere'] });
  });

  it('VOL-1: takes the present code of a station, not an old sheet', () => {
    const { text, station } = golden.codes.station;
    expect(judgeScan(text, ask({ shift: 's2' }))).toMatchObject({ isTaken: true, warnings: [] });
    expect(judgeScan(text, ask({ shift: 's1' }))).toMatchObject({ warnings: ['elsewhere'] });
    expect(judgeScan(text, ask())).toEqual({ isTaken: false, why: 'noShift' });
    const old = stationCodeText({ station, secret: new Uint8Array(16) });
    expect(judgeScan(old, ask({ shift: 's2' }))).toEqual({ isTaken: false, why: 'oldStation' });
  });

  it('VOL-4: takes six digits as people type them', () => {
    expect(plainDigits('１２3 4-56')).toBe('123456');
    const typed = judgeDigits('012 345', ask({ shift: 's1' }));
    expect(typed.isTaken && toHex(typed.draft.evidence)).toBe('303132333435');
    expect(judgeDigits('12345', ask({ shift: 's1' }))).toEqual({ isTaken: false, why: 'digits' });
    expect(judgeDigits('123456', ask())).toEqual({ isTaken: false, why: 'noShift' });
  });
});

describe('the lead\'s phone', { timeout: 30_000 }, () => {
  const receiptAsk = { person: 'p-lead', shift: 's1', shown: [shown(), shown({ ago: 1 })] };

  it('VOL-2: countersigns the receipt of a code that it showed', () => {
    const text = receiptOf(shown({ ago: 1 }));
    const back = judgeReceipt(text, receiptAsk);
    if (!back.isTaken) throw new Error(back.why);
    expect(back.qr).toBe(shown({ ago: 1 }));
    expect(toHex(back.draft.evidence)).toBe(toHex(entryHash(parseEntry(text))));
    expect(back.draft).toMatchObject({ type: TYPES.countersign, shift: 's1', person: 'p-vol' });
  });

  it('VOL-3: refuses a receipt of a code that it did not just show', () => {
    const late = receiptOf(shown({ ago: 4 }));
    expect(judgeReceipt(late, receiptAsk)).toEqual({ isTaken: false, why: 'notShown' });
    const other = { ...receiptAsk, shift: 's2' };
    expect(judgeReceipt(receiptOf(shown()), other)).toEqual({ isTaken: false, why: 'otherShift' });
  });

  it('VOL-3: refuses changed receipts, other codes, and itself', () => {
    const text = receiptOf(shown());
    const forged = text.slice(0, -4) + (text.endsWith('AAAA') ? 'BBBB' : 'AAAA');
    expect(judgeReceipt(forged, receiptAsk).isTaken).toBe(false);
    expect(judgeReceipt(shown(), receiptAsk)).toEqual({ isTaken: false, why: 'isLeadCode' });
    const own = { ...receiptAsk, person: 'p-vol' };
    expect(judgeReceipt(text, own)).toEqual({ isTaken: false, why: 'own' });
    expect(judgeReceipt('x', receiptAsk)).toEqual({ isTaken: false, why: 'notCode' });
  });

  it('VOL-5: enters who has no phone, as the golden entry says', () => {
    const entry = golden.entries.find((one: { name: string }) => one.name === 'lead_in');
    const draft = leadDraft({
      isIn: true, shift: entry.shift, person: entry.person, reason: entry.note,
      at: Number(BigInt(`0x${entry.evidence}`)),
    });
    expect(toHex(draft.evidence)).toBe(entry.evidence);
    const { prev, nonce, ...rest } = entry;
    const made = signEntry(LEAD, {
      ...rest, ...draft, prev: fromHex(prev)!, nonce: fromHex(nonce)!,
    });
    expect(entryText(made)).toBe(entry.text);
  });

  it('VOL-5: one walk-up has one number in one shift', () => {
    expect(walkUpId('s1', '老张', '1234')).toBe(walkUpId('s1', '老张', '1234'));
    expect(walkUpId('s1', '老张', '1234')).not.toBe(walkUpId('s2', '老张', '1234'));
    expect(walkUpId('s1', '老张', '1234')).toMatch(/^w-[0-9a-f]{16}$/);
    expect(WINDOW_MS).toBe(30_000);
  });
});

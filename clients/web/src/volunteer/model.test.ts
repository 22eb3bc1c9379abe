// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { entryHash, entryId, entryText, METHODS, signEntry, TYPES } from '../protocol/checkin';
import { DeviceKey } from '../protocol/sign';
import type { Row } from '../replica/api';
import type { TaskRow } from '../replica/rows';
import type { AttendanceRow, HoursRow, ShiftRow, TeamMinorRow } from '../replica/rows_service';
import { checkChain } from './chain';
import {
  isForgotten, minorState, nextAct, openCalls, presences, shiftsNow, totals, type Mark, type Shift,
} from './shifts';
import { isOpen, knocksBefore, noteOf, staircases, type Task } from './tasks';

const HOUR = 3_600_000;
const NOW = 1_772_614_800_000;

function task(key: string, some: Partial<TaskRow>, isPending = false): Task {
  const plain = { kind: 'knock', state: 'open', severity: 'orange', area: 'e1', door: key };
  return { key, value: { ...plain, ...some } as TaskRow, isPending };
}
const shift = (key: string, some: Partial<ShiftRow> = {}): Shift => ({
  key, isPending: false,
  value: {
    team: 't', title: '', place: '', from: NOW, to: NOW + HOUR, need: 0, state: 'open', ...some,
  },
});
const mark = (key: string, some: Partial<AttendanceRow>, isPending = false): Mark => ({
  key, value: { kind: 'in', shift: 's', person: 'p', ...some } as AttendanceRow, isPending,
});

describe('knock list', () => {
  it('RAIN-11: goes staircase by staircase and up the floors, worst warning first', () => {
    const list = staircases([
      task('2号楼1单元501', { floor: 5 }), task('2号楼1单元101', { floor: 1 }),
      task('10号楼1单元201', { floor: 2, area: 'e10' }), task('2号楼1单元102', { floor: 1 }),
      task('9号楼1单元601', { floor: 6, area: 'e9', severity: 'red' }),
    ]);
    expect(list.map(({ area, tasks }) => [area, tasks.map(({ key }) => key.slice(-3))])).toEqual([
      ['e9', ['601']], ['e1', ['101', '102', '501']], ['e10', ['201']],
    ]);
  });

  it('RAIN-10: who calls for help comes before every colour and first in the staircase', () => {
    const list = staircases([
      task('9号楼1单元601', { floor: 6, area: 'e9', severity: 'red' }),
      task('2号楼1单元101', { floor: 1 }),
      task('2号楼1单元501', { floor: 5, why: 'help' }),
    ]);
    expect(list.map(({ area, tasks }) => [area, tasks.map(({ key }) => key.slice(-3))])).toEqual([
      ['e1', ['501', '101']], ['e9', ['601']],
    ]);
  });

  it('RAIN-12: nobody opened is still open and counts the tries', () => {
    const once = task('a', { result: 'no_answer', tries: 1 }, true);
    expect([isOpen(once), knocksBefore(once)]).toEqual([true, 2]);
    expect(isOpen(task('b', { result: 'told' }, true))).toBe(false);
    expect(isOpen(task('c', { state: 'done' }))).toBe(false);
  });

  it('RAIN-15: a transfer says where to, by whom and who looks after', () => {
    const texts = { where: '区体育馆', by: '赵国强', care: '女儿' };
    expect(noteOf('moved', texts, (field) => field)).toBe('where 区体育馆; by 赵国强; care 女儿');
    expect(noteOf('refused', { reason: ' 不想走 ' }, (field) => field)).toBe('不想走');
    expect(noteOf('told', { more: '难'.repeat(300) }, (field) => field)).toHaveLength(200);
  });
});

describe('minors', () => {
  const minor = (key: string, value: Partial<TeamMinorRow>): Row<TeamMinorRow> => ({
    key, isPending: false, value: { team: 't', person: key.slice(2), ...value },
  });

  it('VOL-13: are told by their own rows, which only some phones hold', () => {
    const rows = [
      minor('t:kid', { consent: { by: 'a', how: 'paper', at: NOW } }), minor('t:teen', {}),
    ];
    expect(['t:kid', 't:teen', 't:adult'].map((key) => minorState(rows, key))).toEqual(
      ['agreed', 'waiting', undefined],
    );
    expect(minorState([], 't:kid')).toBe(undefined);
  });
});

describe('shifts', () => {
  it('shows what goes on in the own teams, from an hour before to half an hour after', () => {
    const all = [
      shift('soon', { from: NOW + HOUR - 1, to: NOW + 2 * HOUR }), shift('now'),
      shift('over', { from: NOW - 3 * HOUR, to: NOW - HOUR }), shift('off', { state: 'cancelled' }),
      shift('others', { team: 'x' }),
    ];
    const keys = shiftsNow(all, new Set(['t']), NOW).map(({ key }) => key);
    expect(keys).toEqual(['now', 'soon']);
  });

  it('VOL-14: asks for an answer until the person gave one', () => {
    const call = shift('c', { is_callout: true });
    const answer = { key: 'c:p', value: { shift: 'c', person: 'p', answer: 'no' as const, at: 1 },
      isPending: true };
    expect(openCalls([call, shift('plain')], [], 'p')).toEqual([call]);
    expect(openCalls([call], [answer], 'p')).toEqual([]);
    expect(openCalls([shift('c', { is_callout: true, state: 'full' })], [], 'p')).toEqual([]);
  });

  it('VOL-2: knows who is in, who is out, and whose entry the lead signed', () => {
    const all = presences([
      mark('out', { kind: 'out', device_at: NOW + HOUR }), mark('in', { device_at: NOW }),
      mark('counter', { kind: 'countersign', target: 'out' }),
      mark('other', { person: 'q', device_at: NOW }, true),
      mark('bad', { person: 'r', device_at: NOW, refused: 'not_lead' }),
      mark('elsewhere', { shift: 's2', person: 'x', device_at: NOW }),
    ], 's');
    expect([...all.keys()].sort()).toEqual(['p', 'q']);
    expect(all.get('q')?.isCosigned).toBe(false);
    const unsent = new Set(['other']);
    expect(presences([mark('other', { device_at: NOW }, true)], 's', unsent).get('p'))
      .toMatchObject({ isCosigned: true, isPending: true });
    expect(all.get('p')).toMatchObject({ inAt: NOW, outAt: NOW + HOUR, isCosigned: true });
    expect([nextAct(all.get('p')), nextAct(all.get('q')), nextAct(undefined)])
      .toEqual(['done', 'out', 'in']);
  });

  it('VOL-8: reminds of a check-out after the end of the shift', () => {
    const came = presences([mark('in', { device_at: NOW })], 's').get('p');
    expect(isForgotten(shift('s'), came, NOW + HOUR)).toBe(false);
    expect(isForgotten(shift('s'), came, NOW + HOUR + 1)).toBe(true);
    expect(isForgotten(shift('s'), undefined, NOW + 2 * HOUR)).toBe(false);
  });

  it('VOL-9: sums what counts, and leaves out what is void or disputed', () => {
    const rows = (['final', 'corrected', 'pending', 'publicised', 'void', 'disputed'] as const)
      .map((state, i) => ({ key: state, isPending: false,
        value: { state, counted: 10 ** i, minutes: 9_999 } as HoursRow }));
    expect(totals(rows)).toEqual({ settled: 11, waiting: 1100 });
  });
});

/** Signatures on a busy machine. */
const PATIENCE = { timeout: 30_000 };

describe('the chain on the phone', PATIENCE, () => {
  const key = new DeviceKey(new Uint8Array(32).fill(7));
  function chain(n: number): Mark[] {
    let prev: Uint8Array = new Uint8Array(32);
    return Array.from({ length: n }, (_, i) => {
      const entry = signEntry(key, {
        type: TYPES.checkIn, shift: 's', person: 'p', method: METHODS.leadCode, note: '',
        evidence: new Uint8Array(32), dseq: i + 1, prev, at: NOW + i, boot: 0, mono: 0,
        nonce: new Uint8Array(8),
      });
      prev = entryHash(entry);
      const row = { cid: key.cid, entry: entryText(entry), device_at: entry.at };
      return mark(entryId(entry), row);
    });
  }

  it('VOL-6: an honest chain passes, in any order and with gaps', () => {
    const rows = chain(4);
    expect(checkChain([...rows].reverse(), key.cid)).toEqual({ count: 4, missing: 0 });
    const gap = [rows[0]!, rows[1]!, rows[3]!];
    expect(checkChain(gap, key.cid)).toEqual({ count: 3, missing: 1 });
    expect(checkChain(rows, 'other')).toEqual({ count: 0, missing: 0 });
  });

  it('VOL-6: names an altered and an exchanged entry', () => {
    const rows = chain(3);
    const other = { ...rows[1]!, value: rows[2]!.value };
    expect(checkChain([rows[0]!, other], key.cid).bad).toMatchObject({ what: 'altered' });
    const again = signEntry(key, {
      type: TYPES.checkOut, shift: 's', person: 'p', method: METHODS.leadCode, note: '',
      evidence: new Uint8Array(32), dseq: 2, prev: new Uint8Array(32).fill(1), at: NOW, boot: 0,
      mono: 0, nonce: new Uint8Array(8),
    });
    const forged = mark(entryId(again), { cid: key.cid, entry: entryText(again) });
    expect(checkChain([rows[0]!, forged, rows[2]!], key.cid).bad).toMatchObject({ what: 'moved' });
    expect(checkChain([...rows, forged], key.cid).bad).toMatchObject({ what: 'moved' });
  });
});

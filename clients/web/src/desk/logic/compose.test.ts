// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Area, Notice, Task, Unreached } from '../../api/types';
import { UndoBox, kUndoMs } from '../people/undos';
import type { DraftForm } from '../state/drafts';
import { AreaIndex } from './audience';
import { argsOf, emptyForm, formOfNotice, isUrgent, lacksOf } from './compose';
import { newId } from '../../ui/new_id';
import { byNextTime, groupsOf, isInPart } from './unreached';

const kNow = new Date('2026-07-20T20:00').getTime();
const form = (more: Partial<DraftForm> = {}): DraftForm => ({
  ...emptyForm(['hn']),
  title: '停水',
  ...more,
});

describe('RAIN-6 what a notice still lacks', () => {
  it('asks an urgent one for an action line, and an ordinary one not', () => {
    expect(lacksOf(form(), kNow)).toEqual([]);
    expect(lacksOf(form({ severity: 'red' }), kNow)).toEqual(['no_action']);
    expect(lacksOf(form({ category: 'urgent' }), kNow)).toEqual(['no_action']);
    expect(isUrgent('weather', 'blue')).toBe(true);
    expect(isUrgent('latest', 'yellow')).toBe(false);
  });

  it('counts 40 characters and not bytes', () => {
    expect(lacksOf(form({ actionLine: '急'.repeat(40) }), kNow)).toEqual([]);
    expect(lacksOf(form({ actionLine: '😀'.repeat(40) }), kNow)).toEqual([]);
    expect(lacksOf(form({ actionLine: '急'.repeat(41) }), kNow)).toEqual(['action_long']);
  });

  it('knows times that cannot be', () => {
    const late = { validFrom: '2026-07-21T10:00', validTo: '2026-07-21T09:00' };
    expect(lacksOf(form(late), kNow)).toEqual(['from_after_to']);
    expect(lacksOf(form({ validTo: '2026-07-20T19:59' }), kNow)).toEqual(['over']);
    const sent = { sendAt: '2026-07-22T10:00', validTo: '2026-07-22T09:00' };
    expect(lacksOf(form(sent), kNow)).toEqual(['send_after_end']);
    expect(lacksOf(form({ costCap: '十元' }), kNow)).toEqual(['bad_cost']);
  });
});

describe('what the server takes', () => {
  it('clears by 0 what was emptied, and counts the cap in 1/10000 yuan', () => {
    const args = argsOf(form({ costCap: '12.5', title: ' 停水 ' }));
    expect(args).toMatchObject({ title: '停水', valid_to: 0, send_at: 0, cost_cap: 125_000 });
  });

  it('comes back from the server unchanged', () => {
    const written = form({ severity: 'red', actionLine: '上二楼', validTo: '2026-07-21T09:00' });
    const args = argsOf(written);
    const { audience, send_at, cost_cap, ...content } = args;
    const notice = { content, audience, send_at, cost_cap } as unknown as Notice;
    expect(argsOf(formOfNotice(notice))).toEqual(args);
  });

  it('names notices with 24 hex digits', () => {
    expect(newId()).toMatch(/^[0-9a-f]{24}$/);
  });
});

describe('NTC-10 the unreached', () => {
  const area = (id: string, kind: string, path: string[]): Area => ({
    id,
    kind,
    parent: path.at(-1) ?? '',
    name: id,
    path: [...path, id],
    unit: 'g1',
    state: 'active',
  });
  const index = new AreaIndex([
    area('hn', 'community', []),
    area('10号楼', 'building', ['hn']),
    area('2号楼', 'building', ['hn']),
    area('2号楼1门栋', 'entrance', ['hn', '2号楼']),
  ]);
  const person = (name: string, place: string, state: Unreached['state'] = 'app') =>
    ({ person: name, name, area: place, unit: 'g1', state }) as Unreached;

  it('stand by building, in the order of the house numbers', () => {
    const groups = groupsOf(
      [person('a', '10号楼'), person('b', '2号楼1门栋'), person('c', '2号楼')],
      index,
    );
    expect(groups.map((group) => group.building)).toEqual(['2号楼', '10号楼']);
    expect(groups[0].persons.length).toBe(2);
  });

  it('are filtered by a part of the funnel', () => {
    expect(isInPart(person('a', 'hn', 'handed'), 'underway')).toBe(true);
    expect(isInPart(person('a', 'hn', 'handed'), 'no_channel')).toBe(false);
    expect(isInPart(person('a', 'hn'), '')).toBe(true);
  });

  it('RAIN-12 have what is due first on top', () => {
    const tasks = [{ next_at: 9 }, { next_at: 3 }, { next_at: 5 }] as Task[];
    expect(byNextTime(tasks).map((task) => task.next_at)).toEqual([3, 5, 9]);
  });
});

describe('undo', () => {
  it('is offered for 30 days and to nobody else', () => {
    const held = new Map<string, string>();
    const store = {
      getItem: (key: string) => held.get(key) ?? null,
      setItem: (key: string, value: string) => void held.set(key, value),
      removeItem: (key: string) => void held.delete(key),
    };
    const box = new UndoBox(store, 'hn', 'me');
    box.add({ undo: 'u1', what: 'move', person: 'p1', at: 1000 });
    expect(box.of('p1', 1000 + kUndoMs - 1).length).toBe(1);
    expect(box.of('p1', 1000 + kUndoMs + 1)).toEqual([]);
    expect(box.of('p2', 1001)).toEqual([]);
    expect(new UndoBox(store, 'hn', 'other').of('p1', 1001)).toEqual([]);
    box.drop('u1');
    expect(box.of('p1', 1001)).toEqual([]);
  });
});

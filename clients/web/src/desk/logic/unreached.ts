// SPDX-License-Identifier: Apache-2.0
// The unreached by grid and building, in the order of one walk.

import type { Task, Unreached } from '../../api/types';
import type { AreaIndex } from './audience';
import { kParts, type PartName } from './funnel';

export interface BuildingGroup {
  building: string;
  name: string;
  unit: string;
  persons: Unreached[];
}

export function groupsOf(persons: readonly Unreached[], areas: AreaIndex): BuildingGroup[] {
  const groups = new Map<string, BuildingGroup>();
  for (const person of persons) {
    const place = areas.above(person.area, 'building') ?? areas.byId.get(person.area);
    const building = place?.id ?? person.area;
    const name = areas.longName(building);
    const group = groups.get(building) ?? { building, name, unit: person.unit, persons: [] };
    group.persons.push(person);
    groups.set(building, group);
  }
  return [...groups.values()].sort((a, b) =>
    a.name.localeCompare(b.name, 'zh-CN', { numeric: true }),
  );
}

export function isInPart(person: Unreached, part: PartName | ''): boolean {
  if (!part) return true;
  return kParts.find((one) => one.name === part)?.states.includes(person.state) ?? false;
}

/** Calls for help, then by what comes next; what is overdue stands first. */
export function byNextTime(tasks: readonly Task[]): Task[] {
  const isHelp = (task: Task) => Number(task.why === 'help');
  return [...tasks].sort(
    (a, b) => isHelp(b) - isHelp(a) || (a.next_at ?? 0) - (b.next_at ?? 0),
  );
}

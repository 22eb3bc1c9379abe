// SPDX-License-Identifier: Apache-2.0
// The expression of an audience as the builder keeps it, and the area tree it is built over.

import type { Area, Audience } from '../../api/types';

/** What the form holds; texts of tags are as typed. */
export interface AudienceForm {
  areas: string[];
  excludeAreas: string[];
  tags: string;
  sensitiveTags: string;
  ageMin: string;
  ageMax: string;
  excludePersons: string[];
}

export function emptyAudience(areas: string[] = []): AudienceForm {
  return {
    areas,
    excludeAreas: [],
    tags: '',
    sensitiveTags: '',
    ageMin: '',
    ageMax: '',
    excludePersons: [],
  };
}

/** Words between commas, blanks or 、, each once. */
export function wordsOf(text: string): string[] {
  const words = text.split(/[\s,，、;；]+/u).filter(Boolean);
  return [...new Set(words)];
}

function ageOf(text: string): number | undefined {
  const trimmed = text.trim();
  const age = Number(trimmed);
  return trimmed && Number.isInteger(age) && age >= 0 && age <= 130 ? age : undefined;
}

/** Members that say nothing are left out: an empty filter would cost the direct way. */
export function audienceOf(form: AudienceForm): Audience {
  const out: Audience = { areas: form.areas };
  const tags = wordsOf(form.tags);
  const sensitive = wordsOf(form.sensitiveTags);
  const min = ageOf(form.ageMin);
  const max = ageOf(form.ageMax);
  if (tags.length) out.tags = tags;
  if (sensitive.length) out.sensitive_tags = sensitive;
  if (min !== undefined) out.age_min = min;
  if (max !== undefined) out.age_max = max;
  if (form.excludeAreas.length) out.exclude_areas = form.excludeAreas;
  if (form.excludePersons.length) out.exclude_persons = form.excludePersons;
  return out;
}

export function formOf(audience: Audience): AudienceForm {
  return {
    areas: [...audience.areas],
    excludeAreas: [...(audience.exclude_areas ?? [])],
    tags: (audience.tags ?? []).join(' '),
    sensitiveTags: (audience.sensitive_tags ?? []).join(' '),
    ageMin: audience.age_min === undefined ? '' : String(audience.age_min),
    ageMax: audience.age_max === undefined ? '' : String(audience.age_max),
    excludePersons: [...(audience.exclude_persons ?? [])],
  };
}

export class AreaIndex {
  readonly byId: ReadonlyMap<string, Area>;
  private readonly below = new Map<string, Area[]>();
  readonly roots: Area[];

  constructor(areas: readonly Area[]) {
    this.byId = new Map(areas.map((area) => [area.id, area]));
    for (const area of areas) {
      const siblings = this.below.get(area.parent);
      if (siblings) siblings.push(area);
      else this.below.set(area.parent, [area]);
    }
    for (const siblings of this.below.values()) siblings.sort(byName);
    this.roots = areas.filter((area) => !this.byId.has(area.parent)).sort(byName);
  }

  children(id: string): Area[] {
    return this.below.get(id) ?? [];
  }

  name(id: string): string {
    return this.byId.get(id)?.name ?? id;
  }

  /** From the node below the community down: 3网格 6号院 2号楼. */
  longName(id: string): string {
    const area = this.byId.get(id);
    if (!area) return id;
    const path = area.path.map((node) => this.byId.get(node)).filter((node) => node !== undefined);
    const from = path.findIndex((node) => node.kind === 'community') + 1;
    return (from < path.length ? path.slice(from) : path.slice(-1))
      .map((node) => node.name)
      .join(' ');
  }

  /** The nearest node of a kind at or above `id`. */
  above(id: string, kind: string): Area | undefined {
    const path = this.byId.get(id)?.path ?? [];
    const nodes = path.map((node) => this.byId.get(node));
    return nodes.reverse().find((node) => node?.kind === kind);
  }

  /** The node and everything below it, deepest last. */
  subtree(id: string): Area[] {
    const own = this.byId.get(id);
    if (!own) return [];
    return [own, ...this.children(id).flatMap((child) => this.subtree(child.id))];
  }

  /** True when a node above `id` is in `chosen`. */
  isCovered(id: string, chosen: readonly string[]): boolean {
    return (this.byId.get(id)?.path ?? []).some((node) => node !== id && chosen.includes(node));
  }
}

const collator = new Intl.Collator('zh-CN', { numeric: true });
function byName(a: Area, b: Area): number {
  return collator.compare(a.name, b.name);
}

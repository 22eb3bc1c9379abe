// SPDX-License-Identifier: Apache-2.0
// Optimistic effects: what a phone shows before the server has answered (PROTOCOL.md §8). Pure.

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [member: string]: JsonValue | undefined;
}

export interface Effect {
  op: 'put' | 'patch' | 'delete' | 'inc';
  tbl: string;
  /** Template of the row key. */
  key: string;
  row?: JsonObject;
}

export interface MutatorInfo {
  /** 0 alert, 1 interactive, 2 bulk. */
  lane: number;
  effects?: Effect[];
}
export type EffectTable = Record<string, MutatorInfo>;

/** What the overlay needs of a pending mutation. */
export interface OverlayMutation {
  name: string;
  /** JSON object text. */
  args: string;
  /** Phone's wall clock when it was made, unix ms. */
  wall: number;
  /** Of an accepted one, the commit that it became; 0 or absent before. */
  seq?: number;
}

/** Newest ver that the base has of a row, deleted or not; 0 = none. */
export type VerOf = (key: string) => number;

export interface MergedRow {
  value: JsonObject;
  isPending: boolean;
}

/** A mutator that this phone does not know goes up lane 1. */
export function laneOf(effects: EffectTable, name: string): number {
  return Object.hasOwn(effects, name) ? effects[name]!.lane : 1;
}

export function effectsOf(effects: EffectTable, name: string): Effect[] {
  return (Object.hasOwn(effects, name) ? effects[name]!.effects : undefined) ?? [];
}

/** Tables whose rows look different because of `name`. */
export function tablesOf(effects: EffectTable, name: string): string[] {
  return [...new Set(effectsOf(effects, name).map((effect) => effect.tbl))];
}

type Lookup = (name: string) => JsonValue | undefined;

function lookup(args: JsonObject, actor: string, wall: number): Lookup {
  return (name) => {
    if (name === 'actor') return actor;
    if (name === 'now') return wall;
    return Object.hasOwn(args, name) ? args[name] : undefined;
  };
}

/** Undefined when an argument is missing or is no text, integer or boolean. */
function fillText(text: string, find: Lookup): string | undefined {
  let isComplete = true;
  const out = text.replace(/\{([^}]*)\}/g, (_, name: string) => {
    const value = find(name);
    const fits =
      typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value);
    if (!fits) isComplete = false;
    return String(value);
  });
  return isComplete ? out : undefined;
}

function fillValue(form: JsonValue | undefined, find: Lookup): JsonValue | undefined {
  if (typeof form === 'string') {
    const whole = /^\{([^}]+)\}$/.exec(form);
    return whole ? find(whole[1]!) : fillText(form, find);
  }
  if (Array.isArray(form)) {
    return form.map((item) => fillValue(item, find)).filter((item) => item !== undefined);
  }
  if (form !== null && typeof form === 'object') {
    const out: JsonObject = {};
    for (const [name, member] of Object.entries(form)) {
      const value = fillValue(member, find);
      if (value !== undefined) out[name] = value;
    }
    return out;
  }
  return form;
}

function addMembers(row: JsonObject, amounts: JsonObject): JsonObject {
  const out = { ...row };
  for (const [name, amount] of Object.entries(amounts)) {
    if (!Number.isSafeInteger(amount)) continue;
    const old = Number.isSafeInteger(out[name]) ? (out[name] as number) : 0;
    const sum = old + (amount as number);
    if (Number.isSafeInteger(sum)) out[name] = sum;
  }
  return out;
}

function apply(
  effect: Effect,
  find: Lookup,
  isInBase: (key: string) => boolean,
  table: Map<string, MergedRow>,
): void {
  const key = fillText(effect.key, find);
  if (key === undefined || isInBase(key)) return;
  if (effect.op === 'delete') {
    table.delete(key);
    return;
  }
  const value = fillValue(effect.row ?? {}, find) as JsonObject;
  const old = table.get(key)?.value;
  if (effect.op === 'put') table.set(key, { value, isPending: true });
  if (effect.op === 'patch') table.set(key, { value: { ...old, ...value }, isPending: true });
  if (effect.op === 'inc' && old) {
    table.set(key, { value: addMembers(old, value), isPending: true });
  }
}

export interface Overlay {
  effects: EffectTable;
  /** The phone's account. */
  actor: string;
  pending: readonly OverlayMutation[];
  tbl: string;
  verOf?: VerOf;
}

/** Arguments as an object; undefined when the text is none. */
export function parseArgs(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const fits = value !== null && typeof value === 'object' && !Array.isArray(value);
    return fits ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Applies the effects of `pending`, in order, that touch table `tbl` to its rows in `table`. Rows
 * are replaced, never changed in place.
 *
 * An accepted mutation stays in the overlay until all its lanes have come. A row that the base has
 * from its commit or later holds its effect already: applying it again would count an `inc` twice
 * and put an older value over a newer one.
 */
export function applyOverlay(
  { effects, actor, pending, tbl, verOf }: Overlay,
  table: Map<string, MergedRow>,
): void {
  for (const mutation of pending) {
    const touching = effectsOf(effects, mutation.name).filter((effect) => effect.tbl === tbl);
    if (!touching.length) continue;
    const args = parseArgs(mutation.args);
    if (!args) continue;
    const find = lookup(args, actor, mutation.wall);
    const { seq = 0 } = mutation;
    const isInBase = (key: string) => seq > 0 && verOf !== undefined && verOf(key) >= seq;
    for (const effect of touching) apply(effect, find, isInBase, table);
  }
}

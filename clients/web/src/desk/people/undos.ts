// SPDX-License-Identifier: Apache-2.0
// Numbers that take an act back: the server tells them once, so this computer keeps them.

import type { TextStore } from '../state/drafts';

/** How long the server can take it back. */
export const kUndoMs = 30 * 24 * 3_600_000;

export interface Undoable {
  undo: string;
  what: 'move' | 'moved_out' | 'deceased' | 'merge';
  person: string;
  /** Unix ms. */
  at: number;
}

export class UndoBox {
  private readonly store: TextStore;
  private readonly key: string;

  constructor(store: TextStore, slug: string, account: string) {
    this.store = store;
    this.key = `linli.desk.${slug}.${account}.undos`;
  }

  /** Those of a person that still work, newest first. */
  of(person: string, now: number): Undoable[] {
    return this.all()
      .filter((one) => one.person === person && one.at + kUndoMs > now)
      .sort((a, b) => b.at - a.at);
  }

  add(one: Undoable): void {
    const kept = this.all().filter((old) => old.at + kUndoMs > one.at);
    this.store.setItem(this.key, JSON.stringify([...kept, one]));
  }

  drop(undo: string): void {
    const rest = this.all().filter((one) => one.undo !== undo);
    this.store.setItem(this.key, JSON.stringify(rest));
  }

  private all(): Undoable[] {
    try {
      return JSON.parse(this.store.getItem(this.key) ?? '[]') as Undoable[];
    } catch {
      return [];
    }
  }
}

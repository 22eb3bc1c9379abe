// SPDX-License-Identifier: Apache-2.0
// What is being written is kept on this computer at every change, until the server has it. The
// Idempotency-Keys lie with it, so that a reload after a lost answer writes nothing twice.

import type { KeptAttempt } from '../../api/attempt';
import type { Category, Severity } from '../../api/types';
import type { AttachedForm } from '../logic/attachments';
import type { AudienceForm } from '../logic/audience';

export interface DraftForm extends AttachedForm {
  category: Category;
  severity: Severity;
  title: string;
  actionLine: string;
  body: string;
  needsAck: boolean;
  isDrill: boolean;
  /** Of <input type="datetime-local">, the local wall clock; '' = open. */
  validFrom: string;
  validTo: string;
  sendAt: string;
  /** Yuan as typed; '' = none. */
  costCap: string;
  audience: AudienceForm;
}

export interface Draft {
  /** Id of the notice; chosen here, so that the first save may be repeated. */
  id: string;
  form: DraftForm;
  /** True once the server knows the notice. */
  isOnServer: boolean;
  /** Form as the server took it last, as JSON; '' = never. */
  taken: string;
  /** Unix ms. */
  changedAt: number;
  attempts: { save?: KeptAttempt; submit?: KeptAttempt };
}

/** Drafts kept of one account; the oldest that the server has goes first. */
export const kDraftsMax = 50;

export interface TextStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export class DraftBox {
  private readonly store: TextStore;
  private readonly key: string;

  constructor(store: TextStore, slug: string, account: string) {
    this.store = store;
    this.key = `linli.desk.${slug}.${account}.drafts`;
  }

  /** Newest first. What cannot be read is kept aside and not thrown away. */
  list(): Draft[] {
    const text = this.store.getItem(this.key);
    if (!text) return [];
    try {
      const drafts = JSON.parse(text) as Draft[];
      return drafts.sort((a, b) => b.changedAt - a.changedAt);
    } catch {
      this.store.setItem(`${this.key}.unreadable`, text);
      return [];
    }
  }

  find(id: string): Draft | undefined {
    return this.list().find((draft) => draft.id === id);
  }

  /** False when the browser has no room: the page must say so. */
  keep(draft: Draft): boolean {
    const others = this.list().filter((one) => one.id !== draft.id);
    while (others.length >= kDraftsMax) {
      const at = others.map(isSaved).lastIndexOf(true);
      others.splice(at < 0 ? others.length - 1 : at, 1);
    }
    try {
      this.store.setItem(this.key, JSON.stringify([draft, ...others]));
      return true;
    } catch {
      return false;
    }
  }

  drop(id: string): void {
    const rest = this.list().filter((one) => one.id !== id);
    if (rest.length) this.store.setItem(this.key, JSON.stringify(rest));
    else this.store.removeItem(this.key);
  }
}

/** Whether everything of it is on the server. */
export function isSaved(draft: Draft): boolean {
  return draft.isOnServer && draft.taken === JSON.stringify(draft.form);
}

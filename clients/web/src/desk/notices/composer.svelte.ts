// SPDX-License-Identifier: Apache-2.0
// One notice while it is written: kept here at each change, counted and priced while typing, saved
// and submitted with keys that survive a reload.

import { Attempt } from '../../api/attempt';
import { type ApiProblem, asProblem } from '../../api/problem';
import type { AudienceCount, Quote } from '../../api/types';
import { audienceOf } from '../logic/audience';
import { argsOf, lacksOf } from '../logic/compose';
import { type Draft, DraftBox, type DraftForm, isSaved } from '../state/drafts';
import { session } from '../state/session.svelte';
import { Uploads } from './uploads.svelte';

/** Quiet time after a key before the server is asked to count. */
const kCountAfterMs = 400;

export class Composer {
  draft: Draft = $state()!;
  hasRoom = $state(true);
  isBusy = $state(false);
  problem = $state.raw<ApiProblem | undefined>();
  count = $state.raw<AudienceCount | undefined>();
  quotes = $state.raw<Quote[]>([]);
  countProblem = $state.raw<ApiProblem | undefined>();
  quoteProblem = $state.raw<ApiProblem | undefined>();
  isCounting = $state(false);
  readonly uploads: Uploads;
  private readonly box: DraftBox;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private turn = 0;

  constructor(draft: Draft) {
    const desk = session();
    this.draft = draft;
    this.box = new DraftBox(localStorage, desk.replica.slug, desk.me!.account);
    this.uploads = new Uploads({
      form: () => this.form,
      change: (form) => this.change(form),
    });
    this.countSoon();
  }

  get form(): DraftForm {
    return this.draft.form;
  }

  get lacks() {
    return lacksOf(this.form, session().now());
  }

  get isSaved(): boolean {
    return isSaved(this.draft);
  }

  change(form: Partial<DraftForm>): void {
    this.draft.form = { ...this.draft.form, ...form };
    this.keep();
    this.countSoon();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.turn += 1;
    this.uploads.stop();
  }

  /** On this computer only. */
  private keep(): void {
    this.draft.changedAt = Date.now();
    this.hasRoom = this.box.keep($state.snapshot(this.draft) as Draft);
  }

  drop(): void {
    this.box.drop(this.draft.id);
    this.uploads.forget();
  }

  private countSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.countNow(), kCountAfterMs);
  }

  private async countNow(): Promise<void> {
    this.turn += 1;
    const turn = this.turn;
    const { form } = this;
    if (form.audience.areas.length === 0) {
      this.count = undefined;
      this.quotes = [];
      return;
    }
    this.isCounting = true;
    const audience = audienceOf(form.audience);
    const { api } = session();
    const settle = (run: () => void) => {
      if (turn === this.turn) run();
    };
    await Promise.all([
      api.audienceCount(audience).then(
        (count) => settle(() => ((this.count = count), (this.countProblem = undefined))),
        (thrown) => settle(() => (this.countProblem = asProblem(thrown))),
      ),
      this.ask(form, audience).then(
        (quotes) => settle(() => ((this.quotes = quotes), (this.quoteProblem = undefined))),
        (thrown) => settle(() => (this.quoteProblem = asProblem(thrown))),
      ),
    ]);
    settle(() => (this.isCounting = false));
  }

  private async ask(form: DraftForm, audience: ReturnType<typeof audienceOf>): Promise<Quote[]> {
    if (!form.title.trim()) return [];
    const args = argsOf(form);
    const { quotes } = await session().api.quote({
      category: args.category,
      severity: args.severity,
      title: args.title,
      action_line: args.action_line,
      body: args.body,
      audience,
    });
    return quotes;
  }

  /** True once the server has everything that is in the form. */
  async save(): Promise<boolean> {
    if (this.isSaved) return true;
    const { api } = session();
    const formText = JSON.stringify(this.form);
    const args = argsOf(this.form);
    const done = await this.attempt('save', args, (key) =>
      this.draft.isOnServer
        ? api.edit(this.draft.id, args, key)
        : api.draft({ ...args, id: this.draft.id }, key),
    );
    if (!done) return false;
    this.draft.isOnServer = true;
    this.draft.taken = formText;
    this.keep();
    return this.isSaved;
  }

  /** Saves and hands over to the approver. The copy here goes only then. */
  async submit(): Promise<boolean> {
    if (!(await this.save())) return false;
    const { id } = this.draft;
    const done = await this.attempt('submit', id, (key) => session().api.submit(id, key));
    if (done) this.drop();
    return done;
  }

  private async attempt(
    name: 'save' | 'submit',
    body: unknown,
    call: (key: string) => Promise<unknown>,
  ): Promise<boolean> {
    if (this.isBusy) return false;
    this.isBusy = true;
    this.problem = undefined;
    const attempt = new Attempt(this.draft.attempts[name]);
    const key = attempt.keyFor(body);
    // Durable before it leaves: after a crash the same key is sent again.
    this.draft.attempts[name] = attempt.open;
    this.keep();
    try {
      await call(key);
      attempt.succeeded();
      return true;
    } catch (thrown) {
      this.problem = asProblem(thrown);
      attempt.failed(this.problem);
      return false;
    } finally {
      this.draft.attempts[name] = attempt.open;
      this.keep();
      this.isBusy = false;
    }
  }
}

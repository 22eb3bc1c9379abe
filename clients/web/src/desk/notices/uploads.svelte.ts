// SPDX-License-Identifier: Apache-2.0
// Attachments of the notice that is written: chosen, made small, kept in this browser, sent one
// after the other, and gone on with after a failure or a reload.
import { openBox, type Box } from '../../media/box';
import { shrinkPhoto } from '../../media/photo';
import { IMAGES_MAX } from '../../media/ref';
import type { Sound } from '../../media/sound';
import { upload } from '../../media/tus';
import {
  attachmentsOf, withChange, without, type AttachedForm, type Attachment,
} from '../logic/attachments';
import { session } from '../state/session.svelte';

/** What nobody came back for. */
const kUnsentMs = 30 * 24 * 3_600_000;

export interface UploadState {
  isBusy: boolean;
  /** Bytes that the server has. */
  sent: number;
  /** Word of `media.why`; '' = none. */
  problem: string;
}

export interface UploadHost {
  form(): AttachedForm;
  change(form: AttachedForm): void;
}

export class Uploads {
  states: Record<string, UploadState> = $state({});
  /** Why a file could not be taken; word of `media.why`. */
  refused = $state('');
  isReading = $state(false);
  private readonly box: Box;
  private readonly base: URL;
  private turn: Promise<unknown> = Promise.resolve();
  private readonly stops = new Map<string, AbortController>();
  private readonly onOnline = () => this.retryAll();

  constructor(private readonly host: UploadHost) {
    const { slug } = session().replica;
    this.box = openBox(`linli-unsent:${slug}`);
    this.base = new URL(`/c/${slug}/`, location.href);
    window.addEventListener('online', this.onOnline);
    for (const one of this.waiting) this.send(one.id);
    void this.sweep();
  }

  private get waiting(): Attachment[] {
    return attachmentsOf(this.host.form()).filter(({ ref }) => !ref);
  }

  private find(id: string): Attachment | undefined {
    return attachmentsOf(this.host.form()).find((one) => one.id === id);
  }

  /** Its bytes as they lie here. */
  local(id: string): Promise<Blob | undefined> {
    return this.box.get(id).catch(() => undefined);
  }

  async addImages(files: readonly File[]): Promise<void> {
    this.refused = '';
    this.isReading = true;
    try {
      for (const file of files) {
        const images = this.host.form().images ?? [];
        if (images.length >= IMAGES_MAX) return void (this.refused = 'too_many');
        await this.addImage(file);
      }
    } catch (thrown) {
      this.refused = codeOf(thrown);
    } finally {
      this.isReading = false;
    }
  }

  private async addImage(file: File): Promise<void> {
    const one = await this.keep(await shrinkPhoto(file));
    this.host.change({ images: [...(this.host.form().images ?? []), one] });
    this.send(one.id);
  }

  /** Takes the place of the one before. */
  async addVoice(made: Promise<Sound>): Promise<void> {
    this.refused = '';
    this.isReading = true;
    try {
      const { blob, ms } = await made;
      const before = this.host.form().voice;
      const voice = { ...(await this.keep(blob)), ms };
      this.host.change({ voice });
      if (before) this.drop(before.id);
      this.send(voice.id);
    } catch (thrown) {
      this.refused = codeOf(thrown);
    } finally {
      this.isReading = false;
    }
  }

  private async keep(blob: Blob): Promise<Attachment> {
    const id = crypto.randomUUID();
    const isKept = await this.box.put(id, blob);
    if (!isKept || !this.box.isKept) this.refused = 'not_kept';
    return { id, bytes: blob.size };
  }

  remove(id: string): void {
    const { images, voice } = without(this.host.form(), id);
    this.host.change({ images, voice });
    this.drop(id);
  }

  private drop(id: string): void {
    this.stops.get(id)?.abort();
    delete this.states[id];
    this.box.drop(id).catch(() => undefined);
  }

  retry(id: string): void {
    if (!this.states[id]?.isBusy) this.send(id);
  }

  private retryAll(): void {
    for (const { id } of this.waiting) if (this.states[id]?.problem === 'offline') this.retry(id);
  }

  private send(id: string): void {
    this.states[id] = { isBusy: true, sent: 0, problem: '' };
    this.turn = this.turn.then(() => this.sendNow(id));
  }

  /** Never rejects. */
  private async sendNow(id: string): Promise<void> {
    const one = this.find(id);
    const state = this.states[id];
    if (!one || !state) return;
    const stop = new AbortController();
    this.stops.set(id, stop);
    try {
      const blob = await this.box.get(id);
      if (!blob) throw { code: 'lost' };
      const ref = await upload({
        base: this.base, bytes: new Uint8Array(await blob.arrayBuffer()),
        token: () => session().replica.token(), signal: stop.signal, place: one.place,
        onPlace: (place) => this.note(id, { place }),
        onProgress: (sent) => (state.sent = sent),
      });
      this.note(id, { ref, place: undefined });
    } catch (thrown) {
      state.problem = codeOf(thrown);
    } finally {
      state.isBusy = false;
      this.stops.delete(id);
    }
  }

  private note(id: string, change: Partial<Attachment>): void {
    if (!this.find(id)) return;
    const { images, voice } = withChange(this.host.form(), id, change);
    this.host.change({ images, voice });
  }

  /** The page goes; what was kept goes on next time. */
  stop(): void {
    window.removeEventListener('online', this.onOnline);
    for (const stop of this.stops.values()) stop.abort();
  }

  /** The draft is gone, or the server has it. */
  forget(): void {
    for (const { id } of attachmentsOf(this.host.form())) this.drop(id);
  }

  private async sweep(): Promise<void> {
    const entries = await this.box.list().catch(() => []);
    const old = entries.filter(({ at }) => at < Date.now() - kUnsentMs);
    for (const { name } of old) await this.box.drop(name).catch(() => undefined);
  }
}

/** Of PhotoProblem, SoundProblem, UploadProblem and what the replica rejects with. */
function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | undefined)?.code;
  if (code === 'unavailable' || code === 'timed_out') return 'offline';
  return typeof code === 'string' ? code : 'other';
}

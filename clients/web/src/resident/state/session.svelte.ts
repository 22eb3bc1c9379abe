// SPDX-License-Identifier: Apache-2.0
// Everything the screens read, as runes: rows of the replica, and what only this phone knows.
import { getContext, setContext } from 'svelte';
import type { LocalMutation, Readable, Replica, Row, Status } from '../../replica/api';
import type { AckRow, MeRow, MuteRow, NoticeRow, RequestRow } from '../../replica/rows';
import {
  countUnread, isWarning, mutedCategories, openPersons, asksForAnswer, readMark, sortNotices,
  type Choice, type Notice, type Person, type ReadMarks, ackArgs,
} from '../model/notices';
import { loadMarks, saveMarks } from './marks';
import type { MediaCache } from '../../media/cache';
import { openMedia } from './media.svelte';
import { PublicNotices } from './public_notices.svelte';

/** Times on the screen move on by themselves. */
const TICK_MS = 30_000;

export class Session {
  status = $state.raw<Status>()!;
  /** What everybody may read: all that a phone shows before it is enrolled. */
  readonly open = new PublicNotices();
  private own = $state.raw<Notice[]>([]);
  acks = $state.raw<Row<AckRow>[]>([]);
  mutes = $state.raw<Row<MuteRow>[]>([]);
  /** What these persons asked of the office. */
  requests = $state.raw<Row<RequestRow>[]>([]);
  meRows = $state.raw<Row<MeRow>[]>([]);
  pending = $state.raw<LocalMutation[]>([]);
  attention = $state.raw<LocalMutation[]>([]);
  marks = $state.raw<ReadMarks>({});
  /** The notices of the store have been read: an empty list is then the truth. */
  hasRead = $state(false);
  /** Somebody was enrolled here since the page was opened. */
  wasEnrolled = $state(false);
  /** Pictures and voice notes kept beside the notices. */
  readonly media: MediaCache;
  private wall = $state(Date.now());
  private readonly stops: (() => void)[] = [];

  readonly isEnrolled = $derived(this.status?.identity !== undefined);
  readonly noticeRows = $derived(this.isEnrolled ? this.own : this.open.rows);

  /** Unix ms by the server's clock, as far as it is known. */
  readonly now = $derived(this.wall + (this.status?.clockOffset ?? 0));
  readonly notices = $derived(sortNotices(this.noticeRows, this.now));
  readonly warnings = $derived(this.notices.filter((notice) => isWarning(notice, this.now)));
  readonly muted = $derived(mutedCategories(this.mutes));
  readonly unread = $derived(countUnread(this.noticeRows, this.marks, this.muted, this.now));
  /** Whom this phone speaks for, its own person first. */
  readonly persons = $derived(this.personsOf());
  /** Notices that somebody on this phone still has to answer. */
  readonly unanswered = $derived(
    this.notices.filter(
      (notice) =>
        asksForAnswer(notice, this.now) &&
        openPersons(notice, this.persons, this.acks).length > 0,
    ),
  );

  constructor(readonly replica: Replica) {
    this.marks = loadMarks(replica.slug);
    this.media = openMedia(this);
    this.watch(replica.status, (status) => {
      this.status = status;
      if (status.identity) this.wasEnrolled = true;
    });
    let reads = 0;
    this.watch(replica.rows<NoticeRow>('notice'), (rows) => {
      this.own = rows;
      // The first call says only that nothing was read yet.
      this.hasRead = ++reads > 1;
    });
    this.watch(replica.rows<AckRow>('ack'), (rows) => (this.acks = rows));
    this.watch(replica.rows<MuteRow>('mute'), (rows) => (this.mutes = rows));
    this.watch(replica.rows<RequestRow>('request'), (rows) => (this.requests = rows));
    this.watch(replica.rows<MeRow>('me'), (rows) => (this.meRows = rows));
    this.watch(replica.pending, (list) => (this.pending = list));
    this.watch(replica.attention, (list) => (this.attention = list));
    const timer = setInterval(() => (this.wall = Date.now()), TICK_MS);
    this.stops.push(() => clearInterval(timer));
  }

  notice(id: string): Notice | undefined {
    return this.noticeRows.find(({ key }) => key === id);
  }

  titleOf(id: string): string {
    return this.notice(id)?.value.title ?? '…';
  }

  nameOf(person: string): string {
    return this.persons.find(({ id }) => id === person)?.name ?? '';
  }

  answer(notice: Notice, person: string, choice: Choice): Promise<LocalMutation> {
    return this.replica.mutate('notice.acknowledge', ackArgs(notice, person, choice));
  }

  markRead(...notices: Notice[]): void {
    const news = notices.filter((notice) => this.marks[notice.key] !== readMark(notice));
    if (!news.length) return;
    const added = Object.fromEntries(news.map((notice) => [notice.key, readMark(notice)]));
    this.marks = { ...this.marks, ...added };
    saveMarks(this.replica.slug, this.marks, new Set(this.noticeRows.map(({ key }) => key)));
  }

  /** After 换人使用 the next person sees nothing of the former. */
  forget(): void {
    this.marks = {};
    saveMarks(this.replica.slug, {}, new Set());
    void this.media.keepOnly([]);
  }

  stop(): void {
    for (const stop of this.stops) stop();
  }

  private watch<T>(source: Readable<T>, run: (value: T) => void): void {
    this.stops.push(source.subscribe(run));
  }

  private personsOf(): Person[] {
    const identity = this.status.identity;
    if (!identity) return [];
    const me = this.meRows.find(({ key }) => key === identity.account);
    if (me?.value.persons?.length) return me.value.persons;
    return identity.person ? [{ id: identity.person, name: identity.name }] : [];
  }
}

const KEY = Symbol('session');

export function provideSession(session: Session): Session {
  return setContext(KEY, session);
}

export function useSession(): Session {
  return getContext<Session>(KEY);
}

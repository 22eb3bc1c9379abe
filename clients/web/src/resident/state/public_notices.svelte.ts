// SPDX-License-Identifier: Apache-2.0
// What everybody may read, enrolled or not: shown at once as it was kept, then fetched anew.
import type { Problem } from '../../replica/api';
import type { NoticeRow } from '../../replica/rows';
import type { Notice } from '../model/notices';
import { getJson } from './http';

interface PublicList {
  items?: (NoticeRow & { id: string })[];
  /** As it was called before lists had pages. */
  notices?: (NoticeRow & { id: string })[];
}
interface Kept {
  at: number;
  list: PublicList;
}

/** Between two looks of an open page: nothing tells a guest's phone of a new warning. The server's
 *  answer is shared by all of them, so it costs little. */
export const LOOK_AGAIN_MS = 60_000;

const PATH = 'api/v1/public/notices';
/** Entry of the same store that the shell lies in; never answered to the network. */
const KEPT = 'kept/public-notices';

export class PublicNotices {
  rows = $state.raw<Notice[]>([]);
  /** Unix ms of the copy; 0 while there is none. */
  at = $state(0);
  isAsking = $state(true);
  /** The server told them since the page was opened. */
  isFresh = $state(false);
  /** The server answered, but not with notices: its own public page has them. */
  isRefused = $state(false);

  /** Looks now, when the page is turned to or the net comes back, and again and again while it is
   *  seen. The answer ends it. */
  keepFresh(): () => void {
    const look = () => {
      if (!document.hidden) void this.load();
    };
    void this.load();
    const timer = setInterval(look, LOOK_AGAIN_MS);
    document.addEventListener('visibilitychange', look);
    addEventListener('online', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
      removeEventListener('online', look);
    };
  }

  async load(): Promise<void> {
    this.isAsking = true;
    const kept = await this.kept();
    if (kept && !this.at) this.show(kept);
    try {
      const fresh = { at: Date.now(), list: await getJson<PublicList>(PATH) };
      if (!this.show(fresh)) throw { code: 'malformed', message: '' } satisfies Problem;
      this.isFresh = true;
      this.isRefused = false;
      await this.keep(fresh);
    } catch (problem) {
      // What is kept stays, with its time beside it.
      this.isRefused = (problem as Problem | undefined)?.code !== 'offline';
    } finally {
      this.isAsking = false;
    }
  }

  /** False when that is no list. */
  private show({ at, list }: Kept): boolean {
    const items = list?.items ?? list?.notices;
    if (!Array.isArray(items)) return false;
    this.at = at;
    this.rows = items.map((value) => ({ key: String(value.id), value, isPending: false }));
    return true;
  }

  private async kept(): Promise<Kept | undefined> {
    try {
      const found = await (await this.store())?.match(KEPT);
      return found ? ((await found.json()) as Kept) : undefined;
    } catch {
      return undefined;
    }
  }

  private async keep(kept: Kept): Promise<void> {
    try {
      await (await this.store())?.put(KEPT, new Response(JSON.stringify(kept)));
    } catch {
      // Full or forbidden storage: they are shown all the same.
    }
  }

  private async store(): Promise<Cache | undefined> {
    return 'caches' in globalThis ? caches.open(`linli-public:${location.pathname}`) : undefined;
  }
}

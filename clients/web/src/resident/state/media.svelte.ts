// SPDX-License-Identifier: Apache-2.0
// Which attachments this phone keeps: those of its live notices, fetched while there is a line, and
// deleted once a notice is over, withdrawn or gone.
import { openBox } from '../../media/box';
import { MediaCache } from '../../media/cache';
import { refsOf, type MediaRef } from '../../media/ref';
import type { Notice } from '../model/notices';
import type { Session } from './session.svelte';

/** Rows follow the status by a moment: nothing is deleted or fetched before they have come. */
const SETTLE_MS = 3_000;
/** Notices whose attachments come by themselves. */
const PREFETCH_NOTICES = 20;

/** The voice first: it is what people without glasses need. */
export function refsOfAll(notices: readonly Notice[]): MediaRef[] {
  const all = notices.map(({ value }) => refsOf(value));
  const voices = all.flatMap(({ voice }) => (voice ? [voice] : []));
  return [...voices, ...all.flatMap(({ images }) => images)];
}

function savesData(): boolean {
  const { connection } = navigator as { connection?: { saveData?: boolean } };
  return connection?.saveData === true;
}

export function openMedia(session: Session): MediaCache {
  const { replica } = session;
  return new MediaCache({
    box: openBox(`linli-media:${replica.slug}`),
    base: new URL(`/c/${replica.slug}/`, location.href),
    token: () => (session.isEnrolled ? replica.token() : undefined),
  });
}

/** Call within a component. */
export function watchMedia(session: Session): void {
  $effect(() => {
    const { status, isEnrolled, open, noticeRows } = session;
    const isGone = status.isRevoked || (!isEnrolled && session.wasEnrolled);
    const isFresh = isEnrolled ? status.isCaughtUp && session.hasRead : open.isFresh;
    if (!isGone && !isFresh) return;
    const wanted = isGone ? [] : [...noticeRows];
    const timer = setTimeout(() => void follow(session.media, wanted), SETTLE_MS);
    return () => clearTimeout(timer);
  });
}

async function follow(media: MediaCache, notices: Notice[]): Promise<void> {
  await media.keepOnly(refsOfAll(notices));
  if (savesData()) return;
  const newest = notices.sort((a, b) => (b.value.sent_at ?? 0) - (a.value.sent_at ?? 0));
  await media.prefetch(refsOfAll(newest.slice(0, PREFETCH_NOTICES)));
}

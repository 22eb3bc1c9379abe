// SPDX-License-Identifier: Apache-2.0
// What a push shows; its shape is in notify/channels/webpush/README.md.

export interface Shown {
  title: string;
  options: NotificationOptions & { renotify?: boolean };
}

const ICON = 'icons/icon-192.png';
/** Chrome punishes a push that shows nothing, so even one that cannot be read shows this. */
const FALLBACK = '社区有新通知';
const NAME = '邻里';

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** `payload`: the parsed JSON of a push, or anything at all. Never throws. */
export function notificationOf(payload: unknown): Shown {
  const raw = (typeof payload === 'object' && payload !== null ? payload : {}) as
    Record<string, unknown>;
  const id = textOf(raw.id);
  const isSilent = raw.silent === true;
  const tag = textOf(raw.tag) || id || 'linli';
  const stays = !isSilent && (raw.sev === 'red' || raw.sev === 'orange');
  return {
    title: textOf(raw.title) || NAME,
    options: {
      body: textOf(raw.line) || (textOf(raw.title) ? '' : FALLBACK),
      tag,
      icon: ICON,
      badge: ICON,
      lang: 'zh-CN',
      silent: isSilent,
      // A second copy of the same revision replaces the first without a sound; what is new sounds.
      renotify: !isSilent && raw.kind !== 'notice',
      requireInteraction: stays,
      data: { id },
    },
  };
}

/** Address that a tap opens, relative to the scope. */
export function addressOf(data: unknown): string {
  const id = textOf((data as { id?: unknown } | null | undefined)?.id);
  // A reminder to check out is no notice.
  if (id.startsWith('shift-')) return './#/volunteer';
  return id ? `./#/notices/${encodeURIComponent(id)}` : './#/';
}

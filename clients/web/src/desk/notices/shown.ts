// SPDX-License-Identifier: Apache-2.0
// A notice as fields of text: for reading, for comparing two versions, for the last look of an
// approver.

import type { Audience, Content, Notice, Version } from '../../api/types';
import { refsOf, type MediaRef } from '../../media/ref';
import type { AreaIndex } from '../logic/audience';
import { seconds, when, yuan } from '../logic/format';
import { t, type Key } from '../text';

export function audienceText(audience: Audience | undefined, areas: AreaIndex): string {
  if (!audience) return t('audience.hidden');
  const names = (ids: string[]) => ids.map((id) => areas.longName(id)).join('、');
  const out = [names(audience.areas)];
  const min = audience.age_min;
  const max = audience.age_max;
  if (min !== undefined || max !== undefined)
    out.push(t('audience.age', { min: min ?? 0, max: max ?? 130 }));
  if (audience.tags?.length) out.push(t('audience.tagged', { tags: audience.tags.join('、') }));
  if (audience.sensitive_tags?.length)
    out.push(t('audience.tagged', { tags: audience.sensitive_tags.join('、') }));
  if (audience.exclude_areas?.length)
    out.push(t('audience.without', { areas: names(audience.exclude_areas) }));
  if (audience.exclude_persons?.length)
    out.push(t('audience.without_persons', { n: audience.exclude_persons.length }));
  return out.join('；');
}

/** By the first digits of their sums: another picture is another field. */
export function mediaFields(content: Parameters<typeof refsOf>[0]): Record<string, string> {
  const { images, voice } = refsOf(content);
  const short = ({ sha }: MediaRef) => sha.slice(0, 8);
  return {
    images: images.length ? `${images.length} (${images.map(short).join(' ')})` : '',
    voice: voice ? `${seconds(voice.ms)} (${short(voice)})` : '',
  };
}

/** What is read by residents; every field is there, empty when unset. */
export function contentFields(content: Partial<Content>): Record<string, string> {
  const valid = [content.valid_from, content.valid_to].map((at) => (at ? when(at) : ''));
  return {
    category: content.category ? t(`category.${content.category}` as Key) : '',
    severity: t(`severity.${content.severity ?? 'none'}` as Key),
    title: content.title ?? '',
    action_line: content.action_line ?? '',
    body: content.body ?? '',
    valid: valid.some(Boolean) ? valid.map((at) => at || '…').join(' – ') : '',
    needs_ack: content.needs_ack ? t('word.yes') : t('word.no'),
    drill: content.drill ? t('word.yes') : '',
  };
}

/** Everything that an approval covers. */
export function fieldsOf(notice: Notice, areas: AreaIndex): Record<string, string> {
  const { drill, ...content } = contentFields(notice.content);
  return {
    ...content,
    ...mediaFields(notice.content),
    audience: audienceText(notice.audience, areas),
    send_at: notice.send_at ? when(notice.send_at) : t('notice.at_once'),
    cost_cap: notice.cost_cap ? yuan(notice.cost_cap) : '',
    drill,
  };
}

/** The newest text before the one at hand; undefined when it is the first. */
export function earlierOf(versions: readonly Version[], rev: number): Version | undefined {
  return versions
    .filter((one) => one.rev < rev)
    .sort((a, b) => b.rev - a.rev)[0];
}

interface Look {
  fingerprint: string;
  fields: Record<string, string>;
}

/** What this person saw the last time; kept on this computer. */
export class LastLook {
  private readonly key: string;

  constructor(slug: string, account: string, notice: string) {
    this.key = `linli.desk.${slug}.${account}.look.${notice}`;
  }

  read(): Look | undefined {
    const text = localStorage.getItem(this.key);
    try {
      return text ? (JSON.parse(text) as Look) : undefined;
    } catch {
      return undefined;
    }
  }

  keep(look: Look): void {
    try {
      localStorage.setItem(this.key, JSON.stringify(look));
    } catch {
      // Without room the next look shows no difference; nothing is lost.
    }
  }

  drop(): void {
    localStorage.removeItem(this.key);
  }
}

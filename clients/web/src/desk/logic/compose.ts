// SPDX-License-Identifier: Apache-2.0
// From what the form holds to what the server takes, and what is still missing.

import type { Notice, NoticeArgs, Severity } from '../../api/types';
import type { DraftForm } from '../state/drafts';
import { refsOf } from '../../media/ref';
import { attached, attachmentsOf, mediaArgsOf } from './attachments';
import { audienceOf, emptyAudience, formOf } from './audience';
import { fromInput, toInput } from './format';
import { characters, kActionLineMax } from './parts';

export const kTitleMax = 60;
export const kBodyMax = 8000;
/** 1/10000 yuan in a yuan. */
const kYuan = 10_000;

export type Lack =
  | 'no_title'
  | 'title_long'
  | 'no_action'
  | 'action_long'
  | 'body_long'
  | 'no_area'
  | 'over'
  | 'from_after_to'
  | 'send_after_end'
  | 'bad_cost'
  | 'not_sent';

/** Urgent notices go ahead of everything and need an action line; as the server decides it. */
export function isUrgent(category: string, severity: Severity): boolean {
  const isStrong = severity === 'orange' || severity === 'red';
  return category === 'urgent' || isStrong || (category === 'weather' && severity !== 'none');
}

export function lacksOf(form: DraftForm, now: number): Lack[] {
  const out: Lack[] = [];
  const title = characters(form.title.trim());
  const action = characters(form.actionLine.trim());
  const from = fromInput(form.validFrom);
  const to = fromInput(form.validTo);
  const at = fromInput(form.sendAt);
  if (title === 0) out.push('no_title');
  if (title > kTitleMax) out.push('title_long');
  if (isUrgent(form.category, form.severity) && action === 0) out.push('no_action');
  if (action > kActionLineMax) out.push('action_long');
  if (characters(form.body) > kBodyMax) out.push('body_long');
  if (form.audience.areas.length === 0) out.push('no_area');
  if (to && to <= now) out.push('over');
  if (to && from && to <= from) out.push('from_after_to');
  if (to && at && at >= to) out.push('send_after_end');
  if (form.costCap.trim() && !(Number(form.costCap) >= 0)) out.push('bad_cost');
  if (attachmentsOf(form).some(({ ref }) => !ref)) out.push('not_sent');
  return out;
}

/** Every member is there, so that an edit clears what was emptied; 0 = open for times and cost. */
export function argsOf(form: DraftForm): NoticeArgs {
  return {
    category: form.category,
    severity: form.severity,
    title: form.title.trim(),
    action_line: form.actionLine.trim(),
    body: form.body,
    needs_ack: form.needsAck,
    drill: form.isDrill,
    valid_from: fromInput(form.validFrom),
    valid_to: fromInput(form.validTo),
    send_at: fromInput(form.sendAt),
    cost_cap: form.costCap.trim() ? Math.round(Number(form.costCap) * kYuan) : 0,
    audience: audienceOf(form.audience),
    ...mediaArgsOf(form),
  };
}

/** Those who take part in drills: the server lets a drill go to nobody else (RAIN-2). */
export const kDrillTag = '演练';

export function asDrill({ audience }: DraftForm, isDrill: boolean): Partial<DraftForm> {
  const tags = isDrill ? kDrillTag : audience.tags.trim() === kDrillTag ? '' : audience.tags;
  return { isDrill, audience: { ...audience, tags } };
}

export function emptyForm(areas: string[]): DraftForm {
  return {
    category: 'latest',
    severity: 'none',
    title: '',
    actionLine: '',
    body: '',
    needsAck: false,
    isDrill: false,
    validFrom: '',
    validTo: '',
    sendAt: '',
    costCap: '',
    audience: emptyAudience(areas),
    images: [],
  };
}

export function formOfNotice(notice: Notice): DraftForm {
  const { content } = notice;
  const { images, voice } = refsOf(content);
  return {
    category: content.category,
    severity: content.severity ?? 'none',
    title: content.title,
    actionLine: content.action_line ?? '',
    body: content.body ?? '',
    needsAck: content.needs_ack ?? false,
    isDrill: content.drill ?? false,
    validFrom: toInput(content.valid_from),
    validTo: toInput(content.valid_to),
    sendAt: toInput(notice.send_at),
    costCap: notice.cost_cap ? String(notice.cost_cap / kYuan) : '',
    audience: notice.audience ? formOf(notice.audience) : emptyAudience(),
    images: images.map(attached),
    ...(voice && { voice: attached(voice) }),
  };
}

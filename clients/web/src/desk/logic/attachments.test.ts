// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Notice } from '../../api/types';
import { attached, attachmentsOf, mediaArgsOf, withChange, without } from './attachments';
import { argsOf, emptyForm, formOfNotice, lacksOf } from './compose';

const image = { sha: 'ab'.repeat(32), bytes: 5, type: 'image/webp' };
const voice = { sha: 'cd'.repeat(32), bytes: 7, type: 'audio/mp4', ms: 9000 };
const sending = { id: 'x', bytes: 5 };
const form = { ...emptyForm(['hn']), title: '停水' };

describe('attachments of a draft', () => {
  it('are named to the server once it has them', () => {
    const mixed = { ...form, images: [attached(image), sending], voice: { ...sending, ms: 3 } };
    expect(mediaArgsOf(mixed)).toEqual({ images: [image] });
    expect(mediaArgsOf({ ...form, voice: attached(voice) })).toEqual({ images: [], voice });
  });

  it('hold a notice back until they are there', () => {
    expect(lacksOf({ ...form, images: [sending] }, 0)).toEqual(['not_sent']);
    expect(lacksOf({ ...form, images: [attached(image)] }, 0)).toEqual([]);
  });

  it('change and go by their id alone', () => {
    const both = {
      ...form,
      images: [sending, { id: 'y', bytes: 1 }],
      voice: { id: 'z', bytes: 1 },
    };
    const sent = withChange(both, 'x', { ref: image });
    expect(sent.images[0]).toEqual({ ...sending, ref: image });
    expect(sent.images[1]).toEqual({ id: 'y', bytes: 1 });
    expect(attachmentsOf(without(both, 'z')).map(({ id }) => id)).toEqual(['x', 'y']);
    expect(attachmentsOf(without(both, 'x')).map(({ id }) => id)).toEqual(['y', 'z']);
  });

  it('come back from the server unchanged', () => {
    const args = argsOf({ ...form, images: [attached(image)], voice: attached(voice) });
    const { audience, send_at, cost_cap, ...content } = args;
    const notice = { content, audience, send_at, cost_cap } as unknown as Notice;
    expect(argsOf(formOfNotice(notice))).toEqual(args);
  });
});

// SPDX-License-Identifier: Apache-2.0
// What is attached to a draft: kept with the form, its bytes in a box of this browser until the
// server has them.
import type { MediaRef } from '../../media/ref';

export interface Attachment {
  /** Of the bytes in the box. */
  id: string;
  bytes: number;
  /** Length of a sound. */
  ms?: number;
  /** Address of an upload under way. */
  place?: string;
  /** Once the server has it. */
  ref?: MediaRef;
}

export interface AttachedForm {
  images?: Attachment[];
  voice?: Attachment;
}

export function attachmentsOf({ images, voice }: AttachedForm): Attachment[] {
  return [...(images ?? []), ...(voice ? [voice] : [])];
}

/** Of a notice of the server. */
export function attached(ref: MediaRef): Attachment {
  return { id: ref.sha, bytes: ref.bytes, ref, ...(ref.ms !== undefined && { ms: ref.ms }) };
}

/** The form with `id` changed; as it was when that is not attached any more. */
export function withChange<F extends AttachedForm>(
  form: F,
  id: string,
  change: Partial<Attachment>,
): F {
  const next = (one: Attachment) => (one.id === id ? { ...one, ...change } : one);
  return {
    ...form,
    ...(form.images && { images: form.images.map(next) }),
    ...(form.voice && { voice: next(form.voice) }),
  };
}

export function without<F extends AttachedForm>(form: F, id: string): F {
  const { voice, ...rest } = form;
  const kept = { ...rest, ...(form.images && { images: form.images.filter((o) => o.id !== id) }) };
  return (voice && voice.id !== id ? { ...kept, voice } : kept) as F;
}

export interface MediaArgs {
  images: MediaRef[];
  voice?: MediaRef;
  /** Takes away the one that is there. */
  no_voice?: true;
}

/** Members of a notice. What is not on the server yet is left out. */
export function mediaArgsOf(form: AttachedForm): MediaArgs {
  const images = (form.images ?? []).flatMap(({ ref }) => (ref ? [ref] : []));
  const { voice } = form;
  if (!voice) return { images, no_voice: true };
  if (!voice.ref) return { images };
  return { images, voice: { ...voice.ref, ...(voice.ms && { ms: voice.ms }) } };
}

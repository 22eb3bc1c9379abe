// SPDX-License-Identifier: Apache-2.0
// Writes frames of the client.
import { toBase64Url, utf8, type Bytes } from './bytes';
import type { ClientFrame, HelloBody, PushedMutation } from './frames';

function mutation({ n, name, args, wall, off, unc, fixes }: PushedMutation): object {
  return {
    n, name, args, wall,
    ...(off !== 0 && { off }), ...(unc !== 0 && { unc }), ...(fixes !== 0 && { fixes }),
  };
}

function wireForm(frame: ClientFrame): object {
  switch (frame.t) {
    case 'hello': return { ...frame, body: toBase64Url(frame.body), sig: toBase64Url(frame.sig) };
    case 'rekey': return { ...frame, pub: toBase64Url(frame.pub), sig: toBase64Url(frame.sig) };
    case 'push': return { ...frame, muts: frame.muts.map(mutation) };
    default: return frame;
  }
}

/** One text message. */
export function encodeMessage(...frames: ClientFrame[]): string {
  return frames.map((frame) => `${JSON.stringify(wireForm(frame))}\n`).join('');
}

/** The body as it is signed and sent. */
export function encodeHelloBody(body: HelloBody): Bytes {
  const { cid, origin, proto, app, epoch, cur, setHash, part, up, pending, cert, t0 } = body;
  const form = {
    cid, origin, proto, app,
    ...(epoch && { epoch }), cur,
    ...(setHash && { set_hash: toBase64Url(setHash) }),
    ...(part.length && { part }), up, pending,
    ...(cert && { cert }), t0,
  };
  return utf8(JSON.stringify(form));
}

// SPDX-License-Identifier: Apache-2.0
// Frames of docs/PROTOCOL.md as values. Times are unix ms, cid and epoch 32 hex digits.
import type { Bytes } from './bytes';

export type Lane = 'u' | 's';
export const LANES: readonly Lane[] = ['u', 's'];
export type UpLane = 0 | 1 | 2;
export const UP_LANES: readonly UpLane[] = [0, 1, 2];
export type PerUpLane = [number, number, number];
export type Cursors = Record<Lane, number>;

export interface Digest {
  n: number;
  /** Sum of the row hashes mod 2^64. */
  s: bigint;
}

export interface Grant {
  b: number;
  gen: number;
  lane: Lane;
  pri: number;
  isSensitive: boolean;
}

export interface Op {
  tbl: string;
  key: string;
  ver: number;
  /** Text made by the server; undefined = deleted. */
  data?: string;
}

export interface FrameK {
  t: 'K';
  nonce: Bytes;
  serverId: Bytes;
  epoch: string;
  now: number;
  proto: [number, number];
}
export interface FrameWelcome {
  t: 'welcome';
  proto: number;
  epoch: string;
  account: string;
  head: Cursors;
  lastN: PerUpLane;
  window: number;
  leaseUntil: number;
  t0: number;
  t1: number;
  buckets?: Grant[];
  handOver?: number;
}
export interface FrameB {
  t: 'B';
  b: number;
  to: number;
  ops: Op[];
  d?: Digest;
}
/** Reveals a lane, or a filling bucket. */
export type FrameC =
  | { t: 'C'; lane: Lane; seq: number; b?: undefined }
  | { t: 'C'; b: number; seq: number; d: Digest };
export interface FrameM {
  t: 'M';
  at: number;
  drop: number[];
  add: Grant[];
}
export interface FrameR {
  t: 'R';
  lane: UpLane;
  n: number;
  st: 'ok' | 'rejected' | 'retry';
  h?: Bytes;
  seq: number;
  lanes: Lane[];
  code: string;
  msg: string;
  /** JSON text or empty. */
  info: string;
  after: number;
}
export interface FramePong {
  t: 'pong';
  t0: number;
  t1: number;
  u: number;
  s: number;
}
export interface FrameErr {
  t: 'err';
  code: string;
  msg: string;
  fatal: boolean;
  lane?: UpLane;
  want: number;
  after: number;
}
export interface FrameDrain {
  t: 'drain';
  after: number;
}
export interface FrameRekeyed {
  t: 'rekeyed';
  cid: string;
  cert: string;
}
export type ServerFrame =
  | FrameK | FrameWelcome | FrameB | FrameC | FrameM | FrameR | FramePong | FrameErr | FrameDrain
  | FrameRekeyed;

export interface PushedMutation {
  n: number;
  name: string;
  /** JSON text exactly as it was made. */
  args: string;
  wall: number;
  off: number;
  unc: number;
  /** Number of the rejected mutation that this one mends; 0 = none. */
  fixes: number;
}
export type Held = [b: number, gen: number];
export type Part = [b: number, gen: number, cur: number];

export type ClientFrame =
  | { t: 'hello'; body: Bytes; sig: Bytes }
  | { t: 'have'; live: Held[]; part: Part[] }
  | { t: 'push'; lane: UpLane; muts: PushedMutation[] }
  | { t: 'ack'; rx: number; u: number; s: number; res: PerUpLane }
  | { t: 'ping'; t0: number }
  | { t: 'refill'; b: number[] }
  | { t: 'rekey'; cert: string; pub: Bytes; sig: Bytes }
  | { t: 'bye' };

export interface HelloBody {
  cid: string;
  origin: string;
  proto: [number, number];
  app: string;
  epoch?: string;
  cur: Cursors;
  setHash?: Bytes;
  part: Part[];
  /** [results stored up to, numbers given up to] per up-lane. */
  up: [number, number][];
  pending: number;
  cert?: string;
  t0: number;
}

export const SUBPROTOCOL = 'linli.v1.json';
export const PROTO_MIN = 1;
export const PROTO_MAX = 1;

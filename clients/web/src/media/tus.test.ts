// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, createServer as createLine, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FAILURES_MAX, PIECE_BYTES, upload, UploadProblem } from './tus';

const CUTS = 20;
const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

const sumOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Numbers in [0, 1) that a seed decides. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** As the standard says: a piece counts once it came whole. */
class FakeTus {
  readonly uploads = new Map<string, { length: number; sum: string; bytes: Buffer }>();
  taken = 0;
  tokens = new Set<string>();
  type = 'audio/webm';
  answer?: (request: IncomingMessage, response: ServerResponse) => boolean;
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => void this.serve(request, response));
    closing.push(() => this.server.close());
    closing.push(() => this.server.closeAllConnections());
  }

  listen(): Promise<number> {
    const { server } = this;
    const port = () => (server.address() as AddressInfo).port;
    return new Promise((done) => server.listen(0, '127.0.0.1', () => done(port())));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    try {
      for await (const part of request) parts.push(part as Buffer);
    } catch {
      return;
    }
    this.tokens.add(request.headers.authorization ?? '');
    if (this.answer?.(request, response)) return;
    this.act(request, response, Buffer.concat(parts));
  }

  private act(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const header = (name: string) => String(request.headers[name] ?? '');
    if (request.method === 'POST') {
      const id = randomBytes(16).toString('hex');
      const sum = Buffer.from(header('upload-metadata').split(' ')[1]!, 'base64').toString();
      this.uploads.set(id, {
        length: Number(header('upload-length')),
        sum,
        bytes: Buffer.alloc(0),
      });
      response.writeHead(201, { Location: `/c/hn/blobs/${id}`, 'Upload-Offset': '0' }).end();
      return;
    }
    const found = this.uploads.get(request.url!.split('/').pop()!);
    if (!found) return void response.writeHead(404).end();
    if (request.method === 'PATCH') {
      if (Number(header('upload-offset')) !== found.bytes.length) {
        return void response.writeHead(409).end();
      }
      this.taken += body.length;
      found.bytes = Buffer.concat([found.bytes, body]);
    }
    const headers: Record<string, string> = { 'Upload-Offset': String(found.bytes.length) };
    if (found.bytes.length === found.length) {
      headers['Linli-Blob'] = sumOf(found.bytes);
      headers['Linli-Blob-Type'] = this.type;
      headers['Linli-Blob-Bytes'] = String(found.length);
    }
    response.writeHead(request.method === 'PATCH' ? 204 : 200, headers).end();
  }
}

/** A line to `target` that breaks after `cutUp` bytes to it, or `cutDown` bytes from it. */
class Line {
  cutUp?: number;
  cutDown?: number;
  cuts = 0;
  private readonly sockets = new Set<Socket>();
  private readonly line = createLine((near) => this.join(near));

  constructor(private readonly target: number) {
    closing.push(() => this.line.close());
    closing.push(() => this.sockets.forEach((socket) => socket.destroy()));
  }

  listen(): Promise<number> {
    const { line } = this;
    const port = () => (line.address() as AddressInfo).port;
    return new Promise((done) => line.listen(0, '127.0.0.1', () => done(port())));
  }

  private join(near: Socket): void {
    const far = connect(this.target, '127.0.0.1');
    const cut = () => {
      this.cuts += 1;
      this.cutUp = this.cutDown = undefined;
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.on('data', (data) => {
      if (this.cutUp === undefined) return void far.write(data);
      this.cutUp -= data.length;
      if (this.cutUp > 0) return void far.write(data);
      far.write(data.subarray(0, data.length + this.cutUp), cut);
    });
    far.on('data', (data) => {
      if (this.cutDown === undefined) return void near.write(data);
      this.cutDown -= data.length;
      if (this.cutDown <= 0) cut();
      else near.write(data);
    });
  }
}

interface World {
  server: FakeTus;
  line: Line;
  base: URL;
}

async function world(): Promise<World> {
  const server = new FakeTus();
  const line = new Line(await server.listen());
  return { server, line, base: new URL(`http://127.0.0.1:${await line.listen()}/c/hn/`) };
}

const token = async () => 'token';
const noWait = { sleep: async () => undefined, token };
const some = (length: number) => new Uint8Array(randomBytes(length)) as Uint8Array<ArrayBuffer>;

describe('an upload', () => {
  it.each([1, 2, 3])(
    'arrives once and whole over a line cut 20 times, seed %i',
    async (seed) => {
      const { server, line, base } = await world();
      const random = dice(seed);
      const bytes = some(10 * PIECE_BYTES + 77);
      const spoiled: typeof fetch = (input, init) => {
        if (line.cuts < CUTS) {
          const isUp = random() < 0.6;
          const reach = init?.method === 'PATCH' ? PIECE_BYTES + 300 : 300;
          if (isUp) line.cutUp = 1 + Math.floor(random() * reach);
          else line.cutDown = 1 + Math.floor(random() * 150);
        }
        return fetch(input, init);
      };
      const seen: number[] = [];
      const onProgress = (sent: number) => void seen.push(sent);
      let place: string | undefined;
      const onPlace = (next: string) => (place = next);
      // Nine in a row may fail by chance: a person would press the button again.
      const go = async (): Promise<Awaited<ReturnType<typeof upload>>> => {
        try {
          return await upload({
            base,
            bytes,
            fetch: spoiled,
            place,
            onPlace,
            onProgress,
            ...noWait,
          });
        } catch (problem) {
          expect((problem as UploadProblem).code).toBe('offline');
          return go();
        }
      };
      const stored = await go();
      expect(stored).toEqual({ sha: sumOf(bytes), type: 'audio/webm', bytes: bytes.length });
      expect(line.cuts).toBeGreaterThanOrEqual(CUTS);
      expect(server.taken, 'no byte was taken twice').toBe(bytes.length);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect([...server.uploads.values()].some((one) => one.sum === sumOf(bytes))).toBe(true);
    },
    20_000,
  );

  it('goes on after a reload where it was', async () => {
    const { server, base } = await world();
    const bytes = some(3 * PIECE_BYTES);
    let place = '';
    const stop = new AbortController();
    const first = upload({
      base,
      bytes,
      ...noWait,
      signal: stop.signal,
      onPlace: (next) => (place = next),
      onProgress: (sent) => sent >= PIECE_BYTES && stop.abort(),
    });
    await expect(first).rejects.toMatchObject({ code: 'stopped' });
    const stored = await upload({ base, bytes, place, ...noWait });
    expect(stored.sha).toBe(sumOf(bytes));
    expect(server.taken).toBe(bytes.length);
    expect(server.uploads.size).toBe(1);
  });

  it('begins anew when the server knows the old one no longer', async () => {
    const { server, base } = await world();
    const bytes = some(1000);
    const stored = await upload({ base, bytes, place: '/c/hn/blobs/gone', ...noWait });
    expect(stored.sha).toBe(sumOf(bytes));
    expect(server.uploads.size).toBe(1);
  });

  it('waits longer each time and tells when the line stays dead', async () => {
    const waits: number[] = [];
    const dead = upload({
      base: new URL('http://127.0.0.1:9/c/hn/'),
      bytes: some(10),
      token,
      random: () => 1,
      fetch: async () => Promise.reject(new TypeError('no line')),
      sleep: async (ms) => void waits.push(ms),
    });
    await expect(dead).rejects.toMatchObject({ code: 'offline' });
    expect(waits.length).toBe(FAILURES_MAX);
    expect(waits.slice(0, 3)).toEqual([500, 1000, 2000]);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
  });

  it('stops at once where another try changes nothing', async () => {
    const { server, base } = await world();
    let asked = 0;
    server.answer = (request, response) => {
      if (request.method !== 'PATCH') return false;
      asked += 1;
      response.writeHead(415).end(JSON.stringify({ code: 'unsupported_media', detail: '?' }));
      return true;
    };
    const bad = upload({ base, bytes: some(10), ...noWait });
    await expect(bad).rejects.toMatchObject({ code: 'unsupported_media' });
    expect(asked).toBe(1);
  });

  it('does not believe another sum of a sound, but of a stripped picture', async () => {
    const { server, base } = await world();
    const bytes = some(10);
    server.answer = (request, response) => {
      if (request.method !== 'PATCH') return false;
      response
        .writeHead(204, {
          'Upload-Offset': '10',
          'Linli-Blob': 'a'.repeat(64),
          'Linli-Blob-Type': server.type,
          'Linli-Blob-Bytes': '8',
        })
        .end();
      return true;
    };
    await expect(upload({ base, bytes, ...noWait })).rejects.toMatchObject({ code: 'wrong_sum' });
    server.type = 'image/webp';
    expect((await upload({ base, bytes, ...noWait })).sha).toBe('a'.repeat(64));
  });
});

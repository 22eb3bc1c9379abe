// SPDX-License-Identifier: Apache-2.0
// Many random lives of a phone: lines that are cut anywhere, a normal lane that lags, answers that
// are lost, kills, a store that fails, buckets that come and go. LINLI_SEEDS=n runs more of them.
import { expect, test } from 'vitest';
import { ReplicaProblem } from './problem';
import { ModelServer } from './testing/model_server';
import { ACCOUNT, FakeClock, SeededRng, SimPhone } from './testing/sim_phone';

const SEEDS = Number(process.env.LINLI_SEEDS ?? 10);
const FIRST = Number(process.env.LINLI_FIRST_SEED ?? 1);
const STEPS = 250;
/** 1..5 come and go; 6 and 7 hold the phone's own rows. */
const BUCKETS: [number, 'u' | 's'][] = [
  [1, 'u'], [2, 'u'], [3, 's'], [4, 's'], [5, 's'], [6, 's'], [7, 'u'],
];

class Life {
  readonly rng: SeededRng;
  readonly clock = new FakeClock();
  phone!: SimPhone;
  server!: ModelServer;
  /** Newest value that a screen showed, by key of an own row. */
  readonly shown = new Map<string, number>();
  made = 0;
  failing = 0;

  constructor(readonly seed: number) {
    this.rng = new SeededRng(seed);
  }

  async run(): Promise<void> {
    this.phone = await SimPhone.enrolled(this.clock, this.rng);
    this.server = new ModelServer(ACCOUNT, this.phone.key.pub);
    for (const [b, lane] of BUCKETS) this.server.addBucket(b, lane);
    this.phone.store.onCommit = () => {
      const isFull = this.failing > 0 && this.rng.below(this.failing) === 0;
      if (isFull) throw new ReplicaProblem('disk_full');
    };
    for (let i = 0; i < STEPS; ++i) {
      await this.step();
      await this.check();
    }
    this.failing = 0;
    await this.phone.settle(this.server);
    await this.check();
    await this.compare();
  }

  private async step(): Promise<void> {
    const { phone, server, rng } = this;
    const roll = rng.below(100);
    if (roll < 18) this.twins();
    else if (roll < 26) await this.write();
    else if (roll < 30) server.setMember(1 + rng.below(5), rng.below(3) > 0);
    else if (roll < 34) await this.cut();
    else if (roll < 36) await this.kill();
    else if (roll < 38) this.failing = rng.below(3) ? 0 : 6;
    else if (roll < 46) await phone.tick(server);
    else if (!phone.isOpen) await this.dial();
    else if (roll < 70 && phone.up.length) server.receive(phone.up.shift()!);
    else if (server.connection) {
      const message = server.next(1 + rng.below(6));
      if (message) await phone.hear(message, server);
    }
  }

  /** Two rows of one bucket that always change together, and sometimes go. */
  private twins(): void {
    const b = 1 + this.rng.below(5);
    const pair = this.rng.below(4);
    const isGone = this.rng.below(5) === 0;
    const data = isGone ? {} : { data: JSON.stringify({ v: this.server.seq }) };
    this.server.commit(['x', 'y'].map((side) => ({ b, key: `${b}.${pair}.${side}`, ...data })));
  }

  /** An own row, in a bucket of either lane or in both; or what the server refuses. */
  private async write(): Promise<void> {
    const { rng } = this;
    const v = ++this.made;
    const data = JSON.stringify({ v });
    const isBad = rng.below(8) === 0;
    const key = isBad ? `bad.${v}` : `own.${rng.below(3)}`;
    const at = isBad ? [99] : [[6], [7], [6, 7]][rng.below(3)]!;
    const args = { key, v, rows: at.map((b) => ({ b, key, data })) };
    await this.phone.mutate('model.set', args, this.server).catch((error) => {
      expect(error.code).toBe('disk_full');
      --this.made;
    });
  }

  private async dial(): Promise<void> {
    this.clock.now = Math.max(this.clock.now, this.phone.dialAt ?? 0);
    await this.phone.connect(this.server);
  }

  private async cut(): Promise<void> {
    if (this.phone.isOpen) await this.phone.drop(this.server);
  }

  private async kill(): Promise<void> {
    this.server.cut();
    const failing = this.failing;
    this.failing = 0;
    await this.phone.boot();
    this.failing = failing;
  }

  /** What must hold at every moment. */
  private async check(): Promise<void> {
    const rows = await this.phone.rows();
    const byKey = new Map(rows.map((row) => [row.key, (row.value as { v: number }).v]));
    for (const [key, v] of byKey) {
      if (!key.startsWith('own')) continue;
      const before = this.shown.get(key) ?? 0;
      expect(v, `seed ${this.seed}: own work flickers`).toBeGreaterThanOrEqual(before);
      this.shown.set(key, v);
    }
    for (const key of this.shown.keys()) expect(byKey.has(key), `seed ${this.seed}`).toBe(true);
    for (const { key } of rows) {
      if (!/^\d/.test(key)) continue;
      const twin = key.endsWith('x') ? key.replace('x', 'y') : key.replace('y', 'x');
      expect(byKey.get(twin), `seed ${this.seed}: half of a commit is shown`).toBe(byKey.get(key));
      const b = Number(key[0]);
      const isHeld = this.phone.replica.state.buckets.has(b);
      expect(isHeld, `seed ${this.seed}: a row of a dropped bucket`).toBe(true);
    }
    expect(this.phone.replica.state.digestMismatches, `seed ${this.seed}`).toBe(0);
  }

  /** At rest the phone shows exactly what the community has, and all its work ran once. */
  private async compare(): Promise<void> {
    const expected = new Map<string, { ver: number; v: number }>();
    for (const bucket of this.server.buckets.values()) {
      for (const { key, ver, data } of bucket.entries.values()) {
        const isNewer = ver > (expected.get(key)?.ver ?? 0);
        if (bucket.isMember && data !== undefined && isNewer) {
          expected.set(key, { ver, v: JSON.parse(data).v });
        }
      }
    }
    const rows = await this.phone.rows();
    const shown = Object.fromEntries(rows.map(({ key, value }) => [key, value.v]));
    const truth = Object.fromEntries([...expected].map(([key, { v }]) => [key, v]));
    expect(shown, `seed ${this.seed}`).toEqual(truth);
    expect(rows.every((row) => !row.isPending), `seed ${this.seed}`).toBe(true);
    const slots = [...this.phone.replica.state.buckets.values()].map((bucket) => bucket.slot);
    const stored = await this.phone.store.read((tx) => tx.table('t'));
    const isShown = stored.every(({ slot }) => slots.includes(slot));
    expect(isShown, `seed ${this.seed}: rows are left over that nobody sees`).toBe(true);
    const ran = this.server.ran.map((args) => JSON.parse(args).v as number);
    const all = Array.from({ length: this.made }, (_, i) => i + 1);
    expect(ran.sort((x, y) => x - y), `seed ${this.seed}: each ran once`).toEqual(all);
  }
}

test(`${SEEDS} random lives end in what the server has, and never showed half of it`, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; ++seed) {
    await new Life(seed).run();
    await new Promise((done) => setTimeout(done)); // Vitest wants to hear something now and then.
  }
}, 240_000);

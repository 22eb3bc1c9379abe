// SPDX-License-Identifier: Apache-2.0
// The leader's work: one socket, one session, timers, and a slip that waits for the server.
import { SUBPROTOCOL } from '../protocol/frames';
import { Changes } from './apply';
import type { LiveFacts } from './channel';
import { systemClock, systemRng, type Clock, type Rng } from './clock';
import { httpCall } from './http';
import { flushSeen, SEEN_PREFIX } from './pending';
import { NOT_LEADER, type Store } from './store';
import { ReplicaProblem } from './problem';
import { Replica } from './replica';
import { reconnectDelay, Session, type Action } from './session';
import { nextCall, onReply, type Outcome, type Where } from './slip';
import { SLIP_KEY, type SlipRecord } from './slip_record';

/** Opened notices are gathered so long. */
const SEEN_MS = 30_000;
/** For a socket to open. */
const DIAL_MS = 20_000;
const APP = 'linli-web 1';

export interface EngineHost {
  /** As lead() gave it. */
  store: Store;
  /** scheme://host[:port]/c/<slug>/ */
  base: URL;
  slug: string;
  /** Something that screens show has changed. */
  onChanged(changes: Changes): void;
  /** Another tab took over, or the store was emptied: this engine is dead. */
  onLost(): void;
  clock?: Clock;
  rng?: Rng;
}

export class Engine {
  private readonly session: Session;
  private readonly clock: Clock;
  private readonly rng: Rng;
  private readonly where: Where;
  private turn: Promise<unknown> = Promise.resolve();
  private socket?: WebSocket;
  private timer?: ReturnType<typeof setTimeout>;
  private redialTimer?: ReturnType<typeof setTimeout>;
  private seenTimer?: ReturnType<typeof setTimeout>;
  private slipTimer?: ReturnType<typeof setTimeout>;
  private isAskingSlip = false;
  private slipTries = 0;
  private isDead = false;

  private constructor(
    private readonly host: EngineHost,
    private readonly replica: Replica,
  ) {
    this.clock = host.clock ?? systemClock;
    this.rng = host.rng ?? systemRng;
    this.where = { origin: host.base.origin, slug: host.slug };
    this.session = new Session(replica, this.clock, this.rng, APP);
  }

  /** Goes on with what is in the store. Errors: io. */
  static async start(host: EngineHost): Promise<Engine> {
    const wall = (host.clock ?? systemClock).wall;
    const engine = new Engine(host, await Replica.open(host.store, wall));
    engine.dial(true);
    engine.armSeen();
    return engine;
  }

  facts(tab: string): LiveFacts {
    const { isLive, isTrying, isCaughtUp, estimate, trouble, isHalted } = this.session;
    // A line that broke is no trouble; a refusal or a failing store is.
    const isBad = trouble && (isHalted || ['io', 'disk_full', 'corrupt'].includes(trouble.code));
    return {
      tab, isConnected: isLive, isTrying: isTrying || this.socket !== undefined, isCaughtUp,
      // Coarse: every tab reads its status again when it changes.
      clockOffset: Math.round(estimate.off / 50) * 50,
      ...(isBad && { trouble: { code: trouble.code, message: trouble.message } }),
    };
  }

  /** Dials now; a live line is pinged. `isForced`: even if the server refused this device. */
  dial(isForced: boolean): void {
    this.slipTries = 0;
    this.pursueSlip();
    if (!this.replica.state.identity || (this.session.isHalted && !isForced)) return;
    void this.run(async () => this.session.start());
  }

  /** A tab wrote into the store. */
  onWrote(what: 'work' | 'slip' | 'seen'): void {
    if (what === 'work') void this.run(() => this.session.onLocalWrite());
    if (what === 'slip') this.pursueSlip();
    if (what === 'seen') this.armSeen();
  }

  /** Says bye. */
  async stop(): Promise<void> {
    await this.run(() => this.session.stop());
    this.abandon();
  }

  /** Without a word, as when the tab is killed. */
  abandon(): void {
    this.isDead = true;
    for (const timer of [this.timer, this.redialTimer, this.seenTimer, this.slipTimer]) {
      clearTimeout(timer);
    }
    this.dropSocket(1000);
  }

  // --- Session ----------------------------------------------------------------------------------

  /** One event at a time; what it asks for is done before the next. */
  private run(step: () => Promise<void>): Promise<void> {
    const done = this.turn.then(async () => {
      if (this.isDead) return;
      await step();
      if (this.session.trouble?.code === NOT_LEADER) return this.lose();
      for (const action of this.session.takeActions()) this.perform(action);
    });
    this.turn = done.catch((error) => this.onBug(error));
    return done;
  }

  private lose(): void {
    if (this.isDead) return;
    this.abandon();
    this.host.onLost();
  }

  private onBug(error: unknown): void {
    if (error instanceof ReplicaProblem && error.code === NOT_LEADER) return this.lose();
    console.error('replica', error);
  }

  private perform(action: Action): void {
    switch (action.t) {
      case 'send':
        if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(action.text);
        return;
      case 'close': {
        this.dropSocket(action.code);
        void this.run(() => this.session.onClosed(action.code));
        return;
      }
      case 'arm': {
        clearTimeout(this.timer);
        const after = Math.max(0, action.at - this.clock.mono());
        this.timer = setTimeout(() => void this.run(() => this.session.onTimer()), after);
        return;
      }
      case 'redial':
        clearTimeout(this.redialTimer);
        this.redialTimer = setTimeout(() => this.open(), action.after);
        return;
      case 'changed':
        this.host.onChanged(action.changes);
    }
  }

  private open(): void {
    if (this.isDead || this.socket) return;
    const url = new URL(`/c/${this.host.slug}/sync`, this.host.base.origin);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url, SUBPROTOCOL);
    this.socket = socket;
    const isOurs = () => this.socket === socket && !this.isDead;
    const closed = (code: number) => {
      if (!isOurs()) return;
      this.socket = undefined;
      clearTimeout(patience);
      void this.run(() => this.session.onClosed(code));
    };
    const patience = setTimeout(() => {
      if (socket.readyState !== WebSocket.CONNECTING) return;
      socket.close();
      closed(1006);
    }, DIAL_MS);
    socket.onopen = () => isOurs() && void this.run(() => this.session.onOpen());
    socket.onmessage = ({ data }) => {
      if (!isOurs()) return;
      // A binary message on a JSON socket is no text; the reader says so.
      void this.run(() => this.session.onMessage(typeof data === 'string' ? data : ''));
    };
    socket.onclose = ({ code }) => closed(code);
    // Always followed by `close`; not every WebSocket forgives an error without a listener.
    socket.onerror = () => undefined;
  }

  private dropSocket(code: number): void {
    const socket = this.socket;
    this.socket = undefined;
    // A page may say 1000 and its own numbers only.
    socket?.close(code >= 3000 ? code : 1000);
  }

  // --- Opened notices ---------------------------------------------------------------------------

  private armSeen(): void {
    if (this.seenTimer || this.isDead) return;
    this.seenTimer = setTimeout(() => void this.run(() => this.sendSeen()), SEEN_MS);
  }

  private async sendSeen(): Promise<void> {
    this.seenTimer = undefined;
    const { store } = this.host;
    if (!this.replica.state.identity) return;
    try {
      if (!(await store.write('strict', (tx) => flushSeen(tx, this.clock.wall())))) return;
      const rest = await store.read((tx) => tx.localKeys(SEEN_PREFIX));
      if (rest.length) this.armSeen();
    } catch (error) {
      // Too much is waiting, or no space: they stay, and are asked for again.
      if (!(error instanceof ReplicaProblem) || error.code === NOT_LEADER) throw error;
      return;
    }
    const changes = new Changes();
    changes.isPending = true;
    this.host.onChanged(changes);
    await this.session.onLocalWrite();
  }

  // --- Slip -------------------------------------------------------------------------------------

  /** Asks the server on, until it is taken, refused, or somebody has to be chosen. */
  private pursueSlip(): void {
    clearTimeout(this.slipTimer);
    if (this.isAskingSlip || this.isDead || this.replica.state.identity) return;
    this.isAskingSlip = true;
    this.askSlip()
      .catch((error) => this.onBug(error))
      .finally(() => (this.isAskingSlip = false));
  }

  private async askSlip(): Promise<void> {
    for (;;) {
      const slip = await this.host.store.read((tx) => tx.local<SlipRecord>(SLIP_KEY));
      const call = slip && nextCall(slip, this.where);
      if (!call || this.isDead) return;
      const outcome = onReply(slip, await httpCall(this.host.base, call), this.where);
      if (this.isDead) return;
      const isMine = await this.keepOutcome(slip, outcome);
      const changes = new Changes();
      changes.isPending = true;
      this.host.onChanged(changes);
      if (!isMine || outcome.step === 'again') continue;
      if (outcome.step === 'wait') {
        const after = reconnectDelay(this.slipTries++, this.rng);
        this.slipTimer = setTimeout(() => this.pursueSlip(), after);
      }
      return;
    }
  }

  /** False: it is another slip meanwhile, or was decided upon; the answer is void. */
  private async keepOutcome(slip: SlipRecord, outcome: Outcome): Promise<boolean> {
    if (outcome.step === 'enrolled') {
      await this.run(async () => {
        const changes = await this.replica.adopt(outcome.identity, SLIP_KEY);
        this.host.onChanged(changes);
        this.session.start();
      });
      return true;
    }
    return this.host.store.write('strict', async (tx) => {
      const now = await tx.local<SlipRecord>(SLIP_KEY);
      if (now?.round !== slip.round) return false;
      tx.putLocal(SLIP_KEY, outcome.slip);
      return true;
    });
  }
}

// SPDX-License-Identifier: Apache-2.0
// `?demo` of the development server: every screen without a server. Not in a built app.
// ?demo=guest, =slip, =offline, =trouble choose what it shows.
import type { Replica } from '../replica/api';
import { FakeReplica } from '../replica/fake';

export function demoReplica(): Replica {
  const what = new URLSearchParams(location.search).get('demo');
  const fake = new FakeReplica({ isEnrolled: what !== 'guest' && what !== 'slip' });
  if (what === 'slip') {
    const problem = { code: 'timed_out', message: '' };
    fake.setSlip({ stage: 'checking', household: '', persons: [], problem });
  }
  if (what === 'offline' || what === 'trouble') fake.goOffline();
  if (what === 'offline' || what === 'trouble') {
    void fake.mutate('notice.acknowledge', { notice: 'n-gas', person: 'p-wang', choice: 'help' });
  }
  if (what === 'trouble') {
    fake.reject(1, { code: 'not_member', message: '' });
    void fake.mutate('notice.mute', { category: 'farming', muted: true });
  }
  if (what === 'hostile') {
    fake.put('notice', 'n-evil', {
      state: 'sent', category: 'latest', severity: 'none', needs_ack: true, corrected: false,
      urgent: false, alert: false, rev: 1, sent_at: Date.now() - 1000,
      title: '<img src=x onerror=alert(1)>\u202e反过来的标题' + 'W'.repeat(40),
      body: '<script>alert(1)</script>\n' + 'x'.repeat(100_000),
    });
  }
  Object.assign(globalThis, { fake });
  return fake;
}

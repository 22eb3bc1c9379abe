// SPDX-License-Identifier: Apache-2.0
// Teams, shifts and hours of the fake replica: its owner leads 雷锋帮帮团 and sings in the choir.
import type { Tables } from './rows';
import type { HoursRow, ServiceTables, ShiftRow } from './rows_service';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const COMMUNITY = 'hn';

/** Public keys of the seeds 05… (this phone) and 06… (the choir's lead), base64url. */
const FAKE_PUB = 'bnoc3Smwt4_ROvTFWY_v9O8qlxZuPKby5Pv8zYBQW_E';
const LEAD_PUB = 'iodf_x6zhFFXes1a_uQFRWVo3XyJ4JCGOgVXvHr0nxc';
/** Key of this phone, 32 bytes. */
export const FAKE_SEED = new Uint8Array(32).fill(5);
/** Key of the choir's lead, for codes that this phone scans. */
export const LEAD_SEED = new Uint8Array(32).fill(6);
export const SHIFT_KEY = 'WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo';

type Seed = { [T in keyof ServiceTables]: Record<string, Tables[T]> };

function teams(now: number): Pick<Seed, 'team' | 'team_member' | 'team_minor'> {
  const team = (name: string, kind: 'team' | 'station'): Tables['team'] => ({
    name, kind, state: 'active', area: COMMUNITY, community: COMMUNITY, created_at: now - 90 * DAY,
  });
  const member = (of: string, person: string, some: Partial<Tables['team_member']>) => ({
    team: of, person, name: '', role: 'member' as const, state: 'active' as const,
    keys: [], ...some,
  });
  return {
    team: {
      leifeng: { ...team('雷锋帮帮团', 'team'), what: '修水电、陪就医、打扫卫生' },
      chorus: { ...team('文艺合唱队', 'team'), what: '每周三排练，逢年过节演出' },
      city: { ...team('城市精细化管理', 'team'), what: '巡查、清理、劝导' },
      lianxinqiao: team('连心桥', 'station'),
    },
    team_member: {
      'leifeng:p-wang': member('leifeng', 'p-wang', {
        name: '王秀英', role: 'lead', keys: [{ cid: '5'.repeat(32), pub: FAKE_PUB }],
      }),
      'leifeng:p-zhao': member('leifeng', 'p-zhao', { name: '赵国强' }),
      'leifeng:p-liu': member('leifeng', 'p-liu', { name: '刘洋', state: 'requested' }),
      'leifeng:p-chen': member('leifeng', 'p-chen', { name: '陈小雨' }),
      'chorus:p-wang': member('chorus', 'p-wang', { name: '王秀英' }),
      'chorus:p-sun': member('chorus', 'p-sun', {
        name: '孙丽华', role: 'lead', keys: [{ cid: '6'.repeat(32), pub: LEAD_PUB }],
      }),
    },
    team_minor: { 'leifeng:p-chen': { team: 'leifeng', person: 'p-chen' } },
  };
}

function shifts(now: number): Pick<Seed, 'shift' | 'shift_key' | 'shift_answer'> {
  const shift = (some: Partial<ShiftRow> & Pick<ShiftRow, 'team' | 'title'>): ShiftRow => ({
    place: '', from: now, to: now + 2 * HOUR, need: 0, state: 'open', yes: 0, no: 0, ...some,
  });
  return {
    shift: {
      's-clean': shift({
        team: 'leifeng', title: '清扫6号院楼道', place_name: '6号院门口', need: 6, yes: 4,
        from: now - HOUR, to: now + HOUR,
      }),
      's-sing': shift({
        team: 'chorus', title: '周三排练', place_name: '文化活动室',
        from: now - 30 * MINUTE, to: now + 90 * MINUTE,
      }),
      's-sand': shift({
        team: 'leifeng', title: '装沙袋，请来帮忙', is_callout: true, need: 6, yes: 2,
        from: now + 3 * HOUR, to: now + 6 * HOUR, place_name: '社区院内',
      }),
      's-old': shift({
        team: 'leifeng', title: '陪老人体检', state: 'closed', from: now - DAY,
        to: now - DAY + 3 * HOUR,
      }),
    },
    shift_key: { 's-clean': { team: 'leifeng', key: SHIFT_KEY } },
    shift_answer: {
      's-clean:p-zhao': {
        shift: 's-clean', person: 'p-zhao', name: '赵国强', answer: 'yes', team: 'leifeng',
        at: now - DAY,
      },
    },
  };
}

function hours(now: number, person: string): Pick<Seed, 'hours' | 'publicity' | 'certificate'> {
  const day = (ago: number) => new Date(now - ago * DAY).toISOString().slice(0, 10);
  const row = (ago: number, some: Partial<HoursRow>): HoursRow => ({
    shift: 's', team: 'leifeng', community: COMMUNITY, title: '清扫楼道', person, name: '王秀英',
    day: day(ago), in_at: now - ago * DAY, out_at: now - ago * DAY + 2 * HOUR, grade: 'A',
    state: 'final', minutes: 120, counted: 120, computed: 120, flags: [], ...some,
  });
  return {
    hours: {
      [`s-old:${person}`]: row(1, { shift: 's-old', title: '陪老人体检', state: 'pending' }),
      [`s-h2:${person}`]: row(3, {
        state: 'publicised', grade: 'B', until: now + 4 * DAY, minutes: 95, counted: 95,
      }),
      [`s-h3:${person}`]: row(9, { grade: 'C', flags: ['auto', 'late'], state: 'disputed',
        dispute: '我是十一点走的' }),
      [`s-h4:${person}`]: row(20, { title: '社区联欢会', team: 'chorus', minutes: 180, counted: 120,
        flags: ['overlap'] }),
      [`s-h5:${person}`]: row(31, {}),
    },
    publicity: {
      's-h2:p-zhao': {
        team: 'leifeng', name: '赵国强', title: '清扫楼道', day: day(3), minutes: 95,
        until: now + 4 * DAY,
      },
    },
    certificate: {
      ZY2026000012: {
        person, name: '王秀英', minutes: 240, state: 'issued', issued_at: now - 5 * DAY,
        code: '7K3MQ9TB4XWP', issuer: '淮南社区', log_n: 4120, log_link: 'ab'.repeat(32),
        activities: [{
          title: '清扫楼道', day: day(31), counted: 120, grade: 'A', team_name: '雷锋帮帮团',
        }],
      },
    },
  };
}

/** `person` owns the phone. `now`: unix ms. */
export function serviceRows(now: number, person: string): Seed {
  return {
    ...teams(now), ...shifts(now), ...hours(now, person), attendance: {}, walkup: {},
  };
}

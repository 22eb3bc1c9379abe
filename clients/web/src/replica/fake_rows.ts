// SPDX-License-Identifier: Apache-2.0
// What a resident's and a clerk's phone would hold, for tests and for drawing screens.
import { serviceRows } from './fake_service';
import { REACH_STATES, type ReachCountRow, type Tables } from './rows';

export const ACCOUNT = '20212223242526272829aabbccddeeff';
export const PERSON = 'p-wang';
export const MOTHER = 'p-li';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type Seed = { [T in keyof Tables]: Record<string, Tables[T]> };

function reach(notice: string, unit: string, some: Partial<ReachCountRow>): ReachCountRow {
  const states = Object.fromEntries(REACH_STATES.map((state) => [state, 0]));
  return { ...states, notice, unit, community: 'hn', audience: 0, ...some } as ReachCountRow;
}

function notices(now: number): Seed['notice'] {
  const plain = {
    state: 'sent', severity: 'none', needs_ack: false, corrected: false, urgent: false,
    alert: false, rev: 1, issuer: '淮南社区',
  } as const;
  return {
    'n-rain': {
      ...plain, category: 'weather', severity: 'orange', urgent: true, alert: true,
      needs_ack: true, incident: 'w-rain', event: '暴雨', title: '暴雨橙色预警',
      action_line: '今晚别出门，住一楼和地下室的请上二楼，需要帮助拨581。',
      body: '预计今天夜里到明天上午有暴雨，局地大暴雨。\n低洼处不要停车。',
      sent_at: now - 20 * MINUTE, valid_to: now + 12 * HOUR, ask: 0,
    },
    'n-gas': {
      ...plain, category: 'urgent', severity: 'blue', urgent: true, alert: true, needs_ack: true,
      incident: 'n-gas', title: '2号楼燃气检修，请勿用火',
      action_line: '13点到15点请勿用火，有异味打119。',
      body: '13点到15点停气，来气前请勿点火。', sent_at: now - 5 * HOUR, valid_to: now + 3 * HOUR,
    },
    'n-water': {
      ...plain, category: 'latest', title: '3网格停水通知',
      body: '明天8点到12点检修水管，请提前储水。', sent_at: now - 7 * HOUR,
    },
    'n-check': {
      ...plain, category: 'policy', title: '65岁以上免费体检，周四起发号', needs_ack: true,
      body: '带身份证，空腹。抽血、B超、心电图、量血压。行动不便请打581，有车接送。',
      voice: { sha: 'de3'.padEnd(64, '0'), bytes: 96_000, type: 'audio/mp4', ms: 24_000 },
      sent_at: now - DAY,
    },
    'n-draw': {
      ...plain, state: 'corrected', category: 'events', title: '写生游报名',
      body: '40个名额，先登记，周五中午统一公布名单。', corrected: true, rev: 2,
      sent_at: now - 2 * DAY, corrected_at: now - DAY,
    },
    'n-wind': {
      ...plain, state: 'withdrawn', category: 'weather', severity: 'blue', urgent: true,
      needs_ack: true, incident: 'w-wind', event: '大风', title: '大风蓝色预警',
      sent_at: now - 3 * DAY,
    },
    'n-jobs': {
      ...plain, category: 'living', title: '本周招聘12个岗位',
      body: '保洁、保安、收银、护工，详情见服务页或到窗口。', sent_at: now - 3 * DAY,
    },
    'n-wheat': {
      ...plain, state: 'expired', category: 'farming', title: '小麦一喷三防',
      body: '选无风晴天，早晚喷药，注意防护。', sent_at: now - 20 * DAY, valid_to: now - 10 * DAY,
    },
  };
}

function people(): Pick<Seed, 'me' | 'person_card' | 'household_card' | 'area'> {
  const area = (kind: Tables['area']['kind'], name: string, path: string[]): Tables['area'] => ({
    kind, name, path, state: 'active', parent: path.at(-2) ?? '', community: 'hn',
    unit: path.length > 1 ? 'g1' : 'hn', grid: path.length > 1 ? 'g1' : '',
  });
  const door = '6号院2号楼1单元301';
  const lives = { household: 'h-1', door, area: 'y6b2e1', grid: 'g1', floor: 3 };
  return {
    me: {
      [ACCOUNT]: {
        account: ACCOUNT, person: PERSON, name: '王秀英', community: '淮南社区',
        persons: [{ id: PERSON, name: '王秀英' }, { id: MOTHER, name: '李桂兰' }],
        roles: [{ role: 'window', scope: 'hn' }, { role: 'grid', scope: 'g1' }],
      },
    },
    person_card: {
      [PERSON]: {
        ...lives, name: '王秀英', birth_year: 1961, sex: 'f', phone: '13800000001', app: 1,
      },
      [MOTHER]: {
        ...lives, name: '李桂兰', birth_year: 1938, sex: 'f', no_phone: true, living_alone: true,
        mobility: 'stick', languages: ['dungan'], landline: '0996-2000001',
        neighbour: '302 张师傅', keyholder: '王秀英', tags: ['独居老人'], app: 0,
      },
    },
    household_card: {
      'h-1': { door, area: lives.area, grid: 'g1', floor: 3, state: 'active' },
    },
    area: {
      hn: area('community', '淮南社区', ['hn']),
      g1: area('grid', '1网格', ['hn', 'g1']),
      y6: area('courtyard', '6号院', ['hn', 'g1', 'y6']),
      y6b2: area('building', '2号楼', ['hn', 'g1', 'y6', 'y6b2']),
      y6b2e1: area('entrance', '1单元', ['hn', 'g1', 'y6', 'y6b2', 'y6b2e1']),
    },
  };
}

function desk(now: number): Pick<Seed, 'notice_desk' | 'reach_count' | 'desk_alarm' | 'warning'> {
  const line = {
    community: 'hn', author: ACCOUNT, severity: 'none', urgent: false, rev: 1,
  } as const;
  return {
    notice_desk: {
      'n-rain': {
        ...line, state: 'sent', category: 'weather', title: '暴雨橙色预警', severity: 'orange',
        urgent: true, incident: 'w-rain', created_at: now - HOUR, submitted_at: now - HOUR,
        sent_at: now - 20 * MINUTE, valid_to: now + 12 * HOUR, persons: 5480,
        approved_by: 'a'.repeat(32), sending: { phase: 'count', n: 31, m: 55 },
      },
      'n-fair': {
        ...line, state: 'in_review', category: 'events', title: '周六跳蚤市场',
        created_at: now - 2 * HOUR, submitted_at: now - HOUR,
      },
      'n-bus': {
        ...line, state: 'draft', category: 'living', title: '26路公交改道',
        created_at: now - 3 * HOUR,
      },
    },
    reach_count: {
      'n-rain:g1': reach('n-rain', 'g1', {
        audience: 1820, ok: 1204, help: 3, away: 61, seen: 190, delivered: 240, failed: 22,
        no_app: 80, no_channel: 20,
      }),
      'n-rain:g2': reach('n-rain', 'g2', { audience: 1650, ok: 700, app: 650, no_app: 300 }),
    },
    desk_alarm: {
      'sms_credit:main': {
        kind: 'sms_credit', subject: 'main', text: '短信余额不足200条', since: now - 2 * HOUR,
        count: 3, community: 'hn',
      },
      typed_codes_paused: {
        kind: 'typed_codes_paused', text: '号码输错太多，手输登记暂停一小时', since: now - DAY,
        cleared_at: now - DAY + HOUR, count: 1, community: 'hn',
      },
    },
    warning: {
      'w-rain': {
        state: 'open', alert: 'urn:oid:2.49.0.1.156.1', kind: 'update', colour: 'orange',
        event: '暴雨', signal_no: 2, source: 'cap', sender: '市气象台',
        headline: '市气象台发布暴雨橙色预警', expires_at: now + 12 * HOUR, places: ['hn'],
        sound: true, opened_at: now - 6 * HOUR, at: now - 25 * MINUTE, community: 'hn',
        notice: 'n-rain', proposal: { what: 'correct', at: now - 25 * MINUTE, severity: 'orange' },
      },
    },
  };
}

/** Everything at once, as no real phone would hold it. `now`: unix ms. */
export function demoRows(now: number): Seed {
  return {
    shelter: {},
    request: {},
    transfer: {},
    notice: notices(now),
    ack: {
      [`n-gas:${PERSON}`]: {
        notice: 'n-gas', person: PERSON, choice: 'ok', state: 'ok', by: ACCOUNT, via: 'self',
        captured_at: now - 4 * HOUR, at: now - 4 * HOUR, name: '王秀英',
      },
    },
    mute: { [`${ACCOUNT}:farming`]: { category: 'farming', muted: true, at: now - 9 * DAY } },
    task: {
      [`n-rain:${MOTHER}`]: {
        kind: 'knock', notice: 'n-rain', person: MOTHER, state: 'open', owner: 'grid', tries: 0,
        opened_at: now - 10 * MINUTE, next_at: now + 50 * MINUTE, ask: 0, why: 'parallel',
        outcomes: [], name: '李桂兰', door: '6号院2号楼1单元301', floor: 3, area: 'y6b2e1',
        unit: 'g1', community: 'hn', living_alone: true, mobility: 'stick',
        neighbour: '302 张师傅', keyholder: '王秀英', severity: 'orange', title: '暴雨橙色预警',
        line: '今晚别出门，住一楼和地下室的请上二楼，需要帮助拨581。',
      },
    },
    ...people(),
    ...serviceRows(now, PERSON),
    ...desk(now),
  };
}

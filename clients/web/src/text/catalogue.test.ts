// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from './en';
import { zh } from './zh';

const SRC = join(import.meta.dirname, '..');
const FOLDERS = ['resident', 'ui', 'sw', 'volunteer'];

/** Words of the trade that nobody should have to learn (UX-4). */
const FORBIDDEN = [
  '冲突', '令牌', '密钥', '缓存', '服务器', '副本', '客户端', '数据库', '加密', '校验', '协议', '推送通道',
  '离线模式', '异常', '错误代码', '超时', '请求', '响应', '接口', '实例', '设备', '账号', '终端', '重试',
  '提交失败', '初始化', '授权', '认证', '权限不足', '积分', '排名', '打卡', '签到', '排行',
];
/** What volunteers themselves call it; residents are never asked for it. */
const MAY_SAY_CHECK_IN = /^(vol\.|queue\.what\.attendance$)/;
/** The only places where 同步 may stand: the states that GEN-6 names, and 立即同步 of §3. */
const MAY_SAY_SYNC = ['chip.synced', 'chip.syncing', 'queue.now'];

function sources(): string {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(SRC, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|svelte)$/.test(name) && !/\.test\.ts$|demo\.ts$/.test(name))
      .map((name) => join(SRC, folder, name)),
  );
  return files.map((path) => readFileSync(path, 'utf8')).join('\n');
}

/** Texts of code and templates without comments, where Chinese may explain. */
function withoutComments(text: string): string {
  return text
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '');
}

describe('the catalogue', () => {
  it('UX-4: has no word of the trade', () => {
    const bad = Object.entries(zh).filter(([key, text]) =>
      FORBIDDEN.some((word) =>
        text.includes(word) && !(word === '签到' && MAY_SAY_CHECK_IN.test(key))),
    );
    expect(bad).toEqual([]);
  });

  it('UX-4: says 同步 only in the states of the chip and in 立即同步', () => {
    const saying = Object.entries(zh).filter(([, text]) => text.includes('同步'));
    expect(saying.map(([key]) => key).sort()).toEqual([...MAY_SAY_SYNC].sort());
  });

  it('has the same sentences in both languages, with the same blanks', () => {
    const blanks = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
    for (const [key, text] of Object.entries(zh)) {
      const other = (en as Record<string, string>)[key];
      expect(other, key).toBeTruthy();
      expect(blanks(other!), key).toEqual(blanks(text));
    }
    expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
  });

  it('has no sentence that no screen says', () => {
    const all = sources();
    const isUsed = (key: string) => {
      if (all.includes(`'${key}'`)) return true;
      // `t(`ack.${choice}`)`: a name made of a prefix.
      const parts = key.split('.');
      return parts.some(
        (_, at) => at > 0 && all.includes(`\`${parts.slice(0, at).join('.')}.\${`),
      );
    };
    expect(Object.keys(zh).filter((key) => !isUsed(key))).toEqual([]);
  });

  it('is the only place with sentences of the app', () => {
    // Names of languages stand in their own, and other apps' names for 长辈版 are input.
    const allowed = /中文|长辈\|亲情版\|关爱版\|关怀版\|老人版\|大字|社区有新通知|邻里|。|、|：/g;
    const han = withoutComments(sources()).replace(allowed, '').match(/[\u4e00-\u9fff]+/g);
    expect(han).toBeNull();
  });
});

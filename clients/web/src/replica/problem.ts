// SPDX-License-Identifier: Apache-2.0
import type { Problem } from './api';

/** Sentences for people, as in base/errc.h, where this side can be the one that says them. */
const SENTENCES: Record<string, string> = {
  invalid_argument: '填写的内容不对，请检查后再试。',
  malformed: '收到的数据格式不对。',
  unauthenticated: '请先登记或登录。',
  bad_signature: '身份校验没有通过，请重新登记本机。',
  revoked: '本机已被停用，请联系社区办公室。',
  expired: '已过期，请重新领取。',
  wrong_code: '号码不对，请核对纸条。',
  forbidden: '您没有这项权限。',
  bad_origin: '网页来源不对。',
  not_found: '没有找到。',
  timed_out: '等待太久，请再试一次。',
  conflict: '别人已经改过了，请刷新后再试。',
  wrong_state: '现在的状态不能做这一步。',
  forked: '本机的数据被复制过，正在换新身份。',
  already_used: '这张纸条已经用过了。',
  too_large: '内容太大。',
  unsupported_version: '请更新应用后再用。',
  rate_limited: '操作太频繁，请稍后再试。',
  corrupt: '本机保存的数据损坏。',
  io: '本机保存数据出错。',
  unavailable: '服务器正忙，请稍后再试。',
  disk_full: '手机存储空间已满，请清理后再试；没有发出的内容都还在。',
  internal: '出错了，请稍后再试。',
};

/** Every refusal that leaves the replica; `detail` is for developers, never shown. */
export class ReplicaProblem extends Error implements Problem {
  constructor(
    readonly code: string,
    readonly detail = '',
    message?: string,
  ) {
    super(message || sentenceOf(code));
    this.name = 'ReplicaProblem';
  }
}

export function sentenceOf(code: string): string {
  return SENTENCES[code] ?? SENTENCES.internal!;
}

/** What may cross to another thread and into a store. */
export function plainProblem(error: unknown): Problem {
  if (error instanceof ReplicaProblem) return { code: error.code, message: error.message };
  return { code: 'internal', message: sentenceOf('internal') };
}

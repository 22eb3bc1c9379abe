// SPDX-License-Identifier: Apache-2.0
import type { Pair } from '../text';

/** What to do, by the code of a problem; its own sentence stands before it. */
export const kAdvice: Readonly<Record<string, Pair>> = {
  offline: [
    '您写的内容都在本机。检查网络后再按一次，不会重复办理。',
    'What you wrote is kept here. Check the network and press again: nothing is done twice.',
  ],
  deadline: [
    '可能已经办成了。再按一次是安全的，不会重复办理。',
    'It may have been done. Pressing again is safe: nothing is done twice.',
  ],
  forbidden: [
    '请找有这项权限的同事，或请管理员授权。',
    'Ask a colleague who may, or the administrator.',
  ],
  not_member: ['请换一个在您范围内的地点。', 'Choose a place within your scope.'],
  same_person: ['请让另一位审批人打开这一条。', 'Ask another approver to open it.'],
  conflict: ['请刷新，看过新内容后再决定。', 'Reload, read what is new, and decide again.'],
  wrong_state: ['请刷新，看看现在是什么状态。', 'Reload and look at its state now.'],
  audience_moved: ['请重新审核。', 'Approve it again.'],
  unauthenticated: ['请重新登记本机。', 'Enrol this computer again.'],
  revoked: ['这台电脑已停用，请找管理员。', 'This computer was stopped; see the administrator.'],
  expired: ['请再做一次。', 'Do it once more.'],
  wrong_code: ['动态码每 30 秒换一个，用过的不能再用。', 'A code works once and for 30 seconds.'],
  rate_limited: ['等一会儿再试。', 'Wait a while.'],
  unavailable: [
    '等一会儿再试；一直这样请告诉管理员。',
    'Wait a while; tell the administrator if it stays.',
  ],
  unsupported: ['可以用“打印”。', 'Printing works.'],
  draining: ['一分钟后再试。', 'Try again in a minute.'],
  disk_full: ['请马上告诉管理员。', 'Tell the administrator at once.'],
  corrupt: ['请马上告诉管理员。', 'Tell the administrator at once.'],
  internal: ['把括号里的编号告诉管理员。', 'Tell the administrator the number in brackets.'],
  bad_answer: [
    '等一会儿再试；一直这样请告诉管理员。',
    'Wait a while; tell the administrator if it stays.',
  ],
  invalid_argument: ['改好后再按一次。', 'Mend it and press again.'],
  too_large: ['请分成几次。', 'Do it in several parts.'],
  not_found: ['可能已经删除，请回到列表。', 'It may be gone; go back to the list.'],
  idempotency_mismatch: ['请刷新后再试。', 'Reload and try again.'],
};

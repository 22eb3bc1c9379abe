// SPDX-License-Identifier: Apache-2.0
// Why a message of the gateway came to what it came to: the engine's own words (notify/engine).
// What a peer said ("http 503") stands as it is.

export const kReasonText = {
  'why.its channel could not be used': ['渠道不能用，等它恢复', 'its channel could not be used'],
  'why.expired while its channel could not be used': [
    '渠道一直不能用，已过期',
    'expired while its channel could not be used',
  ],
  'why.expired before it could be sent': ['没来得及发，已过期', 'expired before it could be sent'],
  'why.over before the quiet hours ended': [
    '安静时段还没过就过期了',
    'over before the quiet hours ended',
  ],
  'why.quiet hours': ['等安静时段过去', 'quiet hours'],
  'why.reached meanwhile': ['这期间已经知道了', 'reached meanwhile'],
  'why.answered': ['已经回应', 'answered'],
  'why.one message for several steps': ['几步并成一条', 'one message for several steps'],
  'why.told over another address': ['已用别的方式通知', 'told over another address'],
  'why.the address is not theirs any more': ['号码已经换了', 'the address is not theirs any more'],
  'why.left': ['不在受众里了', 'left'],
  'why.asked anew': ['已重新通知', 'asked anew'],
  'why.ended': ['通知已结束', 'ended'],
  'why.stopped by the office': ['社区停发', 'stopped by the office'],
  'why.daily cap': ['当天条数到上限', 'daily cap'],
  'why.cost cap': ['费用到上限', 'cost cap'],
  'why.limit of the provider for one number': [
    '一个号码到了运营商上限',
    'limit of the provider for one number',
  ],
  'why.stopped before an answer came': ['服务器停过，不知道发没发成', 'stopped before an answer came'],
  'why.the receipt says no': ['回执说没送到', 'the receipt says no'],
} as const;

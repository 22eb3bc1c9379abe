// SPDX-License-Identifier: Apache-2.0
// How long a text is for people and for the telephone network, while it is typed. What is billed is
// what the gateway's quote says; this is the estimate before it answers.

/** Longest action line: one line of a big display, one breath (RAIN-6). */
export const kActionLineMax = 40;

// 3GPP TS 23.038 default alphabet; those of the extension count twice.
const kGsm7 =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ' +
  'ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const kGsm7Extended = '^{}\\[~]|€\f';

/** Code points, as the server counts them. */
export function characters(text: string): number {
  return [...text].length;
}

export interface SmsEstimate {
  coding: 'gsm7' | 'ucs2';
  /** Septets or UTF-16 units. */
  units: number;
  parts: number;
}

export function smsEstimate(text: string): SmsEstimate {
  let septets = 0;
  for (const char of text) {
    if (kGsm7.includes(char)) septets += 1;
    else if (kGsm7Extended.includes(char)) septets += 2;
    else return estimate('ucs2', text.length, 70, 67);
  }
  return estimate('gsm7', septets, 160, 153);
}

function estimate(
  coding: SmsEstimate['coding'],
  units: number,
  single: number,
  concatenated: number,
): SmsEstimate {
  if (units === 0) return { coding, units, parts: 0 };
  return { coding, units, parts: units <= single ? 1 : Math.ceil(units / concatenated) };
}

/** What an SMS says of a notice, near enough for an estimate. */
export function smsText(content: { title: string; action_line?: string; body?: string }): string {
  return [content.title, content.action_line || content.body].filter(Boolean).join('。');
}

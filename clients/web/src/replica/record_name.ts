// SPDX-License-Identifier: Apache-2.0

/** The mutator of signed entries: what was stored of it is never edited or withdrawn. */
export const RECORD = 'attendance.record';

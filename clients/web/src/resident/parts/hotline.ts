// SPDX-License-Identifier: Apache-2.0

export const HOTLINE = 'tel:581';

/** Called first when life is in danger (HOT-3). */
export const EMERGENCY = ['119', '120', '110'] as const;

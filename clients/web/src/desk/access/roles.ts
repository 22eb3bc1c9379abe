// SPDX-License-Identifier: Apache-2.0
// Roles as server/community/roles.h has them.

export const kRoles = [
  'volunteer',
  'lead',
  'grid',
  'window',
  'editor',
  'approver',
  'finance',
  'supervisor',
  'partner',
  'custodian',
  'admin',
  'district',
] as const;

/** What an approver may grant; everything else is the administrator's. */
export const kFieldRoles: readonly string[] = ['grid', 'lead', 'partner', 'volunteer'];

/** What a machine may never be: people approve and administer. */
export const kPeopleOnly: readonly string[] = ['approver', 'admin', 'custodian'];

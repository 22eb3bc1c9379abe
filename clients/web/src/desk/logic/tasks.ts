// SPDX-License-Identifier: Apache-2.0
// What may come of a task, and what has to be written with it.

import type { Task } from '../../api/types';

/** `field` names what is written with it: a note, or the place where a sheet hangs. */
export interface Outcome {
  name: string;
  field: 'note' | 'place';
  isRequired: boolean;
  /** Characters. */
  max: number;
}

const note = (name: string, isRequired = false): Outcome => ({
  name,
  field: 'note',
  isRequired,
  max: 200,
});

const kKnock = [
  note('told'),
  note('no_answer'),
  note('moved'),
  note('refused', true),
  note('rescue'),
];
const kPost: Outcome[] = [{ name: 'posted', field: 'place', isRequired: true, max: 60 }];
const kErasure = [note('erased', true), note('refused_erasure', true)];

/** None for a kind that this program does not know. */
export function outcomesOf(task: Task): readonly Outcome[] {
  switch (task.kind) {
    case 'knock':
      return kKnock;
    case 'post':
      return kPost;
    case 'erasure':
      return kErasure;
    default:
      return [];
  }
}

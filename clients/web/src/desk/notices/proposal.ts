// SPDX-License-Identifier: Apache-2.0
import type { Warning } from '../../api/types';
import { session } from '../state/session.svelte';

/** What is proposed for an incident of the weather service; undefined when nothing is, or the
 *  server does not answer: the form then stays as it is. */
export async function proposalOf(incident: string): Promise<Warning['proposal']> {
  try {
    for (let cursor: string | undefined; ;) {
      const page = await session().api.warnings({ cursor });
      const found = page.items.find((one) => one.incident === incident);
      if (found) return found.proposal;
      if (!page.next) return undefined;
      cursor = page.next;
    }
  } catch {
    return undefined;
  }
}

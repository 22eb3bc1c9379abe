// SPDX-License-Identifier: Apache-2.0

/** Every page of a list; stops once there are `max` items. */
export async function everyPage<T>(
  ask: (cursor?: string) => Promise<{ items: T[]; next?: string }>, max: number,
): Promise<T[]> {
  const out: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    out.push(...page.items);
    cursor = page.next;
  } while (cursor && out.length < max);
  return out;
}

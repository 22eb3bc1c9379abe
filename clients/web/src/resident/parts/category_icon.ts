// SPDX-License-Identifier: Apache-2.0
import type { IconName } from '../../ui/icons';
import { tMaybe } from '../../text/text.svelte';

const ICONS: Record<string, IconName> = {
  dangjian: 'star', events: 'events', latest: 'notices', policy: 'gift', weather: 'rain',
  living: 'bowl', farming: 'leaf', urgent: 'alert',
};

export function categoryIcon(category: string): IconName {
  return ICONS[category] ?? 'notices';
}

export function categoryText(category: string): string {
  return tMaybe(`category.${category}`, category);
}

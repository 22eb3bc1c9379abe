// SPDX-License-Identifier: Apache-2.0
// A new warning while the app is open: said to screen readers, felt in the hand, once per incident
// and colour on this phone (E9). Nothing on the screen moves by itself.
import { t } from '../../text/text.svelte';
import { actionLine } from '../model/notices';
import { severityText } from '../model/words';
import type { Session } from './session.svelte';

const PATTERN_MS = [400, 200, 400, 200, 400];

export function watchAlerts(session: Session): { readonly said: string } {
  let said = $state('');
  $effect(() => {
    for (const notice of session.warnings) {
      const { alert, incident, severity, title, drill } = notice.value;
      if (!alert) continue;
      const first = session.replica.firstAlert(incident ?? notice.key, severity);
      first.then(
        (isFirst) => {
          if (!isFirst) return;
          const what = `${severityText(severity)}：${title}。${actionLine(notice)}`;
          said = drill ? `${t('notice.drill')}。${what}` : what;
          // Browsers refuse it before the first tap, and complain.
          if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(PATTERN_MS);
        },
        () => {
          // The store is closing; the banner is there all the same.
        },
      );
    }
  });
  return {
    get said() {
      return said;
    },
  };
}

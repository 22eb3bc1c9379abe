// SPDX-License-Identifier: Apache-2.0
// Tables by keyboard: arrows walk over the rows' first link or button, Ctrl+Enter sends a form.

/** Svelte action for a <tbody> or list. */
export function walkable(node: HTMLElement): { destroy: () => void } {
  const stops = () => [...node.querySelectorAll<HTMLElement>('[data-stop]')];
  const onkeydown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (!step) return;
    const all = stops();
    const row = (document.activeElement as HTMLElement)?.closest('tr, li');
    const at = all.findIndex((stop) => row?.contains(stop));
    const next = all[at + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  };
  node.addEventListener('keydown', onkeydown);
  return { destroy: () => node.removeEventListener('keydown', onkeydown) };
}

/** Svelte action for a <form>. */
export function sendsWithCtrlEnter(form: HTMLFormElement): { destroy: () => void } {
  const onkeydown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  };
  form.addEventListener('keydown', onkeydown);
  return { destroy: () => form.removeEventListener('keydown', onkeydown) };
}

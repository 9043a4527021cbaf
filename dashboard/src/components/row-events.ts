import type { KeyboardEvent, MouseEvent } from 'react';

const rowOf = (target: EventTarget) => (target as HTMLElement).closest<HTMLElement>('[data-index]');

/**
 * Clicks and keys in a list: checkboxes select, arrows go from row to row, Space selects the row. With Shift, all
 * rows from the last one selected. Space still presses buttons, and scrolls a list without a selection. One listener for all
 * rows, which then need not render for it.
 */
export function rowEvents(
  count: number,
  {
    reveal,
    select,
  }: { reveal: (index: number) => void; select: ((id: string, isRange: boolean) => void) | null },
) {
  function onClick({ target, shiftKey }: MouseEvent<HTMLElement>) {
    const row = target instanceof HTMLInputElement && rowOf(target);
    if (row) select?.(row.dataset.id!, shiftKey);
  }

  function onKeyDown(event: KeyboardEvent<HTMLElement>) {
    const row = rowOf(event.target);
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === ' ' && select && !(event.target as HTMLElement).closest('button, input')) {
      event.preventDefault();
      select(row.dataset.id!, event.shiftKey);
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const next = Number(row.dataset.index) + step;
    if (next < 0 || next >= count) return;
    const list = event.currentTarget;
    const nextRow = () => list.querySelector<HTMLElement>(`[data-index="${next}"]`);
    const target = () => nextRow()?.querySelector<HTMLElement>('a, button:enabled');
    // The key scrolls the page instead.
    if (nextRow() && !target()) return;
    event.preventDefault();
    reveal(next);
    if (target()) target()?.focus({ preventScroll: true });
    else requestAnimationFrame(() => target()?.focus({ preventScroll: true }));
  }

  return { onClick, onKeyDown };
}

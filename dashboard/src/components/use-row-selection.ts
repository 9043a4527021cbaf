import { useState } from 'react';

export interface Selection {
  ids: ReadonlySet<string>;
  onChange: (ids: ReadonlySet<string>) => void;
}

/** Selects or deselects a row by its id; `isRange`: all rows from the last one clicked. Null: rows are not selected. */
export function useRowSelection(ids: () => string[], selection: Selection | undefined) {
  const [anchor, setAnchor] = useState<string | null>(null);
  if (!selection) return null;
  return (id: string, isRange: boolean): void => {
    const chosen = new Set(selection.ids);
    const isOn = !chosen.has(id);
    for (const one of isRange && anchor !== null ? between(ids(), anchor, id) : [id])
      if (isOn) chosen.add(one);
      else chosen.delete(one);
    setAnchor(id);
    selection.onChange(chosen);
  };
}

/** The ids from one to the other, whichever comes first. */
function between(ids: string[], a: string, b: string): string[] {
  const [from, to] = [ids.indexOf(a), ids.indexOf(b)].sort((x, y) => x - y) as [number, number];
  return from === -1 ? [b] : ids.slice(from, to + 1);
}

import { Checkbox, Loader } from '@mantine/core';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useRef, useState, type MouseEvent, type ReactNode } from 'react';
import classes from './row-list.module.css';

export interface Column<Row> {
  header: string;
  cell: (row: Row) => ReactNode;
  /** A track of a CSS grid, such as `120px` or `2fr`. */
  width: string;
  /**
   * Its place on narrow screens: `title` and `side` share the first line (default `line`: those below), `hidden`: left out.
   */
  narrow?: 'title' | 'side' | 'line' | 'hidden';
}

export interface Selection {
  ids: ReadonlySet<string>;
  onChange: (ids: ReadonlySet<string>) => void;
}

interface Props<Row> {
  label: string;
  rows: Row[];
  columns: Column<Row>[];
  idOf: (row: Row) => string;
  /** Fetches the rows after the last; null: there are none. */
  more?: (() => void) | null;
  isLoadingMore?: boolean;
  selection?: Selection;
}

/**
 * A list of any length: only rows in view are in the document. With a `selection`, a click with Shift selects all rows from the
 * last one clicked. The link of a row's first cell covers the whole row (class `rowLink`).
 */
export function RowList<Row>({ label, rows, columns, idOf, more, isLoadingMore, selection }: Props<Row>) {
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [anchor, setAnchor] = useState<string | null>(null);
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0), []);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => 44,
    overscan: 12,
    scrollMargin: top,
    getItemKey: (index) => idOf(rows[index]!),
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (more && !isLoadingMore && last >= rows.length - 20) more();
  }, [more, isLoadingMore, last, rows.length]);

  function select(id: string, event: MouseEvent) {
    if (!selection) return;
    const chosen = new Set(selection.ids);
    const isOn = !chosen.has(id);
    const ids = event.shiftKey && anchor !== null ? between(rows.map(idOf), anchor, id) : [id];
    for (const one of ids)
      if (isOn) chosen.add(one);
      else chosen.delete(one);
    setAnchor(id);
    selection.onChange(chosen);
  }

  const tracks = [...(selection ? ['28px'] : []), ...columns.map(({ width }) => `minmax(0, ${width})`)];
  const style = { '--tracks': tracks.join(' ') } as React.CSSProperties;
  return (
    <div
      role="table"
      aria-label={label}
      aria-rowcount={more ? -1 : rows.length + 1}
      style={style}
      className={classes.list}
    >
      <div role="rowgroup">
        <div role="row" className={classes.head} aria-rowindex={1}>
          {selection && <span role="columnheader" aria-label="Selected" />}
          {columns.map(({ header }) => (
            <span role="columnheader" key={header}>
              {header}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={list} style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {items.map(({ index, key, start }) => {
          const row = rows[index]!;
          const id = idOf(row);
          return (
            <div
              role="row"
              key={key}
              ref={virtual.measureElement}
              data-index={index}
              aria-rowindex={index + 2}
              aria-selected={selection?.ids.has(id)}
              className={classes.row}
              style={{ transform: `translateY(${start - top}px)` }}
            >
              {selection && (
                <span role="cell" className={classes.check}>
                  <Checkbox
                    size="xs"
                    aria-label={`Select ${id}`}
                    checked={selection.ids.has(id)}
                    onClick={(event) => select(id, event)}
                    readOnly
                  />
                </span>
              )}
              {columns.map(({ header, cell, narrow = 'line' }) => (
                <span role="cell" key={header} data-narrow={narrow} className={classes.cell}>
                  {cell(row)}
                </span>
              ))}
            </div>
          );
        })}
      </div>
      {isLoadingMore && (
        <div className={classes.more} role="status" aria-label="Loading more">
          <Loader size="xs" />
        </div>
      )}
    </div>
  );
}

/** The ids from one to the other, whichever comes first. */
function between(ids: string[], a: string, b: string): string[] {
  const [from, to] = [ids.indexOf(a), ids.indexOf(b)].sort((x, y) => x - y) as [number, number];
  return from === -1 ? [b] : ids.slice(from, to + 1);
}

export const rowLink = classes.link;

import { Loader } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type CSSProperties,
  type ReactNode,
} from 'react';
import type { NextPage } from '../api/use-next-page';
import { ListRow } from './list-row';
import { MoreFailed } from './more-failed';
import { rowEvents } from './row-events';
import { useRowSelection, type Selection } from './use-row-selection';
import classes from './row-list.module.css';

export type { Selection };

export interface Column<Row> {
  header: string;
  cell: (row: Row) => ReactNode;
  /** A track of a CSS grid, such as `120px` or `2fr`. */
  width: string;
  /**
   * Its place on narrow screens: `title` and `side` share the first line (default `line`: those below), `hidden`: left out.
   */
  narrow?: 'title' | 'side' | 'line' | 'hidden';
  /** Numbers stand at the right. */
  align?: 'right';
}

export interface RowListProps<Row> {
  label: string;
  /** The same array as long as the rows are the same. */
  rows: Row[];
  /** The same array at each render: else all rows render again while scrolling. */
  columns: readonly Column<Row>[];
  /** The same function at each render, too. */
  idOf: (row: Row) => string;
  /** The rows after the last; null: there are none. */
  more?: NextPage | null;
  isLoadingMore?: boolean;
  selection?: Selection;
}

/** Rows ahead of the last one in view at which the next page is fetched. */
const AHEAD = 150;

/**
 * A list of any length: only rows in view are in the document. With a `selection`, a click with Shift selects all rows from the
 * last one clicked. Arrow keys go from row to row. A `RowLink` in the first cell covers the whole row.
 */
export function RowList<Row>({
  label,
  rows,
  columns,
  idOf,
  more,
  isLoadingMore,
  selection,
}: RowListProps<Row>) {
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const isNarrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: useCallback(() => (isNarrow ? 66 : 44), [isNarrow]),
    overscan: 10,
    scrollMargin: top,
    // A new function makes the list measure all of its rows again.
    getItemKey: useCallback((index: number) => idOf(rows[index]!), [rows, idOf]),
    // Scrolling must not wait for the rows to be rendered.
    useFlushSync: false,
  });
  useLayoutEffect(() => {
    const place = () => setTop(Math.round((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY));
    place();
    // A banner above the list may grow.
    const observer = new ResizeObserver(place);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, []);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (more && !more.hasFailed && !isLoadingMore && last >= rows.length - AHEAD) more.fetch();
  }, [more, isLoadingMore, last, rows.length]);
  const select = useRowSelection(() => rows.map(idOf), selection);
  const events = rowEvents(rows.length, { reveal: (index) => virtual.scrollToIndex(index), select });

  const tracks = [...(selection ? ['20px'] : []), ...columns.map(({ width }) => `minmax(0, ${width})`)];
  return (
    <>
      <div
        role="table"
        aria-label={label}
        aria-rowcount={more ? -1 : rows.length + 1}
        style={{ '--tracks': tracks.join(' ') } as CSSProperties}
        className={classes.list}
      >
        <div role="rowgroup" className={classes.head}>
          <div role="row" className={classes.names} aria-rowindex={1}>
            {selection && <span role="columnheader" aria-label="Selected" />}
            {columns.map(({ header, align }) => (
              <span role="columnheader" key={header} data-align={align} className={classes.name}>
                {header}
              </span>
            ))}
          </div>
        </div>
        <div
          // A group of rows must have one; the first rows come a moment after the list.
          role={items.length > 0 ? 'rowgroup' : undefined}
          ref={list}
          {...events}
          className={classes.rows}
          style={{ height: virtual.getTotalSize() }}
        >
          {items.map(({ index, key, start }) => (
            <ListRow
              key={key}
              row={rows[index]!}
              id={key as string}
              index={index}
              start={start - top}
              columns={columns}
              isSelected={selection?.ids.has(key as string)}
              measure={virtual.measureElement}
            />
          ))}
        </div>
      </div>
      {/* A table may have neither a status nor an alert in it. */}
      {isLoadingMore && (
        <div className={classes.more} role="status" aria-label="Loading more">
          <Loader size="xs" />
        </div>
      )}
      {more?.hasFailed && !isLoadingMore && <MoreFailed again={more.fetch} />}
    </>
  );
}

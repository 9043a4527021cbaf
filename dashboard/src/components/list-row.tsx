import { memo } from 'react';
import type { Column } from './row-list';
import classes from './row-list.module.css';

interface Props<Row> {
  row: Row;
  id: string;
  index: number;
  start: number;
  columns: readonly Column<Row>[];
  /** Undefined: rows of this list are not selected. */
  isSelected: boolean | undefined;
  measure: (element: HTMLElement | null) => void;
}

function PlainRow<Row>({ row, id, index, start, columns, isSelected, measure }: Props<Row>) {
  return (
    <div
      role="row"
      ref={measure}
      data-index={index}
      data-id={id}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      className={classes.row}
      style={{ transform: `translateY(${start}px)` }}
    >
      {isSelected !== undefined && (
        <span role="cell" className={classes.check}>
          <input type="checkbox" aria-label={`Select ${id}`} checked={isSelected} readOnly />
        </span>
      )}
      {columns.map(({ header, cell, narrow = 'line', align }) => (
        <span role="cell" key={header} data-narrow={narrow} data-align={align} className={classes.cell}>
          {cell(row)}
        </span>
      ))}
    </div>
  );
}

/** A row of a `RowList`. Renders again only when its own row, place or selection changes. */
export const ListRow = memo(PlainRow) as typeof PlainRow;

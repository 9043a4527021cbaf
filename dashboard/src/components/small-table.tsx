import type { ReactNode } from 'react';
import classes from './small-table.module.css';

export interface SmallColumn<Row> {
  header: string;
  cell: (row: Row) => ReactNode;
  /** For numbers. */
  isRight?: boolean;
}

/** A table of few rows inside of a page. On narrow screens each row is a block, with the headers beside the values. */
export const SmallTable = <Row,>({
  label,
  rows,
  columns,
  idOf,
}: {
  label: string;
  rows: readonly Row[];
  columns: readonly SmallColumn<Row>[];
  idOf: (row: Row) => string;
}) => (
  <table className={classes.table} aria-label={label}>
    <thead>
      <tr>
        {columns.map(({ header, isRight }) => (
          <th key={header} scope="col" data-right={isRight || undefined}>
            {header}
          </th>
        ))}
      </tr>
    </thead>
    <tbody>
      {rows.map((row) => (
        <tr key={idOf(row)}>
          {columns.map(({ header, cell, isRight }) => {
            const content = cell(row);
            return (
              <td key={header} data-right={isRight || undefined}>
                {content !== null && (
                  <span className={classes.label} aria-hidden>
                    {header}{' '}
                  </span>
                )}
                {content}
              </td>
            );
          })}
        </tr>
      ))}
    </tbody>
  </table>
);

import type { Io } from './io.js';
import { bold, jsonLine, rendered, widthOf, withoutStyle, type Text } from './text.js';

export interface Column<Row> {
  title: string;
  cell: (row: Row) => Text;
}

export type Output = ReturnType<typeof createOutput>;

/** Writes the results of a command: with `--json` one JSON object a line, else text. Errors and remarks go to stderr. */
export function createOutput({ stdout, stderr }: Pick<Io, 'stdout' | 'stderr'>, json: boolean) {
  const line = (...parts: Text[]) => void stdout.write(`${rendered(parts, stdout)}\n`);

  const object = (value: unknown) => void stdout.write(`${jsonLine(value)}\n`);

  /** Columns as wide as their widest cell; the last one ends with its text. */
  function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
    const grid = [
      columns.map(({ title }): Text => bold(title)),
      ...rows.map((row) => columns.map(({ cell }) => cell(row))),
    ];
    // A call takes about 100,000 arguments, so that `Math.max(...)` would fail for a long list.
    const widths = columns.map((_, index) =>
      grid.reduce((width, cells) => Math.max(width, widthOf(cells[index]!)), 0),
    );
    for (const cells of grid)
      line(
        ...cells.flatMap((cell, index) =>
          index === cells.length - 1 ? [cell] : [cell, ' '.repeat(widths[index]! - widthOf(cell) + 2)],
        ),
      );
  }

  return {
    json,
    line,
    table,
    object,
    /** A result: the value as JSON, or what `inWords` writes. */
    result(value: unknown, inWords: () => void): void {
      if (json) object(value);
      else inWords();
    },
    /** A remark that is no result. */
    note(...parts: Text[]): void {
      const text = json ? jsonLine({ note: parts.map(withoutStyle).join('') }) : rendered(parts, stderr);
      stderr.write(`${text}\n`);
    },
  };
}

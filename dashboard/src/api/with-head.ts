export interface Page<Row> {
  data: Row[];
  next_cursor: string | null;
}

export interface Identified {
  id: string;
}

/**
 * Pages of a list, newest first by id, with their newest part as it is now. Rows that stayed the same stay the same
 * objects. The head alone where rows between it and the pages may be missing.
 */
export function withHead<Row extends Identified>(pages: Page<Row>[], head: Page<Row>): Page<Row>[] {
  const oldest = head.data.at(-1);
  if (isGap(pages, head) || head.next_cursor === null || !oldest) return [head];
  const known = new Map<string, Row>();
  const older = pages.map((page) => {
    if (!page.data[0] || page.data[0].id < oldest.id) return page;
    for (const row of page.data) known.set(row.id, row);
    return { ...page, data: page.data.filter(({ id }) => id < oldest.id) };
  });
  const [first, ...rest] = older as [Page<Row>, ...Page<Row>[]];
  const newest = head.data.map((row) => unchanged(known.get(row.id), row));
  return [{ ...first, data: [...newest, ...first.data] }, ...rest];
}

/** Pages with the one after `cursor`; unchanged where they no longer end there, because a head took their place. */
export const withNext = <Row>(pages: Page<Row>[], cursor: string, next: Page<Row>): Page<Row>[] =>
  pages.at(-1)?.next_cursor === cursor ? [...pages, next] : pages;

/** How many rows of the head are newer than all of the pages. */
export function countNew<Row extends Identified>(pages: Page<Row>[], { data }: Page<Row>): number {
  const newest = newestOf(pages);
  return newest === undefined ? data.length : data.filter(({ id }) => id > newest).length;
}

/** Whether more rows came than the head has. */
export function isGap<Row extends Identified>(pages: Page<Row>[], { data, next_cursor }: Page<Row>): boolean {
  const newest = newestOf(pages);
  return next_cursor !== null && newest !== undefined && data.every(({ id }) => id > newest);
}

const newestOf = (pages: Page<Identified>[]) => pages.find(({ data }) => data.length > 0)?.data[0]?.id;

const unchanged = <Row>(before: Row | undefined, now: Row): Row =>
  before !== undefined && JSON.stringify(before) === JSON.stringify(now) ? before : now;

import { expect, test } from 'vitest';
import { countNew, isGap, withHead, withNext, type Page } from '../../dashboard/src/api/with-head.js';

interface Row {
  id: string;
  status: string;
}

/** Rows of the letters, newest first: a later letter is a newer row. */
const page = (letters: string, next_cursor: string | null, status = 'PENDING'): Page<Row> => ({
  data: [...letters].map((id) => ({ id, status })),
  next_cursor,
});
const shown = (pages: Page<Row>[]) => pages.map(({ data }) => data.map(({ id }) => id).join(''));

test('new rows of the head come before those that are shown', () => {
  const pages = withHead([page('fed', 'd'), page('cba', null)], page('hgfe', 'e'));
  expect(shown(pages)).toEqual(['hgfed', 'cba']);
  expect(pages.map(({ next_cursor }) => next_cursor)).toEqual(['d', null]);
});

test('rows that left the head, because they no longer match a filter, leave the list', () => {
  expect(shown(withHead([page('fedcb', 'b')], page('gec', 'c')))).toEqual(['gecb']);
});

test('rows that did not change stay the same objects, others are as in the head', () => {
  const before = page('cba', 'a');
  const head = page('dcb', 'b');
  head.data[1]!.status = 'DELIVERED';
  const [first] = withHead([before], head);
  expect(first!.data[1]).toBe(head.data[1]);
  expect(first!.data[2]).toBe(before.data[1]);
});

test('the head alone is shown where rows between it and the pages may be missing', () => {
  const [pages, head] = [[page('cb', 'b'), page('a', null)], page('zy', 'y')];
  expect(isGap(pages, head)).toBe(true);
  expect(withHead(pages, head)).toEqual([head]);
});

test('a head that is the whole list is all that is shown', () => {
  expect(shown(withHead([page('cb', 'b'), page('a', null)], page('c', null)))).toEqual(['c']);
});

test('rows that are newer than all pages are counted', () => {
  expect(countNew([page('', 'x'), page('cb', 'b')], page('edcb', 'b'))).toBe(2);
  expect(countNew([page('', null)], page('ba', null))).toBe(2);
});

test('a next page keeps the rows that came in while it was read', () => {
  const live = withHead([page('dc', 'c')], page('fed', 'd'));
  expect(shown(withNext(live, 'c', page('ba', null)))).toEqual(['fedc', 'ba']);
});

test('a next page is dropped where the pages before it have given way to a head', () => {
  const [head] = withHead([page('dc', 'c')], page('zy', 'y'));
  expect(withNext([head!], 'c', page('ba', null))).toEqual([head]);
});

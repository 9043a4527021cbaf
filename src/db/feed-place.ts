/** A position in a feed: after the row `id` of the transaction `xid`. */
export interface FeedPlace {
  xid: string;
  id: string;
}

export const FEED_START: FeedPlace = { xid: '0', id: '' };

/** The position behind a page; it never has the id of a row that another tenant may own, unless one transaction fills pages. */
export function nextPlace(
  {
    shown,
    hasMoreFound,
    last,
    below,
  }: {
    shown: FeedPlace[];
    /** Rows that belong to the page did not fit into it. */
    hasMoreFound: boolean;
    /** The last row that was looked at; null: all were, up to the transaction `below`. */
    last: FeedPlace | null;
    below: string;
  },
  after: FeedPlace,
): FeedPlace {
  const lastShown = shown.at(-1);
  if (hasMoreFound) return lastShown!;
  // Nothing can be inserted by a transaction that the feed has reached.
  if (last === null) return { xid: below, id: '' };
  if (lastShown?.xid === last.xid) return lastShown;
  // The rows of the last transaction are looked at again, unless it alone has more than one page looks at.
  return last.xid === after.xid ? last : { xid: last.xid, id: '' };
}

const MAX_XID = 2n ** 64n - 1n;

export const encodePlace = ({ xid, id }: FeedPlace) => Buffer.from(`${xid} ${id}`).toString('base64url');

/** Null if the text is not a cursor of a feed with such ids. */
export function decodePlace(cursor: string, isOwnId: (id: string) => boolean): FeedPlace | null {
  const [, xid, id] = /^(\d{1,20}) (.*)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (xid === undefined || id === undefined || BigInt(xid) > MAX_XID) return null;
  return id === '' || isOwnId(id) ? { xid, id } : null;
}

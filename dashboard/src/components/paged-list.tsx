import type { ReactNode } from 'react';
import type { usePages } from '../api/use-pages';
import { AsOf } from './as-of';
import { LoadError } from './loaded';
import { RowList, type RowListProps } from './row-list';
import { RowsPending } from './rows-pending';

type List<Row> = Pick<
  ReturnType<typeof usePages<Row>>,
  'rows' | 'more' | 'isLoadingMore' | 'isPending' | 'error' | 'stale' | 'refetch'
>;

interface Props<Row> extends Omit<RowListProps<Row>, 'rows' | 'more' | 'isLoadingMore'> {
  list: List<Row>;
  /** In place of the list where it has no rows. */
  empty: ReactNode;
}

/** A `RowList` of the API: while it loads, where it could not be read, where it is empty, and with its rows. */
export function PagedList<Row>({ list, empty, ...props }: Props<Row>) {
  const { rows, more, isLoadingMore, isPending, error, stale, refetch } = list;
  if (error) return <LoadError error={error} again={refetch} />;
  if (isPending) return <RowsPending />;
  return (
    <>
      {stale && <AsOf {...stale} />}
      {rows.length === 0 ? (
        empty
      ) : (
        <RowList {...props} rows={rows} more={more} isLoadingMore={isLoadingMore} />
      )}
    </>
  );
}

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { TimeAgo } from '../../components/time-ago';
import classes from './row-figures.module.css';
import { heldWords, lastSuccess } from './held';
import { someDeliveriesQuery } from './queries';

/** Asked for rows in view only: counts of all endpoints would cost as much as the list. */
export function HeldCount({ id }: { id: string }) {
  const { data: held } = useQuery(someDeliveriesQuery(id, 'HELD', 100));
  if (!held) return null;
  if (held.data.length === 0) return <span className={classes.none}>0</span>;
  return (
    <Link
      to="/deliveries"
      search={{ endpoint_id: id, status: 'HELD' }}
      className={classes.link}
      aria-label={`${heldWords(held)} held deliveries`}
    >
      {heldWords(held)}
    </Link>
  );
}

export function LastSuccess({ id }: { id: string }) {
  const { data: delivered } = useQuery(someDeliveriesQuery(id, 'DELIVERED', 1));
  if (!delivered) return null;
  const at = lastSuccess(delivered);
  return at ? <TimeAgo at={at} /> : <span className={classes.none}>none yet</span>;
}

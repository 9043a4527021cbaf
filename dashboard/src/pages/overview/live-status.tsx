import { Group, Text } from '@mantine/core';
import { useSession } from '../../app/session';
import { useViewedTenant } from '../../app/view-as';
import { clock } from '../../lib/format';
import { useLive } from '../../live/use-live';
import classes from './overview.module.css';

/** Whether the figures are those of now, in words. */
export function LiveStatus() {
  const { status, points } = useLive();
  const session = useSession();
  const viewed = useViewedTenant();
  const tenant = session.tenant ?? viewed;
  const last = points.at(-1);
  const words = {
    connecting: 'Connecting to the live figures…',
    live: `Live, every 2 seconds${tenant === undefined ? '' : `, of the tenant ${tenant}`}`,
    reconnecting: `Reconnecting… ${last ? `The live figures are those of ${clock(new Date(last.at))}.` : ''}`,
  };
  return (
    <Group gap={6} role="status" aria-label="Live figures">
      <span className={classes.dot} data-state={status === 'live' ? 'ok' : 'fault'} aria-hidden />
      <Text inherit span>
        {words[status]}
      </Text>
    </Group>
  );
}

import { Text } from '@mantine/core';
import { api, data } from '../../api/client';
import { retryOpenDelivery } from '../../api/deliveries';
import type { Issue } from '../../api/types';
import { ConfirmButton } from '../../components/confirm';
import { count } from '../../lib/format';
import { useEach } from '../deliveries/use-each';

/** A page of the list of deliveries: each retry is a request. */
const AT_MOST = 250;

/** Makes the next attempt now of the deliveries of an issue that wait for it, the newest first. */
export function RetryWaiting({
  issue: { endpoint_id, classification, retrying_count: all },
}: {
  issue: Issue;
}) {
  const retry = useEach(retryOpenDelivery, 'retried now');
  const query = { status: 'IN_PROGRESS', endpoint_id, classification, limit: AT_MOST } as const;
  const label =
    all > AT_MOST
      ? `Retry ${AT_MOST} of the ${count(all)} waiting now`
      : `Retry the ${count(all)} waiting now`;
  return (
    <ConfirmButton
      label={label}
      title="Retry without waiting?"
      size="xs"
      action={async () => {
        const { data: waiting } = await data(api.GET('/v1/deliveries', { params: { query } }));
        await retry.mutateAsync(waiting.map(({ id }) => id));
      }}
    >
      <Text size="sm">
        The next attempt of each is made at once. Where it fails, the delivery goes on with the rest of its
        schedule. Do it once the endpoint is mended: each attempt counts.
      </Text>
    </ConfirmButton>
  );
}

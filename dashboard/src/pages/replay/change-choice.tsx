import { Anchor, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, data } from '../../api/client';
import type { Batch } from '../../api/types';
import { setChosen } from './chosen';
import type { NewReplaySearch } from './search';

/** Back to the form with the choice of a dry run, also where its deliveries were picked by hand. */
export function ChangeChoice({ batch: { id, selection } }: { batch: Batch }) {
  const navigate = useNavigate();
  const change = useMutation({
    mutationFn: async () => {
      if ('delivery_id_count' in selection) setChosen(await readPicked(id));
      await navigate({ to: '/replay/new', search: asSearch(selection) });
    },
  });
  return (
    <Text size="sm">
      <Anchor
        component="button"
        type="button"
        inherit
        disabled={change.isPending}
        onClick={() => change.mutate()}
      >
        Change the choice
      </Anchor>
    </Text>
  );
}

/** The ids are not in the answer for a batch, because they may be thousands: its items have them. */
async function readPicked(id: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined; ;) {
    const query = { limit: 250, cursor };
    const page = await data(api.GET('/v1/batches/{id}/items', { params: { path: { id }, query } }));
    ids.push(...page.data.flatMap(({ source_delivery_id }) => source_delivery_id ?? []));
    if (page.next_cursor === null) return [...new Set(ids)];
    cursor = page.next_cursor;
  }
}

/** The choice as the form of a new replay takes it. */
function asSearch(selection: Batch['selection']): NewReplaySearch {
  const include_delivered = selection.include_delivered || undefined;
  if ('missing' in selection) return { ...selection.missing, missing: true };
  if (!('filter' in selection)) return { include_delivered };
  const { status, ...filter } = selection.filter;
  return { ...filter, include_delivered, status: status.length === 1 ? status[0] : undefined };
}

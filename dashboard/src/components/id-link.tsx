import { Anchor, Group } from '@mantine/core';
import { pageOfId } from '../app/page-of-id';
import { CopyIcon } from './copied';
import { PlainLink } from './row-link';

/** An id that leads to the page of its object, and can be copied. */
export function IdLink({ id }: { id: string }) {
  const to = pageOfId(id);
  return (
    <Group gap={2} wrap="nowrap" display="inline-flex" maw="100%">
      {to ? (
        <Anchor component={PlainLink} to={to} ff="monospace" fz={11}>
          {id}
        </Anchor>
      ) : (
        id
      )}
      <CopyIcon text={id} what="Copy the id" />
    </Group>
  );
}

import { Button, Group, Paper, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { cancelDelivery, retryOpenDelivery } from '../../api/deliveries';
import type { Delivery } from '../../api/types';
import { ConfirmButton } from '../../components/confirm';
import { isOpen } from '../../../../src/domain/delivery';
import { count } from '../../lib/format';
import { setChosen } from '../replay/chosen';
import classes from './selection-bar.module.css';
import { useEach } from './use-each';

/** The actions on the selected deliveries. */
export function SelectionBar({ selected, onClear }: { selected: Delivery[]; onClear: () => void }) {
  const navigate = useNavigate();
  const retry = useEach(retryOpenDelivery, 'retried now');
  const cancel = useEach((id) => cancelDelivery(id), 'cancelled');
  if (selected.length === 0) return null;
  const open = selected.filter((one) => isOpen(one)).map(({ id }) => id);
  const replay = () => {
    setChosen(selected.map(({ id }) => id));
    void navigate({ to: '/replay/new' });
  };
  return (
    <Paper
      withBorder
      shadow="md"
      p="xs"
      className={classes.bar}
      role="region"
      aria-label="Selected deliveries"
    >
      <Group gap="xs" justify="space-between">
        <Text size="sm" fw={600} role="status">
          {count(selected.length)} selected
        </Text>
        <Group gap="xs">
          {open.length > 0 && (
            <>
              <Button
                variant="default"
                size="xs"
                loading={retry.isPending}
                onClick={() => retry.mutate(open)}
              >
                Retry now ({count(open.length)})
              </Button>
              <ConfirmButton
                label={`Cancel (${count(open.length)})`}
                title="Cancel these deliveries?"
                size="xs"
                color="red"
                action={() => cancel.mutateAsync(open)}
              >
                <Text size="sm">
                  {count(open.length)} of the selected deliveries are open. Nothing more is sent for them; an
                  attempt under way ends by itself. They can be replayed later.
                </Text>
              </ConfirmButton>
            </>
          )}
          <Button size="xs" onClick={replay}>
            Replay ({count(selected.length)})…
          </Button>
          <Button variant="subtle" color="gray" size="xs" onClick={onClear}>
            Clear selection
          </Button>
        </Group>
      </Group>
    </Paper>
  );
}

import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlayerPauseFilled } from '@tabler/icons-react';
import type { ControlScope } from '../api/control';
import { PauseForm } from './pause-form';

const labelOf = ({ scope }: ControlScope) => (scope === 'all' ? 'Pause everything' : 'Pause this tenant');

/** The kill switch: stops sending, for everything or for a tenant, after a reason was given in a dialog. */
export function PauseButton({ scope }: { scope: ControlScope }) {
  const [isOpen, { open, close }] = useDisclosure();
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconPlayerPauseFilled size={16} aria-hidden color="var(--mantine-color-red-text)" />}
        onClick={open}
      >
        {labelOf(scope)}
      </Button>
      <PauseDialog scope={scope} isOpen={isOpen} close={close} />
    </>
  );
}

export const PauseDialog = ({
  scope,
  isOpen,
  close,
}: {
  scope: ControlScope;
  isOpen: boolean;
  close: () => void;
}) => (
  <Modal opened={isOpen} onClose={close} title={labelOf(scope)} centered>
    <PauseForm scope={scope} label={labelOf(scope)} close={close} />
  </Modal>
);

import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlayerPauseFilled } from '@tabler/icons-react';
import type { ControlScope } from '../api/control';
import { PauseForm } from './pause-form';

/** The kill switch: stops sending, for everything or for a tenant, after a reason was given in a dialog. */
export function PauseButton({ scope }: { scope: ControlScope }) {
  const [isOpen, { open, close }] = useDisclosure();
  const label = scope.scope === 'all' ? 'Pause everything' : 'Pause this tenant';
  return (
    <>
      <Button color="red" leftSection={<IconPlayerPauseFilled size={16} aria-hidden />} onClick={open}>
        {label}
      </Button>
      <Modal opened={isOpen} onClose={close} title={label} centered>
        <PauseForm scope={scope} label={label} close={close} />
      </Modal>
    </>
  );
}

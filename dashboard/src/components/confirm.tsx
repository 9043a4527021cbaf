import { Button, Group, Modal, Stack, type ButtonProps } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';

interface Confirmation {
  label: string;
  title: string;
  children: ReactNode;
  /** Rejects: the dialog stays open. */
  action: () => Promise<unknown>;
  disabled?: boolean;
  color?: ButtonProps['color'];
}

/** A button whose action is confirmed in a dialog first, which says what will happen. */
export function ConfirmButton({
  label,
  title,
  children,
  action,
  disabled,
  ...button
}: Confirmation & ButtonProps) {
  const [isOpen, { open, close }] = useDisclosure();
  const asked = { label, title, action, disabled, color: button.color };
  return (
    <>
      <Button variant="default" {...button} onClick={open}>
        {label}
      </Button>
      <ConfirmDialog isOpen={isOpen} close={close} {...asked}>
        {children}
      </ConfirmDialog>
    </>
  );
}

export function ConfirmDialog({
  isOpen,
  close,
  label,
  title,
  children,
  action,
  disabled,
  color,
}: Confirmation & { isOpen: boolean; close: () => void }) {
  const [isBusy, busy] = useDisclosure();
  const confirm = () => {
    busy.open();
    action()
      .then(close, () => {})
      .finally(busy.close);
  };
  return (
    <Modal opened={isOpen} onClose={close} title={title} centered>
      <Stack>
        {children}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Back
          </Button>
          <Button color={color} loading={isBusy} disabled={disabled} onClick={confirm}>
            {label}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

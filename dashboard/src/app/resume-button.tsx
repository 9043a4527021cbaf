import { Button, TextInput, type ButtonProps } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import type { ControlScope } from '../api/control';
import { ConfirmDialog } from '../components/confirm';
import { ResumeWords } from './resume-words';
import { useResume } from './use-control';

const labelOf = (scope: ControlScope) =>
  scope.scope === 'all' ? 'Resume everything' : `Resume ${scope.tenant}`;

/** Sends again, for everything or for a tenant, after a dialog that says how fast. */
export function ResumeButton({ scope, ...button }: { scope: ControlScope } & ButtonProps) {
  const [isOpen, { open, close }] = useDisclosure();
  return (
    <>
      <Button variant="default" {...button} onClick={open}>
        {labelOf(scope)}
      </Button>
      <ResumeDialog scope={scope} isOpen={isOpen} close={close} />
    </>
  );
}

export function ResumeDialog({
  scope,
  ...dialog
}: {
  scope: ControlScope;
  isOpen: boolean;
  close: () => void;
}) {
  const resume = useResume();
  const [reason, setReason] = useState('');
  const label = labelOf(scope);
  return (
    <ConfirmDialog
      label={label}
      title={label}
      action={() => resume.mutateAsync({ ...scope, ...(reason.trim() && { reason: reason.trim() }) })}
      {...dialog}
    >
      <ResumeWords scope={scope.scope} />
      <TextInput
        label="Note"
        description="Optional. It is kept in the audit."
        maxLength={500}
        value={reason}
        onChange={({ currentTarget }) => setReason(currentTarget.value)}
      />
    </ConfirmDialog>
  );
}

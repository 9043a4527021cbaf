import { TextInput, type ButtonProps } from '@mantine/core';
import { useState } from 'react';
import type { ControlScope } from '../api/control';
import { ConfirmButton } from '../components/confirm';
import { ResumeWords } from './resume-words';
import { useResume } from './use-control';

/** Sends again, for everything or for a tenant, after a dialog that says how fast. */
export function ResumeButton({ scope, ...button }: { scope: ControlScope } & ButtonProps) {
  const resume = useResume();
  const [reason, setReason] = useState('');
  const label = scope.scope === 'all' ? 'Resume everything' : `Resume ${scope.tenant}`;
  return (
    <ConfirmButton
      label={label}
      title={label}
      action={() => resume.mutateAsync({ ...scope, ...(reason.trim() && { reason: reason.trim() }) })}
      {...button}
    >
      <ResumeWords scope={scope.scope} />
      <TextInput
        label="Note"
        description="Optional. It is kept in the audit."
        maxLength={500}
        value={reason}
        onChange={({ currentTarget }) => setReason(currentTarget.value)}
      />
    </ConfirmButton>
  );
}

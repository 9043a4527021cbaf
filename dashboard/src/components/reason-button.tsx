import { Text, TextInput, type ButtonProps } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useIsPortal } from '../api/api-context';
import { ConfirmButton } from './confirm';

/** A button that asks for a reason first, which is kept in the audit. */
export function ReasonButton({
  label,
  title,
  children,
  isRequired = false,
  action,
  ...button
}: {
  label: string;
  title: string;
  /** The effect of the action, in words. */
  children: ReactNode;
  isRequired?: boolean;
  action: (reason: string | undefined) => Promise<unknown>;
} & ButtonProps) {
  const kept = useIsPortal() ? '' : ' Kept in the audit.';
  const [reason, setReason] = useState('');
  const given = reason.trim() || undefined;
  return (
    <ConfirmButton
      label={label}
      title={title}
      action={() => action(given).then(() => setReason(''))}
      disabled={isRequired && given === undefined}
      {...button}
    >
      <Text size="sm" component="div">
        {children}
      </Text>
      <TextInput
        label="Reason"
        description={isRequired ? 'Shown to whoever wonders, and kept in the audit.' : `Optional.${kept}`}
        required={isRequired}
        value={reason}
        onChange={({ currentTarget }) => setReason(currentTarget.value)}
        maxLength={500}
        data-autofocus
      />
    </ConfirmButton>
  );
}

import { Text, TextInput, type ButtonProps } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { ConfirmButton } from './confirm';

/** A button for what cannot be undone: a word is typed first. */
export function TypedConfirm({
  label,
  title,
  word,
  children,
  action,
  ...button
}: {
  label: string;
  title: string;
  /** The text to type. */
  word: string;
  children: ReactNode;
  action: () => Promise<unknown>;
} & ButtonProps) {
  const [typed, setTyped] = useState('');
  return (
    <ConfirmButton
      label={label}
      title={title}
      color="red"
      action={action}
      disabled={typed.trim() !== word}
      {...button}
    >
      <Text size="sm" component="div">
        {children}
      </Text>
      <TextInput
        label={`Type ${word} to confirm`}
        value={typed}
        onChange={({ currentTarget }) => setTyped(currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
    </ConfirmButton>
  );
}

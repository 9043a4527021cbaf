import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useState } from 'react';

/** The name above a filter. */
export const LABEL = { fz: 'xs', fw: 500, c: 'dimmed' };

/** A filter that is typed. Takes effect when typing pauses. */
export function FilterText({
  label,
  hint,
  width,
  minLength = 1,
  value,
  onChange,
}: {
  label: string;
  hint: string;
  width: number;
  minLength?: number;
  value: string;
  onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  const [shown, setShown] = useState(value);
  // The URL has changed otherwise: by "Clear", or the browser's "Back".
  if (shown !== value) {
    setShown(value);
    // Text typed meanwhile stays: the URL follows it.
    if (typed.trim() !== value) setTyped(value);
  }
  const [hasRested, setRested] = useState(false);
  const text = typed.trim();
  const isShort = text !== '' && text.length < minLength;
  const change = useDebouncedCallback(() => {
    setRested(true);
    if (!isShort) onChange(text);
  }, 300);
  return (
    <TextInput
      label={label}
      labelProps={LABEL}
      placeholder={hint}
      value={typed}
      error={hasRested && isShort && hint}
      // Above the field, which stays in line with the others.
      inputWrapperOrder={['label', 'error', 'input']}
      onChange={({ currentTarget }) => {
        setTyped(currentTarget.value);
        setRested(false);
        change();
      }}
      w={width}
      maw="100%"
      size="sm"
    />
  );
}

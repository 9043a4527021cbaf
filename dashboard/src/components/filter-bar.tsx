import { Button, Group, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconX } from '@tabler/icons-react';
import { useState } from 'react';

export interface Filter<Name extends string> {
  name: Name;
  label: string;
  /** Without options: free text. */
  options?: { value: string; label: string }[];
  width?: number;
}

/** Filters of a list; their values are in the URL. */
export function FilterBar<Name extends string>({
  filters,
  values,
  onChange,
}: {
  filters: readonly Filter<Name>[];
  values: Partial<Record<Name, string>>;
  onChange: (changed: Partial<Record<Name, string | undefined>>) => void;
}) {
  const isSet = filters.some(({ name }) => values[name] !== undefined);
  const one = (name: Name, value: string | null) =>
    onChange({ [name]: value || undefined } as Partial<Record<Name, string>>);
  return (
    <Group component="search" gap="xs" mb="sm">
      {filters.map(({ name, label, options, width = 180 }) =>
        options ? (
          <Select
            key={name}
            aria-label={label}
            placeholder={label}
            data={options}
            value={values[name] ?? null}
            onChange={(value) => one(name, value)}
            clearable
            searchable={options.length > 8}
            w={width}
            size="sm"
          />
        ) : (
          <FilterText
            key={name}
            label={label}
            width={width}
            value={values[name] ?? ''}
            onChange={(value) => one(name, value)}
          />
        ),
      )}
      {isSet && (
        <Button
          variant="subtle"
          color="gray"
          size="sm"
          leftSection={<IconX size={14} />}
          onClick={() =>
            onChange(
              Object.fromEntries(filters.map(({ name }) => [name, undefined])) as Partial<
                Record<Name, undefined>
              >,
            )
          }
        >
          Clear
        </Button>
      )}
    </Group>
  );
}

/** Takes effect when typing pauses. */
function FilterText({
  label,
  width,
  value,
  onChange,
}: {
  label: string;
  width: number;
  value: string;
  onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  const [shown, setShown] = useState(value);
  // The URL has changed otherwise: by "Clear", or the browser's "Back".
  if (shown !== value) {
    setShown(value);
    setTyped(value);
  }
  const change = useDebouncedCallback(onChange, 300);
  return (
    <TextInput
      aria-label={label}
      placeholder={label}
      value={typed}
      onChange={({ currentTarget }) => {
        setTyped(currentTarget.value);
        change(currentTarget.value.trim());
      }}
      w={width}
      size="sm"
    />
  );
}

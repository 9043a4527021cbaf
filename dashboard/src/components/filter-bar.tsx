import { Button, Group, Select } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { IconFilter, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { FilterText, LABEL } from './filter-text';
import { FilterTime } from './filter-time';

export interface Filter<Name extends string> {
  name: Name;
  label: string;
  /** Without options: free text. */
  options?: readonly { value: string; label: string }[];
  /** An example of the free text, or the option that holds without one. */
  hint?: string;
  width?: number;
  /** Free text with fewer characters has no effect; the field then shows the hint. */
  minLength?: number;
  /** Only shown when set, or asked for. */
  isRare?: boolean;
}

type Values<Name extends string> = Partial<Record<Name, string | undefined>>;

/** Filters of a list; their values are in the URL. `time`: also the fields `from` and `to`, of which `resolved` makes times. */
export function FilterBar<Name extends string>({
  filters,
  values,
  onChange,
  time,
  children,
}: {
  filters: readonly Filter<Name>[];
  values: Values<Name> & { from?: string; to?: string };
  onChange: (changed: Values<Name> & { from?: string; to?: string }) => void;
  /** The name of the time, such as `Accepted`. */
  time?: string;
  /** Before the filters. */
  children?: ReactNode;
}) {
  const names = [...filters.map(({ name }) => name), ...(time ? (['from', 'to'] as const) : [])];
  const isSet = names.some((name) => values[name] !== undefined);
  // On narrow screens the filters would fill the first page: those that are not set are behind a button.
  const isNarrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const [isOpen, { toggle }] = useDisclosure();
  const isShown = ({ name, isRare }: Filter<Name>) =>
    isOpen || values[name] !== undefined || (!isNarrow && !isRare);
  const isTimeSet = values.from !== undefined || values.to !== undefined;
  const hidden = isNarrow || filters.some((filter) => filter.isRare);
  const change = (changed: object) => onChange(changed);
  return (
    <Group component="search" gap="xs" mb="sm" align="flex-end">
      {children}
      {filters
        .filter(isShown)
        .map(({ name, label, options, hint = 'Any', width = 180, minLength }) =>
          options ? (
            <Select
              key={name}
              label={label}
              labelProps={LABEL}
              placeholder={hint}
              data={options}
              value={values[name] ?? null}
              onChange={(value) => change({ [name]: value ?? undefined })}
              clearable
              searchable={options.length > 8}
              w={width}
              maw="100%"
              size="sm"
            />
          ) : (
            <FilterText
              key={name}
              label={label}
              hint={hint}
              width={width}
              minLength={minLength}
              value={values[name] ?? ''}
              onChange={(value) => change({ [name]: value || undefined })}
            />
          ),
        )}
      {time && (isOpen || isTimeSet || !isNarrow) && (
        <FilterTime label={time} value={values} onChange={change} />
      )}
      {hidden && (
        <Button
          variant="subtle"
          color="gray"
          size="sm"
          leftSection={<IconFilter size={14} />}
          aria-expanded={isOpen}
          onClick={toggle}
        >
          {isOpen ? 'Fewer filters' : isNarrow ? 'Filters' : 'More filters'}
        </Button>
      )}
      {isSet && (
        <Button
          variant="subtle"
          color="gray"
          size="sm"
          leftSection={<IconX size={14} />}
          onClick={() => change(Object.fromEntries(names.map((name) => [name, undefined])))}
        >
          Clear
        </Button>
      )}
    </Group>
  );
}

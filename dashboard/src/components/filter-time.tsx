import { Button, Group, Popover, Select, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { dateTime } from '../lib/format';
import { LABEL } from './filter-text';
import { localTime } from '../lib/local-time';
import { isQuick, QUICK_RANGES } from '../lib/time-range';

interface Range {
  from?: string;
  to?: string;
}

const CUSTOM = 'custom';

/** A range of time: one that ends now, or two times. `resolved` makes of it what the API takes. */
export function FilterTime({
  label,
  value,
  onChange,
}: {
  label: string;
  value: Range;
  onChange: (range: Range) => void;
}) {
  const [isOpen, setOpen] = useState(false);
  const isCustom = !isQuick(value.from) && (value.from !== undefined || value.to !== undefined);
  const options = [
    ...Object.entries(QUICK_RANGES).map(([range, label]) => ({ value: range, label })),
    { value: CUSTOM, label: isCustom ? inWords(value) : 'From … to …' },
  ];
  const choose = (range: string | null) => {
    if (range === CUSTOM) setOpen(true);
    else onChange({ from: range ?? undefined, to: undefined });
  };
  return (
    <Popover opened={isOpen} onChange={setOpen} trapFocus withinPortal position="bottom-start">
      <Popover.Target>
        <Select
          label={label}
          labelProps={LABEL}
          placeholder="Any"
          data={options}
          value={isCustom ? CUSTOM : (value.from ?? null)}
          onChange={choose}
          // Chosen again, it opens its dialog again.
          allowDeselect={false}
          onOptionSubmit={(range) => range === CUSTOM && setOpen(true)}
          clearable
          w={isCustom ? 280 : 160}
          maw="100%"
          size="sm"
        />
      </Popover.Target>
      <Popover.Dropdown>
        <Custom
          value={value}
          onApply={(range) => {
            setOpen(false);
            onChange(range);
          }}
        />
      </Popover.Dropdown>
    </Popover>
  );
}

function Custom({ value, onApply }: { value: Range; onApply: (range: Range) => void }) {
  const [from, setFrom] = useState(isQuick(value.from) ? '' : localTime(value.from));
  const [to, setTo] = useState(localTime(value.to));
  const isBackward = from !== '' && to !== '' && from >= to;
  return (
    <Stack
      component="form"
      gap="xs"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBackward) onApply({ from: utc(from), to: utc(to) });
      }}
    >
      <TextInput
        type="datetime-local"
        step={1}
        label="From"
        value={from}
        onChange={(e) => setFrom(e.currentTarget.value)}
      />
      <TextInput
        type="datetime-local"
        step={1}
        label="To"
        value={to}
        onChange={(e) => setTo(e.currentTarget.value)}
        error={isBackward && 'Must be later than the first time.'}
      />
      <Group justify="flex-end">
        <Button type="submit" size="xs">
          Show
        </Button>
      </Group>
    </Stack>
  );
}

const inWords = ({ from, to }: Range) =>
  [from && `from ${shown(from)}`, to && `to ${shown(to)}`].filter(Boolean).join(' ');

/** An address typed by hand may have anything; the API then says what is wrong. */
const shown = (text: string) => (Number.isNaN(Date.parse(text)) ? text : dateTime(text));

const utc = (local: string) => (local === '' ? undefined : new Date(local).toISOString());

import { ActionIcon, Button, Group, Input, Stack, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';

export interface Pair {
  name: string;
  value: string;
}

export const pairsOf = (record: Record<string, string>): Pair[] =>
  Object.entries(record).map(([name, value]) => ({ name, value }));

/** Pairs without a name and a value are left out. */
export const recordOf = (pairs: Pair[]): Record<string, string> =>
  Object.fromEntries(
    pairs.filter(({ name, value }) => name || value).map(({ name, value }) => [name.trim(), value]),
  );

/** Names with values, such as headers. */
export function PairsInput({
  label,
  one,
  description,
  value = [],
  onChange,
  error,
}: {
  label: string;
  /** Such as `header`. */
  one: string;
  description?: string;
  value?: Pair[];
  onChange: (value: Pair[]) => void;
  error?: React.ReactNode;
}) {
  const change = (at: number, part: Partial<Pair>) =>
    onChange(value.map((pair, i) => (i === at ? { ...pair, ...part } : pair)));
  return (
    <Input.Wrapper
      label={label}
      description={description}
      error={error}
      labelElement="div"
      role="group"
      aria-label={label}
    >
      <Stack gap={6} mt={6}>
        {value.map((pair, i) => (
          <Group key={i} gap={6} wrap="nowrap">
            <TextInput
              aria-label={`Name of ${one} ${i + 1}`}
              placeholder="Name"
              value={pair.name}
              onChange={({ currentTarget }) => change(i, { name: currentTarget.value })}
              flex={2}
              miw={0}
            />
            <TextInput
              aria-label={`Value of ${one} ${i + 1}`}
              placeholder="Value"
              value={pair.value}
              onChange={({ currentTarget }) => change(i, { value: currentTarget.value })}
              flex={3}
              miw={0}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove ${one} ${i + 1}`}
              onClick={() => onChange(value.filter((_, other) => other !== i))}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        ))}
        <Group>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconPlus size={14} />}
            onClick={() => onChange([...value, { name: '', value: '' }])}
          >
            Add {one}
          </Button>
        </Group>
      </Stack>
    </Input.Wrapper>
  );
}

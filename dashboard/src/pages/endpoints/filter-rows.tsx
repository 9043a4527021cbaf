import { ActionIcon, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { OPERATOR_WORDS, valueOf, type FilterRow } from './filter-draft';
import classes from './filter-rows.module.css';

const OPERATORS = Object.entries(OPERATOR_WORDS).map(([value, label]) => ({ value, label }));
const YES_NO = [
  { value: 'true', label: 'yes' },
  { value: 'false', label: 'no' },
];

/** Conditions, all of which must hold. */
export function FilterRows({ rows, onChange }: { rows: FilterRow[]; onChange: (rows: FilterRow[]) => void }) {
  const change = (at: number, part: Partial<FilterRow>) =>
    onChange(rows.map((row, i) => (i === at ? { ...row, ...part } : row)));
  return (
    <Stack gap="xs">
      {rows.map((row, i) => (
        <div key={i} role="group" aria-label={`Condition ${i + 1}`} className={classes.row}>
          <TextInput
            aria-label="Field of the payload"
            placeholder="customer.plan"
            value={row.path}
            onChange={({ currentTarget }) => change(i, { path: currentTarget.value })}
          />
          <Select
            aria-label="Comparison"
            data={OPERATORS}
            value={row.operator}
            onChange={(operator) =>
              operator && change(i, { operator, ...(operator === '$exists' && { value: 'true' }) })
            }
            allowDeselect={false}
          />
          {row.operator === '$exists' ? (
            <Select
              aria-label="Value"
              data={YES_NO}
              value={row.value === 'false' ? 'false' : 'true'}
              onChange={(value) => value && change(i, { value })}
              allowDeselect={false}
            />
          ) : (
            <TextInput
              aria-label="Value"
              placeholder={row.operator.endsWith('in') ? 'pro, team' : 'pro'}
              value={row.value}
              rightSection={<Kind row={row} />}
              rightSectionWidth={62}
              onChange={({ currentTarget }) => change(i, { value: currentTarget.value })}
            />
          )}
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove condition ${i + 1}`}
            onClick={() => onChange(rows.filter((_, other) => other !== i))}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </div>
      ))}
      <Group gap="sm">
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={14} />}
          onClick={() => onChange([...rows, { path: '', operator: '$eq', value: '' }])}
        >
          Add condition
        </Button>
        {rows.length > 0 && (
          <Text size="xs" c="dimmed">
            12, true and null are taken as such. In quotes, they are text: "12".
          </Text>
        )}
      </Group>
    </Stack>
  );
}

/** How the value is read: 12 and "12" differ. */
function Kind({ row: { operator, value } }: { row: FilterRow }) {
  if (value.trim() === '' || /in$|With$/.test(operator)) return null;
  const read = valueOf(value);
  const kind = read === null ? 'null' : typeof read === 'string' ? 'text' : typeof read;
  return (
    <Text size="xs" c="dimmed" pr={8}>
      {kind}
    </Text>
  );
}

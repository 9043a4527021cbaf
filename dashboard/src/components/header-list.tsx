import { Table, Text } from '@mantine/core';
import classes from './header-list.module.css';

/** Headers of a request or an answer. */
export function HeaderList({ label, headers }: { label: string; headers: Record<string, string> }) {
  const entries = Object.entries(headers);
  if (entries.length === 0)
    return (
      <Text size="sm" c="dimmed">
        None.
      </Text>
    );
  return (
    <Table aria-label={label} layout="fixed" withRowBorders={false} verticalSpacing={2} fz="xs">
      <Table.Tbody>
        {entries.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th
              scope="row"
              fw={500}
              c="dimmed"
              w={{ base: '40%', sm: 220 }}
              pl={0}
              className={classes.name}
            >
              {name}
            </Table.Th>
            <Table.Td ff="monospace">{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

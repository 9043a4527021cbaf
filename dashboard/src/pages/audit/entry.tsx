import { Stack, Table, Text } from '@mantine/core';
import type { AuditEntry } from '../../api/types';
import { Copied } from '../../components/copied';
import { Facts } from '../../components/facts';
import { dateTime } from '../../lib/format';
import { changesOf } from './diff';
import { ObjectLink } from './object-link';
import classes from './entry.module.css';

/** One change whole: who, when, on what, why, and each field before and after. */
export function Entry({ entry }: { entry: AuditEntry }) {
  const changes = changesOf(entry.before, entry.after);
  return (
    <Stack>
      <Facts
        of={{
          Who: entry.actor,
          When: dateTime(entry.at),
          'On what': <ObjectLink entry={entry} />,
          Tenant: entry.tenant ?? 'the whole installation',
          Why: entry.reason,
          Action: <code>{entry.action}</code>,
          Request: entry.request_id && <Copied text={entry.request_id} />,
        }}
      />
      {changes.length === 0 ? (
        <Text size="sm" c="dimmed">
          It changed no field that is recorded.
        </Text>
      ) : (
        <Table fz="sm" aria-label="Before and after" layout="fixed" verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="28%">Field</Table.Th>
              <Table.Th>Before</Table.Th>
              <Table.Th>After</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {changes.map(({ field, before, after }) => (
              <Table.Tr key={field}>
                <Table.Th scope="row" fw={500}>
                  {field}
                </Table.Th>
                <Table.Td className={before === null ? undefined : classes.before}>{before ?? '—'}</Table.Td>
                <Table.Td className={after === null ? undefined : classes.after}>{after ?? '—'}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Stack>
  );
}

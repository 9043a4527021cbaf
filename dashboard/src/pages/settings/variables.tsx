import { Switch, Table, Text } from '@mantine/core';
import { useState } from 'react';
import type { Settings } from '../../api/types';
import { Section } from '../../components/section';

/** Every variable of the environment; of secrets only whether they are set. */
export function Variables({ of: variables }: { of: Settings['settings'] }) {
  const [isGivenOnly, setIsGivenOnly] = useState(false);
  const shown = variables.filter(({ source }) => !isGivenOnly || source === 'environment');
  return (
    <Section
      title="Variables"
      actions={
        <Switch
          size="sm"
          label="Only those that are given"
          checked={isGivenOnly}
          onChange={({ currentTarget }) => setIsGivenOnly(currentTarget.checked)}
        />
      }
    >
      <Table fz="sm" aria-label="Variables">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Variable</Table.Th>
            <Table.Th>Value</Table.Th>
            <Table.Th>From</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shown.map(({ name, value, source, secret }) => (
            <Table.Tr key={name}>
              <Table.Td>
                <code>{name}</code>
              </Table.Td>
              <Table.Td>
                {secret ? (
                  <Text span inherit c="dimmed">
                    secret, {value}
                  </Text>
                ) : (
                  (value ?? (
                    <Text span inherit c="dimmed">
                      not set
                    </Text>
                  ))
                )}
              </Table.Td>
              <Table.Td>{source === 'environment' ? 'environment' : 'default'}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {shown.length === 0 && <Text size="sm">Every variable has its default.</Text>}
    </Section>
  );
}

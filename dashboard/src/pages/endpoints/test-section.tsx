import { Autocomplete, Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, data } from '../../api/client';
import type { Endpoint } from '../../api/types';
import { JsonArea, readJson } from '../../components/json-area';
import { Section } from '../../components/section';
import { fieldErrors } from '../../lib/field-errors';
import { typedPayload } from '../../lib/typed-payload';
import { typeNamesQuery } from './queries';
import { TestResult } from './test-result';

const FIELDS = ['event_type', 'payload'] as const;

/** Sends one signed sample and says how it went; or shows what would be sent. */
export function TestSection({ endpoint: { id } }: { endpoint: Endpoint }) {
  const { data: types } = useQuery(typeNamesQuery);
  const [eventType, setEventType] = useState('');
  const [payload, setPayload] = useState('');
  const { value, fault } = readJson(payload);
  const test = useMutation({
    mutationFn: (preview: boolean) => {
      const given = {
        ...(eventType && { event_type: eventType }),
        ...(value !== undefined && { payload: value }),
      };
      return data(
        api.POST('/v1/endpoints/{id}/test', {
          params: { path: { id } },
          body: { ...given, preview },
          bodySerializer: value === undefined ? undefined : typedPayload(payload),
        }),
      );
    },
    meta: { showsErrors: true },
  });
  const errors = test.isError ? fieldErrors(test.error, FIELDS) : {};
  return (
    <Section title="Send a test">
      <Stack gap="sm" maw={860}>
        <Text size="sm" c="dimmed">
          One signed request, as events are sent. It is no event and no delivery, and appears in no list.
        </Text>
        <Autocomplete
          label="Event type"
          description="Empty: one that the endpoint subscribes to."
          data={types?.data.map(({ name }) => name) ?? []}
          value={eventType}
          onChange={setEventType}
          error={errors.event_type}
        />
        <JsonArea
          label="Payload"
          description="Empty: the example of the event type, or a sample."
          minRows={2}
          value={payload}
          onChange={({ currentTarget }) => setPayload(currentTarget.value)}
          error={fault ?? errors.payload}
        />
        <Group gap="xs">
          <Button
            disabled={fault !== null}
            loading={test.isPending && !test.variables}
            onClick={() => test.mutate(false)}
          >
            Send test
          </Button>
          <Button
            variant="default"
            disabled={fault !== null}
            loading={test.isPending && test.variables}
            onClick={() => test.mutate(true)}
          >
            Show the request only
          </Button>
        </Group>
        {errors[''] && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {errors['']}
          </Text>
        )}
        {test.data && <TestResult result={test.data} />}
      </Stack>
    </Section>
  );
}

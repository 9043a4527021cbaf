import { Alert, Button, FileButton, Group, Stack, Text } from '@mantine/core';
import { IconFile } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, data } from '../../api/client';
import { JsonArea, readJson } from '../../components/json-area';
import { PageHeader } from '../../components/page-header';
import { Section } from '../../components/section';
import { fieldErrors } from '../../lib/field-errors';
import { ImportResult } from './import-result';

/** Reads the webhooks of an OpenAPI document; shows what would change, and changes it on confirmation. */
export function ImportOpenApi() {
  const queryClient = useQueryClient();
  const [text, setText] = useState('');
  const { value, fault } = readJson(text);
  const run = useMutation({
    mutationFn: (dry_run: boolean) =>
      data(api.POST('/v1/event-types/import/openapi', { body: { openapi: value as never, dry_run } })),
    onSuccess: ({ dry_run }) =>
      dry_run ? null : queryClient.invalidateQueries({ queryKey: ['event-types'] }),
    meta: { showsErrors: true },
  });
  const { reset } = run;
  const change = (next: string) => {
    setText(next);
    reset();
  };
  const errors = run.isError ? fieldErrors(run.error, ['openapi']) : {};
  const changes = run.data ? run.data.created.length + run.data.updated.length : 0;
  return (
    <>
      <PageHeader
        title="Import from OpenAPI"
        about="Each of the document’s webhooks becomes an event type."
      />
      <Stack maw={860}>
        <Section title="Document">
          <Stack gap="sm">
            <Group>
              <FileButton accept=".json,application/json" onChange={(file) => void file?.text().then(change)}>
                {(props) => (
                  <Button variant="default" leftSection={<IconFile size={16} />} {...props}>
                    Choose a file
                  </Button>
                )}
              </FileButton>
              <Text size="sm" c="dimmed">
                or paste it. OpenAPI 3.1 or later, as JSON, up to 4 MiB.
              </Text>
            </Group>
            <JsonArea
              label="OpenAPI document"
              value={text}
              onChange={({ currentTarget }) => change(currentTarget.value)}
              error={fault ?? errors.openapi}
              minRows={8}
              maxRows={16}
            />
            <Group gap="xs">
              <Button
                variant={run.data ? 'default' : 'filled'}
                disabled={fault !== null || value === undefined}
                loading={run.isPending}
                onClick={() => run.mutate(true)}
              >
                Show what would change
              </Button>
              <Button variant="default" renderRoot={(props) => <Link to="/event-types" {...props} />}>
                Back to the catalogue
              </Button>
            </Group>
            {errors[''] && (
              <Alert color="red" variant="light" title="This document cannot be imported" role="alert">
                {errors['']}
              </Alert>
            )}
          </Stack>
        </Section>
        {run.data && (
          <Section title={run.data.dry_run ? 'What would change' : 'Imported'}>
            <ImportResult result={run.data} />
            {run.data.dry_run && changes > 0 && (
              <Button mt="md" loading={run.isPending} onClick={() => run.mutate(false)}>
                Import {changes === 1 ? '1 event type' : `${changes} event types`}
              </Button>
            )}
          </Section>
        )}
      </Stack>
    </>
  );
}

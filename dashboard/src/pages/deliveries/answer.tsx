import { Stack, Text, Title } from '@mantine/core';
import type { Attempt } from '../../api/types';
import { CodeText } from '../../components/code-text';
import { Facts } from '../../components/facts';
import { HeaderList } from '../../components/header-list';

/** The answer of the endpoint. */
export function Answer({ attempt }: { attempt: Attempt }) {
  const { http_status, error, remote_address, retry_after, response_headers, response_body, truncated } =
    attempt;
  return (
    <Stack gap="sm">
      <Facts
        of={{
          Status: http_status ?? 'No answer',
          Error: error,
          'Address of the endpoint': remote_address,
          'Retry-After': retry_after,
        }}
      />
      {http_status !== null && (
        <>
          <Title order={3}>Headers of the answer</Title>
          <HeaderList label="Headers of the answer" headers={response_headers} />
          <Title order={3}>Body of the answer</Title>
          {response_body ? (
            <CodeText
              text={response_body}
              label="body of the answer"
              note={truncated ? 'cut: only the first 4 KiB are kept' : undefined}
            />
          ) : (
            <Text size="sm" c="dimmed">
              Empty, or not read.
            </Text>
          )}
        </>
      )}
    </Stack>
  );
}

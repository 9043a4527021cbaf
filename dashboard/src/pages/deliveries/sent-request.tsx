import { Stack, Text, Title } from '@mantine/core';
import type { Attempt, Delivery } from '../../api/types';
import { CodeText } from '../../components/code-text';
import { HeaderList } from '../../components/header-list';
import { Loaded } from '../../components/loaded';
import { curlOf, leftOut } from '../../lib/curl';
import { useRequest } from './use-request';

/** The request as it was sent, and a command that repeats it. */
export function SentRequest({ attempt, delivery }: { attempt: Attempt; delivery: Delivery }) {
  const { event, endpoint, body } = useRequest(attempt, delivery);
  const headers = attempt.request_headers;
  const hidden = leftOut(headers);
  return (
    <Stack gap="sm">
      <Text size="sm" ff="monospace">
        POST {endpoint?.url ?? '(the endpoint is deleted)'}
      </Text>
      <Text size="xs" c="dimmed">
        URL and form of the body are shown as the endpoint is set now.
      </Text>
      <Title order={3}>Headers of the request</Title>
      <HeaderList label="Headers of the request" headers={headers} />
      <Title order={3}>Body of the request</Title>
      <Loaded query={event}>
        {() =>
          body !== null && (
            <>
              <CodeText text={body} label="body of the request" />
              {endpoint && (
                <>
                  <Title order={3}>Repeat it by hand</Title>
                  <CodeText
                    text={curlOf({ url: endpoint.url, headers, body })}
                    label="curl command"
                    note={hidden.length > 0 ? `without ${hidden.join(', ')}: not shown here` : undefined}
                  />
                </>
              )}
            </>
          )
        }
      </Loaded>
    </Stack>
  );
}

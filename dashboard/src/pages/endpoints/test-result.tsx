import { Alert, Code, Stack, Text } from '@mantine/core';
import type { components } from '../../api/schema';
import { ClassificationBadge } from '../../components/badges';
import { CopyIcon } from '../../components/copied';
import { Facts } from '../../components/facts';
import { dateTime, duration } from '../../lib/format';

type Result = components['schemas']['EndpointTest'];

/** The result of a test: the diagnosis first, then the figures and the texts. */
export function TestResult({ result: { diagnosis, attempt, tls, request } }: { result: Result }) {
  const isGood = attempt?.classification === 'DELIVERED';
  const color = attempt === null ? 'blue' : isGood ? 'teal' : 'red';
  const title = attempt === null ? 'Nothing was sent' : isGood ? 'The test arrived' : 'The test failed';
  const ms = (value: number | null | undefined) => (value == null ? null : duration(value));
  const certificate = tls?.certificate;
  return (
    <Stack gap="sm">
      <Alert color={color} variant="light" title={title} role="status">
        {diagnosis}
      </Alert>
      {attempt && (
        <Facts
          of={{
            Result: <ClassificationBadge value={attempt.classification} />,
            'HTTP status': attempt.http_status,
            Error: attempt.error,
            'Took in all': ms(attempt.latency_ms),
            'Name looked up': ms(attempt.timings?.dns),
            Connected: ms(attempt.timings?.connect),
            'TLS handshake': ms(attempt.timings?.tls),
            'First byte of the answer': ms(attempt.timings?.first_byte),
            Address: attempt.remote_address,
            'TLS version': tls?.version,
            'Certificate of': certificate?.subject,
            'Certificate ends': certificate?.expires_at && dateTime(certificate.expires_at),
          }}
        />
      )}
      <Listing title="Request" text={requestText(request)} />
      {attempt?.response_body && (
        <Listing
          title={attempt.truncated ? 'Answer, the first 4 KiB' : 'Answer'}
          text={attempt.response_body}
        />
      )}
    </Stack>
  );
}

function requestText({ method, url, headers, body }: Result['request']): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one}`),
  );
  return [`${method} ${url}`, ...lines, '', body].join('\n');
}

const Listing = ({ title, text }: { title: string; text: string }) => (
  <section aria-label={title}>
    <Text size="xs" c="dimmed">
      {title} <CopyIcon text={text} what={`Copy the ${title.toLowerCase()}`} />
    </Text>
    <Code
      block
      mah={320}
      style={{ overflow: 'auto', whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}
      tabIndex={0}
    >
      {text}
    </Code>
  </section>
);

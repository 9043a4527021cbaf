import { Stack, Text, Title } from '@mantine/core';
import type { Attempt, Delivery } from '../../api/types';
import { useCan } from '../../api/api-context';
import { CodeText } from '../../components/code-text';
import { Loaded } from '../../components/loaded';
import { ComputeSignature } from './compute-signature';
import { useRequest } from './use-request';

/** How a receiver checks the signature of this request, and where the role allows it, the signature itself. */
export function VerifySignature({ attempt, delivery }: { attempt: Attempt; delivery: Delivery }) {
  const { event, endpoint, body, id, timestamp } = useRequest(attempt, delivery);
  const mayRead = useCan().changeEndpoints;
  if (timestamp === null)
    return (
      <Text size="sm" c="dimmed">
        The headers of this attempt are not known: it was interrupted.
      </Text>
    );
  return (
    <Stack gap="sm" maw={900}>
      <Text size="sm">
        The header <b>webhook-signature</b> proves that the request comes from here and was not changed. The
        receiver makes the signature again: an HMAC-SHA256, as base64, of the text below, with the
        endpoint&apos;s secret (the bytes that follow <b>whsec_</b>, decoded from base64). It must be one of
        those in the header, each of which begins with <b>v1,</b>. Any library of Standard Webhooks does this.
      </Text>
      <Title order={3}>Signed text: webhook-id.webhook-timestamp.body</Title>
      <Loaded query={event}>
        {() => body !== null && <CodeText text={`${id}.${timestamp}.${body}`} label="signed text" />}
      </Loaded>
      <Text size="sm" c="dimmed">
        The signature that was sent is not stored: whoever reads this page must not be able to use it.
      </Text>
      {endpoint?.signature === 'ed25519' ? (
        <Text size="sm">
          This endpoint signs with ed25519 (<b>v1a,</b>…). Check it with the public key {endpoint.public_key}.
        </Text>
      ) : mayRead && endpoint && body !== null ? (
        <ComputeSignature endpointId={endpoint.id} content={`${id}.${timestamp}.${body}`} />
      ) : (
        <Text size="sm" c="dimmed">
          {endpoint
            ? 'Your access does not include the secret, which it takes to compute the signature here.'
            : null}
        </Text>
      )}
    </Stack>
  );
}

import { Stack, Text, Title } from '@mantine/core';
import type { Attempt, Delivery } from '../../api/types';
import { useCan } from '../../api/api-context';
import { CodeText } from '../../components/code-text';
import { Loaded } from '../../components/loaded';
import { CheckEd25519 } from './check-ed25519';
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
  const publicKey = endpoint?.public_key ?? null;
  const content = body === null ? null : `${id}.${timestamp}.${body}`;
  return (
    <Stack gap="sm" maw={900}>
      <Text size="sm">
        The header <b>webhook-signature</b> proves that the request comes from here and was not changed.{' '}
        {publicKey === null ? <HowHmac /> : <HowEd25519 />} Any library of Standard Webhooks does this.
      </Text>
      <Title order={3}>Signed text: webhook-id.webhook-timestamp.body</Title>
      <Loaded query={event}>
        {() => content !== null && <CodeText text={content} label="signed text" />}
      </Loaded>
      <Text size="sm" c="dimmed">
        The signature that was sent is not stored: whoever reads this page must not be able to use it.
      </Text>
      {content === null ? null : publicKey !== null ? (
        <CheckEd25519 publicKey={publicKey} content={content} />
      ) : mayRead && endpoint ? (
        <ComputeSignature endpointId={endpoint.id} content={content} />
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

const HowHmac = () => (
  <>
    The receiver makes the signature again: an HMAC-SHA256, as base64, of the text below, with the
    endpoint&apos;s secret (the bytes that follow <b>whsec_</b>, decoded from base64). It must be one of those
    in the header, each of which begins with <b>v1,</b>.
  </>
);

const HowEd25519 = () => (
  <>
    The receiver verifies a signature that begins with <b>v1a,</b> by ed25519: over the text below, with the
    public key of the endpoint (the bytes that follow <b>whpk_</b>, decoded from base64).
  </>
);

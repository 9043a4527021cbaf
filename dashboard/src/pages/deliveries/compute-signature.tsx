import { Button, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, data } from '../../api/client';
import { Copied } from '../../components/copied';
import { canSign, signatureOf } from '../../lib/signature';
import { OnlyByHttps } from './only-by-https';
import { ReceivedSignature } from './received-signature';

/** Computes the signatures of a text with all secrets of an endpoint that sign now, and compares one that was received. */
export function ComputeSignature({ endpointId, content }: { endpointId: string; content: string }) {
  const [received, setReceived] = useState('');
  const compute = useMutation({
    mutationFn: async () => {
      const path = { id: endpointId };
      const { secrets } = await data(api.GET('/v1/endpoints/{id}/secret', { params: { path } }));
      const hmac = secrets.filter(({ signature }) => signature === 'hmac');
      return Promise.all(hmac.map(({ secret }) => signatureOf(secret, content)));
    },
  });
  if (!canSign()) return <OnlyByHttps what="compute" />;
  if (!compute.data)
    return (
      <div>
        <Button variant="default" size="xs" loading={compute.isPending} onClick={() => compute.mutate()}>
          Compute the signature
        </Button>
        <Text size="xs" c="dimmed" mt={4}>
          Reads the secret of the endpoint, which is recorded. The secret itself is not shown.
        </Text>
      </div>
    );
  const found = received.trim().split(/\s+/);
  const isRight = compute.data.some((one) => found.includes(one));
  return (
    <Stack gap="xs">
      <Text size="sm" fw={600}>
        {compute.data.length === 1 ? 'The right signature' : 'The right signatures, newest secret first'}
      </Text>
      {compute.data.map((signature) => (
        <Copied key={signature} text={signature} />
      ))}
      <ReceivedSignature version="v1" value={received} isRight={isRight} onChange={setReceived} />
    </Stack>
  );
}

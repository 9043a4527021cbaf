import { Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Copied } from '../../components/copied';
import { canSign, hasSignatureOf } from '../../lib/signature';
import { OnlyByHttps } from './only-by-https';
import { ReceivedSignature } from './received-signature';

/** Checks a signature that was received with the public key of the endpoint, for which no secret is read. */
export function CheckEd25519({ publicKey, content }: { publicKey: string; content: string }) {
  const [received, setReceived] = useState('');
  const check = useMutation({
    mutationFn: (header: string) => hasSignatureOf(publicKey, content, header),
    meta: { showsErrors: true },
  });
  return (
    <Stack gap="xs">
      <Text size="sm" fw={600}>
        The public key
      </Text>
      <Copied text={publicKey} />
      {!canSign() ? (
        <OnlyByHttps what="check" />
      ) : (
        <ReceivedSignature
          version="v1a"
          value={received}
          isRight={check.data ?? null}
          onChange={(value) => {
            setReceived(value);
            check.mutate(value);
          }}
        />
      )}
      {check.error && (
        <Text size="sm" c="dimmed" role="alert">
          This browser cannot check ed25519 signatures. Use a newer browser, or a library of Standard
          Webhooks.
        </Text>
      )}
    </Stack>
  );
}

import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useEffect } from 'react';
import { api, data } from '../../api/client';
import { Section } from '../../components/section';
import { dateTime, duration } from '../../lib/format';
import { useNow } from '../../lib/use-now';
import { RotateSecret } from './rotate-secret';
import { Secret } from './secret-once';

const SHOWN_MS = 60_000;

/** The secrets on demand, for a minute; and their rotation. */
export function SecretSection({ id }: { id: string }) {
  const reveal = useMutation({
    mutationFn: async () => ({
      ...(await data(api.GET('/v1/endpoints/{id}/secret', { params: { path: { id } } }))),
      until: Date.now() + SHOWN_MS,
    }),
    // Kept by nothing but this component.
    gcTime: 0,
  });
  const { data: shown, reset } = reveal;
  return (
    <Section title="Signing secret">
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          The receiver verifies with it that requests come from here. Each look at it is recorded.
        </Text>
        <Group gap="xs">
          {shown ? (
            <Button variant="default" onClick={reset}>
              Hide
            </Button>
          ) : (
            <Button variant="default" loading={reveal.isPending} onClick={() => reveal.mutate()}>
              Reveal
            </Button>
          )}
          <RotateSecret id={id} done={() => reveal.mutate()} />
        </Group>
        {shown && (
          <>
            {shown.secrets.map(({ secret, public_key, created_at, expires_at }, i) => (
              <Stack key={secret} gap={4}>
                <Secret
                  label={`${i === 0 ? 'Newest' : 'Older'}, of ${dateTime(created_at)}${expires_at ? `; signs until ${dateTime(expires_at)}` : ''}`}
                  text={secret}
                />
                {public_key && <Secret label="Its public key" text={public_key} />}
              </Stack>
            ))}
            <Hiding until={shown.until} hide={reset} />
          </>
        )}
      </Stack>
    </Section>
  );
}

function Hiding({ until, hide }: { until: number; hide: () => void }) {
  const left = until - useNow();
  useEffect(() => {
    if (left <= 0) hide();
  }, [left, hide]);
  return (
    <Text size="xs" c="dimmed">
      Hidden again in {duration(Math.max(0, left))}.
    </Text>
  );
}

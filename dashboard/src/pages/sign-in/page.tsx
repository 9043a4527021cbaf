import { Alert, Button, Center, Code, Group, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { forgetOthers, sessionQuery, signIn } from '../../api/session';
import { viewTenant } from '../../app/view-as';

/** By an API key, or by a link that works once: `/sign-in#token=…`. */
export function SignIn() {
  useDocumentTitle('Sign in · Surehook');
  const { to } = useSearch({ from: '/sign-in' });
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [key, setKey] = useState('');
  const enter = useMutation({
    mutationFn: signIn,
    meta: { showsErrors: true },
    // The browser does not keep the key.
    gcTime: 0,
    onSuccess: async (session) => {
      forgetOthers(queryClient);
      viewTenant(null);
      queryClient.setQueryData(sessionQuery.queryKey, session);
      await navigate({ href: isOwnPath(to) ? to : '/', replace: true });
    },
  });
  useLinkToken((token) => enter.mutate({ token }));
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder p="xl" w={400} maw="100%">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            enter.mutate({ api_key: key.trim() });
          }}
        >
          <Stack>
            <Group gap="xs">
              <img src="/assets/icon.svg" alt="" width={28} height={28} />
              <Title order={1}>Surehook</Title>
            </Group>
            {enter.isError && (
              <Alert color="red" variant="light" role="alert">
                {enter.error.message}
              </Alert>
            )}
            <PasswordInput
              label="API key"
              placeholder="shk_…"
              autoComplete="off"
              data-autofocus
              value={key}
              onChange={({ currentTarget }) => setKey(currentTarget.value)}
            />
            <Button type="submit" loading={enter.isPending} disabled={key.trim() === ''}>
              Sign in
            </Button>
            <Text size="sm" c="dimmed">
              <Code>npm start</Code> prints a link that signs in once, and where the admin key is kept. The
              key is exchanged for a session; the browser does not keep it.
            </Text>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}

/** Takes the token out of the address at once: it must not stay in the history. */
function useLinkToken(use: (token: string) => void) {
  const taken = useRef(false);
  useEffect(() => {
    const token = new URLSearchParams(location.hash.slice(1)).get('token');
    if (token === null || taken.current) return;
    taken.current = true;
    history.replaceState(history.state, '', location.pathname + location.search);
    use(token);
  });
}

/** A path of this page, and no address of another host such as `//example.com`. */
const isOwnPath = (to: string | undefined): to is string => to !== undefined && /^\/(?![/\\])/.test(to);

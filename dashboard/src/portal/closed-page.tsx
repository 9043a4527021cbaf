import { Anchor, Button, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { WhyClosed } from './session';

const NEW_LINK = 'Go back to where you came from and open the webhooks again: you get a new link.';

const WORDS: Record<WhyClosed, { title: string; text: string }> = {
  no_link: { title: 'Open this page by its link', text: NEW_LINK },
  link_used: { title: 'This link has been used', text: `A link works once. ${NEW_LINK}` },
  link_expired: { title: 'This link is too old', text: `It was not used in time. ${NEW_LINK}` },
  link_revoked: { title: 'This link was withdrawn', text: NEW_LINK },
  unauthorized: { title: 'This link does not work', text: `Is it whole? ${NEW_LINK}` },
  unreachable: {
    title: 'This page cannot be opened now',
    text: 'The server did not answer as it should. Wait a moment, then try again.',
  },
  ended: { title: 'Your session has ended', text: `Nothing is lost. ${NEW_LINK}` },
  signed_out: { title: 'You are signed out', text: NEW_LINK },
};

/** In place of the pages: there is no session, why, and what to do. */
export function ClosedPage({
  why,
  returnUrl,
  again,
}: {
  why: WhyClosed;
  returnUrl: string | null;
  again: () => void;
}) {
  const { title, text } = WORDS[why] ?? WORDS.unauthorized;
  useDocumentTitle(title);
  return (
    <Stack component="main" align="center" gap="sm" px="md" py={64} ta="center">
      <Title order={1}>{title}</Title>
      <Text c="dimmed" maw={440}>
        {text}
      </Text>
      {why === 'unreachable' && <Button onClick={again}>Try again</Button>}
      {returnUrl !== null && /^https?:/i.test(returnUrl) && (
        <Anchor href={returnUrl} target="_top" rel="noreferrer">
          Back to {new URL(returnUrl).host}
        </Anchor>
      )}
    </Stack>
  );
}

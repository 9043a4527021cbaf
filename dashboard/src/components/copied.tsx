import { ActionIcon, Code, Group, Tooltip } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect } from 'react';

/** Browsers give a page the clipboard only over https and on localhost. */
const NOT_COPIED = {
  id: 'not-copied',
  color: 'red',
  title: 'Not copied',
  message: 'The browser lets this page copy only over https. Select the text, and copy it by keyboard.',
};

/** A text, such as an id, with a button that copies it. */
export const Copied = ({ text, label = text }: { text: string; label?: string }) => (
  <Group gap={4} wrap="nowrap" display="inline-flex" maw="100%">
    <Code>{label}</Code>
    <CopyIcon text={text} />
  </Group>
);

export function CopyIcon({ text, what = 'Copy' }: { text: string; what?: string }) {
  const { copy, copied, error } = useClipboard({ timeout: 1_000 });
  const label = copied ? 'Copied' : what;
  useEffect(() => {
    if (error) notifications.show(NOT_COPIED);
  }, [error]);
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="sm" onClick={() => copy(text)} aria-label={label}>
        {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
      </ActionIcon>
    </Tooltip>
  );
}

import { ActionIcon, Code, CopyButton, Group, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';

/** A text, such as an id, with a button that copies it. */
export const Copied = ({ text, label = text }: { text: string; label?: string }) => (
  <Group gap={4} wrap="nowrap" display="inline-flex" maw="100%">
    <Code>{label}</Code>
    <CopyIcon text={text} />
  </Group>
);

export const CopyIcon = ({ text, what = 'Copy' }: { text: string; what?: string }) => (
  <CopyButton value={text}>
    {({ copied, copy }) => (
      <Tooltip label={copied ? 'Copied' : what}>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          onClick={copy}
          aria-label={copied ? 'Copied' : what}
        >
          {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
        </ActionIcon>
      </Tooltip>
    )}
  </CopyButton>
);

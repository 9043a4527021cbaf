import { Anchor } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';

/** A link to another site, in a new tab; plain text where it is no web address. */
export const OutLink = ({ to, children }: { to: string; children: string }) =>
  /^https?:\/\//i.test(to) ? (
    <Anchor href={to} target="_blank" rel="noreferrer" inherit>
      {children} <IconExternalLink size={13} aria-label="(in a new tab)" style={{ verticalAlign: '-2px' }} />
    </Anchor>
  ) : (
    children
  );

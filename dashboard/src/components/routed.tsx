import { Anchor, type AnchorProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentPropsWithRef } from 'react';

type OfAnchor<Props> = Props & Omit<ComponentPropsWithRef<'a'>, keyof Props>;

/** A link in a text that leads to a page. */
export const LinkAnchor = createLink((props: OfAnchor<AnchorProps>) => <Anchor {...props} />);

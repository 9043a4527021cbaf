import './portal.css';
import { createTheme, defaultVariantColorsResolver, mergeThemeOverrides } from '@mantine/core';
import type { MantineColorScheme, MantineColorSchemeManager } from '@mantine/core';
import type { ReactNode } from 'react';
import { theme } from '../app/theme';
import { Themed } from '../app/themed';

/** The colors are those of portal.css and of the server's theme; Mantine would compute the text's from its own. */
const portalTheme = mergeThemeOverrides(
  theme,
  createTheme({
    fontFamily: 'var(--portal-font)',
    headings: { fontFamily: 'var(--portal-font)' },
    variantColorResolver(input) {
      const colors = defaultVariantColorsResolver(input);
      const isPrimary = !input.color || input.color === input.theme.primaryColor;
      return input.variant === 'filled' && isPrimary
        ? { ...colors, color: 'var(--portal-on-primary)' }
        : colors;
    },
  }),
);

/** Keeps nothing: the page around a frame decides, or the system. */
const colorSchemeManager: MantineColorSchemeManager = {
  get: (preset) => preset,
  set() {},
  clear() {},
  subscribe() {},
  unsubscribe() {},
};

/** `--portal-scheme` of the theme: `light`, `dark`, or as the system has it. */
function scheme(): MantineColorScheme {
  const value = getComputedStyle(document.documentElement).getPropertyValue('--portal-scheme').trim();
  return value === 'light' || value === 'dark' ? value : 'auto';
}

export const PortalTheme = ({ children }: { children: ReactNode }) => (
  <Themed theme={portalTheme} defaultColorScheme={scheme()} colorSchemeManager={colorSchemeManager}>
    {children}
  </Themed>
);

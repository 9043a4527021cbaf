import { Alert, createTheme, Modal, type MantineColorsTuple } from '@mantine/core';

const ink: MantineColorsTuple = [
  '#f0fdfa',
  '#d5f5ef',
  '#a9e9df',
  '#74d6c9',
  '#3fbcae',
  '#1c9f93',
  '#0f8379',
  '#0f6e66',
  '#115952',
  '#0f423e',
];

/** Darker than Mantine's where it is filled: white text on it has a contrast of 4.5:1. */
const red: MantineColorsTuple = [
  '#fff5f5',
  '#ffe3e3',
  '#ffc9c9',
  '#ffa8a8',
  '#ff8787',
  '#d9363f',
  '#d32f3a',
  '#c92a37',
  '#b3202f',
  '#991b28',
];

export const theme = createTheme({
  primaryColor: 'ink',
  // White text on it has a contrast of 4.5:1, also in the dark.
  primaryShade: { light: 7, dark: 6 },
  colors: { ink, red },
  components: {
    // Its title in the alert's color would have less contrast than 4.5:1.
    Alert: Alert.extend({
      styles: (_, { variant }) =>
        variant === 'light' ? { label: { color: 'var(--mantine-color-text)' } } : {},
    }),
    Modal: Modal.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } }),
  },
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace',
  headings: {
    fontWeight: '650',
    sizes: { h1: { fontSize: '1.375rem' }, h2: { fontSize: '1.0625rem' }, h3: { fontSize: '0.9375rem' } },
  },
});

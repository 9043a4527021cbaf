import { Text } from '@mantine/core';

export const OnlyByHttps = ({ what }: { what: 'compute' | 'check' }) => (
  <Text size="sm" c="dimmed">
    Open this page by https to {what} the signature: browsers allow it only there.
  </Text>
);

import { Skeleton, Stack } from '@mantine/core';

/** In place of a list whose first page has not come yet. */
export const RowsPending = () => (
  <Stack gap={8} role="status" aria-label="Loading">
    {Array.from({ length: 8 }, (_, index) => (
      <Skeleton key={index} h={36} />
    ))}
  </Stack>
);

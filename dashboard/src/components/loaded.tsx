import { Alert, Button, Group, Skeleton, Stack } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiError } from '../api/problem';
import { AsOf } from './as-of';
import { Empty } from './empty';

/**
 * The data of a query once it has come; until then gray lines, or the error with a button that tries again. Data that could
 * not be read again say so.
 */
export function Loaded<T>({
  query,
  children,
}: {
  query: UseQueryResult<T>;
  children: (value: T) => ReactNode;
}) {
  if (query.data !== undefined)
    return (
      <>
        {query.isError && <AsOf at={query.dataUpdatedAt} error={query.error} />}
        {children(query.data)}
      </>
    );
  if (query.isError) return <LoadError error={query.error} again={() => void query.refetch()} />;
  return (
    <Stack gap="xs" role="status" aria-label="Loading">
      <Skeleton h={20} w="40%" />
      <Skeleton h={20} />
      <Skeleton h={20} />
    </Stack>
  );
}

export const LoadError = ({ error, again }: { error: Error; again: () => void }) =>
  error instanceof ApiError && error.status === 404 ? (
    <Empty title="Not found">{error.message}</Empty>
  ) : (
    <Alert color="red" variant="light" title="This could not be loaded" role="alert">
      <Group justify="space-between">
        {error.message}
        <Button size="xs" variant="default" onClick={again}>
          Try again
        </Button>
      </Group>
    </Alert>
  );

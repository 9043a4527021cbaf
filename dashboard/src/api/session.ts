import { queryOptions, type QueryClient } from '@tanstack/react-query';
import { PAGE_HEADERS } from './client';
import { ApiError, type Problem } from './problem';

export interface Session {
  name: string;
  role: 'admin' | 'operator' | 'publisher' | 'viewer';
  /** The only tenant that it sees; null: all. */
  tenant: string | null;
  expires_at: string;
  version: string;
}

/** Null: signed out. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async (): Promise<Session | null> => {
    try {
      return await call<Session>('GET');
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

export const signIn = (by: { api_key: string } | { token: string }) => call<Session>('POST', by);
export const signOut = () => call<null>('DELETE');

/** Removes the data of an earlier session, which may have been that of another key. */
export function forgetOthers(queryClient: QueryClient): void {
  queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionQuery.queryKey[0] });
  queryClient.getMutationCache().clear();
}

export const canOperate = ({ role }: Pick<Session, 'role'>) => role === 'admin' || role === 'operator';

async function call<T>(method: string, body?: unknown): Promise<T> {
  const headers = { ...PAGE_HEADERS, 'content-type': 'application/json' };
  const response = await fetch('/session', {
    method,
    headers,
    ...(body ? { body: JSON.stringify(body) } : {}),
  }).catch(() => null);
  if (response === null) throw new ApiError(0, null, null);
  const value: unknown = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok)
    throw new ApiError(response.status, value as Problem | null, response.headers.get('x-request-id'));
  return value as T;
}

import { useQuery } from '@tanstack/react-query';
import { endpointQuery } from '../api/endpoint';
import { ApiError } from '../api/problem';

/** The description of an endpoint, else its URL without the scheme; the id until it is known. */
export function EndpointName({ id }: { id: string }) {
  const { data, error } = useQuery(endpointQuery(id));
  if (data) return <span title={`${data.url} (${id})`}>{data.description || withoutScheme(data.url)}</span>;
  const isGone = error instanceof ApiError && error.status === 404;
  return <span title={id}>{isGone ? 'Deleted endpoint' : id}</span>;
}

const withoutScheme = (url: string) => url.replace(/^https?:\/\//, '');

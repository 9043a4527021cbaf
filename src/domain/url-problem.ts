/** Longest label of a host name, and longest name (RFC 1035 section 2.3.4). */
const MAX_LABEL = 63;
const MAX_HOST = 253;

/** The reason to refuse a webhook's URL, or null. A URL parser silently repairs likely mistakes; these are reported. */
export function urlProblem(value: string): string | null {
  if (/\s/.test(value)) return 'Must not hold blanks.';
  if (value.includes('\\')) return 'Must not hold backslashes.';
  if (!URL.canParse(value)) return 'Must be an absolute URL.';
  const { protocol, username, password, port, hostname } = new URL(value);
  if (protocol !== 'https:' && protocol !== 'http:') return 'Must begin with https:// or http://.';
  if (!/^https?:\/\/[^/]/i.test(value)) return 'Must begin with https:// or http:// and a host.';
  if (username || password) return 'Must not carry credentials; use headers.';
  if (value.includes('#')) return 'Must not have a fragment.';
  if (port === '0') return 'Must not have the port 0: nothing can listen on it.';
  return hostProblem(hostname);
}

function hostProblem(hostname: string): string | null {
  if (hostname.startsWith('[')) return null;
  const name = hostname.replace(/\.$/, '');
  if (name.length > MAX_HOST) return `Must have a host of at most ${MAX_HOST} characters.`;
  const labels = name.split('.');
  if (labels.includes('')) return 'Must have a host without empty labels.';
  if (labels.some((label) => label.length > MAX_LABEL))
    return `Must have a host whose labels have at most ${MAX_LABEL} characters.`;
  return null;
}

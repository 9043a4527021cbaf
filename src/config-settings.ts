/** A variable of the environment, as people may see it. */
export interface Setting {
  name: string;
  /** As text, without credentials; null: not set. Of a secret: whether it is set. */
  value: string | null;
  source: 'environment' | 'default';
  secret: boolean;
}

type Value = string | number | boolean | (string | number)[] | null | undefined;

const SECRETS = new Set([
  'TEMPORAL_API_KEY',
  'SUREHOOK_ADMIN_KEY',
  'SUREHOOK_ENCRYPTION_KEY',
  'SUREHOOK_ENCRYPTION_KEYS',
]);

/** Their URLs may hold a user and a password. */
const URLS = new Set(['DATABASE_URL', 'SUREHOOK_PROXY']);

/** `values`: parsed, with defaults. `given`: what the environment says. */
export function describeSettings(
  names: string[],
  values: Record<string, Value>,
  given: Record<string, string | undefined>,
): Setting[] {
  return names.map((name) => {
    const secret = SECRETS.has(name);
    const isGiven = given[name] !== undefined;
    const value = secret ? (isGiven ? 'set' : 'not set') : shown(name, values[name]);
    return { name, value, source: isGiven ? 'environment' : 'default', secret };
  });
}

function shown(name: string, value: Value): string | null {
  if (value === undefined || value === null) return null;
  if (URLS.has(name)) return withoutCredentials(new URL(String(value)));
  const joint = name === 'SUREHOOK_PORTAL_FRAME_ANCESTORS' ? ' ' : ',';
  return Array.isArray(value) ? value.join(joint) : String(value);
}

/** The query of a Postgres URL may hold a password, too. */
function withoutCredentials({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}

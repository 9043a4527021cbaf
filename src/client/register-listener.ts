import { createHash } from 'node:crypto';
import { ConflictError } from './errors.js';
import { createListenerSecrets, type ListenerSecrets } from './listener-secrets.js';
import type { Row } from './operations.js';
import type { createResources } from './resources.js';

export type Endpoints = ReturnType<typeof createResources>['endpoints'];

/** The endpoint of a listener. */
export interface Registered {
  id: string;
  /** With ed25519, the public key. */
  secret: string;
  secrets: ListenerSecrets;
}

/** The sender waits meanwhile. */
const SECRETS_TIMEOUT_MS = 5_000;
/** Reasons for which Surehook itself disables an endpoint. */
const AUTOMATIC = ['failing', 'gone'];

interface Listener {
  name: string;
  types: string[];
  url: string;
  tenant: string;
  application?: string | undefined;
}

/** Makes the endpoint of a listener, or finds the one that an earlier start made, by the names in its metadata. */
export async function registerListener(
  endpoints: Endpoints,
  { name, types, url, tenant, application }: Listener,
): Promise<Registered> {
  const wanted = { url, event_types: types };
  for await (const one of endpoints.list({ tenant })) {
    if (one.metadata.listener !== name || one.metadata.application !== application) continue;
    if (one.url !== url || String(one.event_types) !== String(types)) await endpoints.update(one.id, wanted);
    await enableAgain(endpoints, one, name);
    return registered(endpoints, one.id, await readSecrets(endpoints, one.id));
  }
  const metadata: Record<string, string> = { listener: name };
  if (application !== undefined) metadata.application = application;
  const body = { ...wanted, tenant, metadata };
  // Two processes of an application that start at once make one endpoint.
  const idempotencyKey = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  const made = await endpoints.create(body, { idempotencyKey }).catch((error: unknown) => {
    // The endpoint that this key made has been deleted since.
    if (error instanceof ConflictError && error.code === 'idempotency_conflict')
      return endpoints.create(body);
    throw error;
  });
  return registered(endpoints, made.id, [keyOf(made)]);
}

/** The listener answers again. An endpoint that a person has disabled stays so. */
async function enableAgain(
  endpoints: Endpoints,
  { id, status, status_reason }: Row<'listEndpoints'>,
  name: string,
): Promise<void> {
  if (status !== 'disabled') return;
  if (AUTOMATIC.includes(status_reason ?? ''))
    await endpoints.enable(id, { reason: 'its listener is registered again' });
  else
    process.emitWarning(
      `The listener "${name}" gets nothing: its endpoint ${id} was disabled by hand. Enable the endpoint.`,
      'SurehookWarning',
    );
}

const registered = (endpoints: Endpoints, id: string, first: string[]): Registered => ({
  id,
  secret: first[0]!,
  secrets: createListenerSecrets(first, () =>
    readSecrets(endpoints, id, AbortSignal.timeout(SECRETS_TIMEOUT_MS)),
  ),
});

async function readSecrets(endpoints: Endpoints, id: string, signal?: AbortSignal): Promise<string[]> {
  const { secrets } = await endpoints.secret(id, signal ? { signal } : {});
  return secrets.map(keyOf);
}

/** The key that verifies: for ed25519 the public one. */
const keyOf = ({ secret, public_key }: { secret: string; public_key: string | null }) => public_key ?? secret;

import { MASK, TIMEOUT_MS } from '../../../../src/domain/endpoint';
import type { components, operations } from '../../api/schema';
import type { Endpoint } from '../../api/types';
import { pairsOf, recordOf, type Pair } from '../../components/pairs-input';
import { inSeconds, seconds } from '../../lib/seconds';
import { draftOf, filterOf, type FilterDraft } from './filter-draft';

export type NewEndpoint = operations['createEndpoint']['requestBody']['content']['application/json'];
export type EndpointChange = operations['updateEndpoint']['requestBody']['content']['application/json'];
type ExtraSignature = components['schemas']['Endpoint']['extra_signature'];

/** An endpoint as the form holds it: texts, where the API has numbers and null. */
export interface EndpointValues {
  url: string;
  event_types: string[];
  tenant: string;
  description: string;
  filter: FilterDraft;
  headers: Pair[];
  metadata: Pair[];
  timeout_ms: string;
  /** Waiting times, such as `30 s, 5 min`; empty: the default. */
  retry_schedule: string;
  retry_on: 'default' | 'all';
  permanent_statuses: string[];
  body: 'payload' | 'envelope';
  content_type: string;
  signature: 'hmac' | 'ed25519';
  secret: string;
  extra_signature: { header: string; prefix: string; encoding: 'hex' | 'base64'; secret: string };
  basic_auth: { username: string; password: string };
  client_certificate: { certificate: string; private_key: string };
  ca: string;
}

export const FIELDS = [
  ...([
    'url',
    'event_types',
    'tenant',
    'description',
    'filter',
    'headers',
    'metadata',
    'timeout_ms',
  ] as const),
  ...([
    'retry_schedule',
    'retry_on',
    'permanent_statuses',
    'body',
    'content_type',
    'signature',
    'secret',
  ] as const),
  ...(['extra_signature', 'basic_auth', 'client_certificate', 'ca'] as const),
] satisfies (keyof EndpointValues)[];

export function valuesOf(endpoint: Partial<Endpoint>): EndpointValues {
  const extra = endpoint.extra_signature;
  return {
    url: endpoint.url ?? '',
    event_types: endpoint.event_types ?? [],
    tenant: endpoint.tenant ?? '',
    description: endpoint.description ?? '',
    filter: draftOf(endpoint.filter ?? null),
    headers: pairsOf(endpoint.headers ?? {}),
    metadata: pairsOf(endpoint.metadata ?? {}),
    timeout_ms: inSeconds((endpoint.timeout_ms ?? TIMEOUT_MS.default) / 1_000),
    retry_schedule: (endpoint.retry_schedule ?? []).map(inSeconds).join(', '),
    retry_on: endpoint.retry_on ?? 'default',
    permanent_statuses: (endpoint.permanent_statuses ?? []).map(String),
    body: endpoint.body ?? 'payload',
    content_type: endpoint.content_type ?? '',
    signature: endpoint.signature ?? 'hmac',
    secret: '',
    extra_signature: {
      header: extra?.header ?? '',
      prefix: extra?.prefix ?? '',
      encoding: extra?.encoding ?? 'hex',
      secret: extra?.secret ?? '',
    },
    basic_auth: endpoint.basic_auth ?? { username: '', password: '' },
    client_certificate: endpoint.client_certificate ?? { certificate: '', private_key: '' },
    ca: endpoint.ca ?? '',
  };
}

/** The body of `PATCH` from the form; `POST` takes it with tenant and secret. Only after `problemsOf` found none. */
export function bodyOf(values: EndpointValues) {
  const { username, password } = values.basic_auth;
  const { certificate, private_key } = values.client_certificate;
  const schedule = scheduleOf(values.retry_schedule);
  return {
    url: values.url.trim(),
    event_types: values.event_types,
    description: values.description.trim() || null,
    filter: filterOf(values.filter) as EndpointChange['filter'],
    headers: recordOf(values.headers),
    metadata: recordOf(values.metadata),
    timeout_ms: Math.round((seconds(values.timeout_ms) ?? 0) * 1_000),
    retry_schedule: schedule.length > 0 ? (schedule as number[]) : null,
    retry_on: values.retry_on,
    permanent_statuses: values.permanent_statuses.map((status) =>
      /^\d+$/.test(status) ? Number(status) : (status as '5xx'),
    ),
    body: values.body,
    content_type: values.content_type.trim() || null,
    extra_signature: extraOf(values.extra_signature),
    basic_auth: username || password ? { username, password } : null,
    client_certificate: certificate || private_key ? { certificate, private_key } : null,
    ca: values.ca || null,
  };
}

/** A secret that is stored stays where it is left out. */
function extraOf({ header, prefix, encoding, secret }: EndpointValues['extra_signature']): ExtraSignature {
  if (!header.trim()) return null;
  const form = { header: header.trim(), prefix, encoding };
  return (secret === MASK ? form : { ...form, secret: secret || null }) as ExtraSignature;
}

export function newEndpointOf(values: EndpointValues): NewEndpoint {
  const { tenant, secret, signature } = values;
  return {
    ...bodyOf(values),
    ...(tenant.trim() && { tenant: tenant.trim() }),
    ...(secret.trim() ? { secret: secret.trim() } : { signature }),
  };
}

/** Only what differs: secrets that are shown as a mask stay as they are. */
export function changesOf(before: EndpointValues, after: EndpointValues): EndpointChange {
  const [old, now] = [bodyOf(before), bodyOf(after)];
  const changed = Object.entries(now).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(old[name as keyof typeof old]),
  );
  return Object.fromEntries(changed);
}

/** Seconds before each retry; null: a part that is no time. */
export const scheduleOf = (text: string): (number | null)[] =>
  text
    .split(/[,;\n]/)
    .filter((part) => part.trim())
    .map(seconds);

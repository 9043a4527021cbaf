import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import {
  adminKey,
  ancestors,
  count,
  databaseUrl,
  file,
  flag,
  key32,
  keys32,
  linkUrl,
  networks,
  origins,
  port,
  ports,
  processes,
  proxy,
  publicUrl,
  scale,
} from './config-values.js';
import { describeSettings, type Setting } from './config-settings.js';
import { WORKFLOW_MODES } from './domain/delivery.js';
import { MAX_QUOTA } from './domain/tenant.js';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const variables = z.object({
  PORT: port.default(8080),
  HOST: z.string().default('127.0.0.1'),
  METRICS_PORT: port.optional(),
  DATA_DIR: z.string().default('.surehook'),
  DATABASE_URL: databaseUrl.optional(),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s/@]+:\d+$/, 'must be host:port')
    .optional(),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_TLS: flag.default(false),
  TEMPORAL_API_KEY: z.string().optional(),
  TEMPORAL_UI_PORT: port.default(8233),
  TEMPORAL_UI_URL: linkUrl.optional(),
  SUREHOOK_ADMIN_KEY: adminKey.optional(),
  SUREHOOK_ENCRYPTION_KEY: key32.optional(),
  SUREHOOK_ENCRYPTION_KEYS: keys32.optional(),
  SUREHOOK_TENANT_MAX_ENDPOINTS: count(MAX_QUOTA.endpoints).optional(),
  SUREHOOK_TENANT_MAX_EVENTS_PER_SECOND: count(MAX_QUOTA.eventsPerSecond)
    .refine((number) => number > 0, 'must be above 0')
    .optional(),
  SUREHOOK_ALLOW_NETWORKS: networks.optional(),
  SUREHOOK_ALLOW_PORTS: ports.optional(),
  SUREHOOK_PROXY: proxy.optional(),
  SUREHOOK_PUBLIC_URL: publicUrl.optional(),
  SUREHOOK_CORS_ORIGINS: origins.optional(),
  SUREHOOK_PORTAL_FRAME_ANCESTORS: ancestors.optional(),
  SUREHOOK_PORTAL_CSS: file.optional(),
  SUREHOOK_RETRY_SCALE: scale.default(1),
  SUREHOOK_WORKFLOWS: z.enum(WORKFLOW_MODES, 'must be all, open or none').default('all'),
  SUREHOOK_ATTEMPTS: flag.default(true),
  SUREHOOK_PROCESSES: processes.optional(),
  '--processes': processes.optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
});
/** The variables of the environment. */
export const CONFIG_NAMES = Object.keys(variables.shape).filter((name) => !name.startsWith('--'));

const schema = variables.transform((env) => ({
  port: env.PORT,
  host: env.HOST,
  /** Null: an API serves metrics on `port`; a worker in a process of its own listens nowhere. */
  metricsPort: env.METRICS_PORT ?? null,
  dataDir: resolve(env.DATA_DIR),
  /** Null: the embedded Postgres. */
  databaseUrl: env.DATABASE_URL ?? null,
  temporal: {
    /** Null: the embedded dev server. */
    address: env.TEMPORAL_ADDRESS ?? null,
    namespace: env.TEMPORAL_NAMESPACE,
    tls: env.TEMPORAL_TLS,
    apiKey: env.TEMPORAL_API_KEY ?? null,
  },
  temporalUiPort: env.TEMPORAL_UI_PORT,
  temporalUiUrl: env.TEMPORAL_UI_URL ?? null,
  adminKey: env.SUREHOOK_ADMIN_KEY ?? null,
  /** The first one encrypts. Null: the file ENCRYPTION_KEY_FILE in `dataDir`. */
  encryptionKeys:
    env.SUREHOOK_ENCRYPTION_KEYS ?? (env.SUREHOOK_ENCRYPTION_KEY ? [env.SUREHOOK_ENCRYPTION_KEY] : null),
  /** Quotas of tenants without their own; null: unlimited. */
  quotas: {
    maxEndpoints: env.SUREHOOK_TENANT_MAX_ENDPOINTS ?? null,
    maxEventsPerSecond: env.SUREHOOK_TENANT_MAX_EVENTS_PER_SECOND ?? null,
  },
  allowNetworks: env.SUREHOOK_ALLOW_NETWORKS ?? null,
  /** Null: every port. */
  allowPorts: env.SUREHOOK_ALLOW_PORTS ?? null,
  /** Null: requests go to receivers directly. */
  proxy: env.SUREHOOK_PROXY ?? null,
  /** The base of links to the portal; null: the URL that the API listens on. */
  publicUrl: env.SUREHOOK_PUBLIC_URL ?? null,
  /** Origins of the pages that may frame the portal, and a file with styles for it. */
  portal: {
    ancestors: env.SUREHOOK_PORTAL_FRAME_ANCESTORS ?? [],
    css: env.SUREHOOK_PORTAL_CSS ?? null,
  },
  /** Origins of the pages that may call the API. */
  corsOrigins: env.SUREHOOK_CORS_ORIGINS ?? [],
  retryScale: env.SUREHOOK_RETRY_SCALE,
  /** The events that get a workflow. */
  workflows: env.SUREHOOK_WORKFLOWS,
  /** False: this process makes no attempts. */
  attempts: env.SUREHOOK_ATTEMPTS,
  /** For `npm start`: half of the cores are left to Postgres and Temporal. */
  processes:
    env['--processes'] ?? env.SUREHOOK_PROCESSES ?? Math.max(1, Math.floor(availableParallelism() / 2)),
  logLevel: env.LOG_LEVEL,
}));

export type Config = z.infer<typeof schema> & { settings: Setting[] };

/** Faults that depend on more than one variable. */
function crossFaults(env: NodeJS.ProcessEnv): string[] {
  const keys =
    env.SUREHOOK_ENCRYPTION_KEY && env.SUREHOOK_ENCRYPTION_KEYS
      ? ['SUREHOOK_ENCRYPTION_KEY, SUREHOOK_ENCRYPTION_KEYS: set one of them; the second is a list']
      : [];
  return [...keys, ...temporalFaults(env)];
}

function temporalFaults(env: NodeJS.ProcessEnv): string[] {
  if (env.TEMPORAL_ADDRESS) return [];
  const foreign = [
    ...((env.TEMPORAL_NAMESPACE ?? 'default') === 'default' ? [] : ['TEMPORAL_NAMESPACE']),
    ...(env.TEMPORAL_TLS === 'true' ? ['TEMPORAL_TLS'] : []),
    ...(env.TEMPORAL_API_KEY ? ['TEMPORAL_API_KEY'] : []),
  ];
  const { PORT: port = '8080', TEMPORAL_UI_PORT: uiPort = '8233' } = env;
  return [
    ...(foreign.length
      ? [`${foreign.join(', ')}: only for a Temporal of your own; set TEMPORAL_ADDRESS, too`]
      : []),
    ...(Number(port) === Number(uiPort) && Number(port) !== 0
      ? [`PORT, TEMPORAL_UI_PORT: both are ${port}; the API and the Web UI need a port each`]
      : []),
  ];
}

/** Invalid configuration; the message has one line per fault, each naming its variables. */
export class ConfigError extends Error {}

/** Parses `--processes`, the only argument; it is validated with the variables and overrides SUREHOOK_PROCESSES. */
function argumentsOf(args: string[]): Record<string, string> {
  try {
    const { processes } = parseArgs({ args, options: { processes: { type: 'string' } } }).values;
    return processes === undefined ? {} : { '--processes': processes };
  } catch (error) {
    // Without values: an argument that was meant for something else may hold a key.
    const names = args.flatMap((arg) => /^--[\w-]+/.exec(arg) ?? []);
    const message = `${names.join(' ') || 'arguments'}: the only argument is --processes with a number`;
    throw new ConfigError(message, { cause: error });
  }
}

/** Reads the environment once; an empty variable counts as unset. Throws one ConfigError that lists every fault. */
export function loadConfig(env: NodeJS.ProcessEnv, args: string[] = []): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const given: Record<string, string | undefined> = { ...set, ...argumentsOf(args) };
  const parsed = schema.safeParse(given);
  const issues = parsed.error?.issues ?? [];
  const faults = [...issues.map(({ path, message }) => `${path.join('.')}: ${message}`), ...crossFaults(set)];
  if (parsed.success && faults.length === 0) {
    const processes = given['--processes'] ?? given.SUREHOOK_PROCESSES;
    const values = { ...variables.parse(given), SUREHOOK_PROCESSES: parsed.data.processes };
    const settings = describeSettings(CONFIG_NAMES, values, { ...given, SUREHOOK_PROCESSES: processes });
    return { ...parsed.data, settings };
  }
  throw new ConfigError(faults.join('\n'));
}

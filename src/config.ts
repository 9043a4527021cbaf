import { resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port, 0 to 65535')
  .transform(Number)
  .refine((number) => number <= 65_535, 'must be a port, 0 to 65535');
const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');
const networks = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .refine((cidrs) => cidrs.every((cidr) => ipaddr.isValidCIDR(cidr)), 'must be CIDRs joined by commas');
const key32 = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes in base64 (openssl rand -base64 32)');
const count = z
  .string()
  .regex(/^\d{1,6}$/, 'must be a whole number')
  .transform(Number);
const scale = z
  .string()
  .transform(Number)
  .refine((factor) => factor > 0 && Number.isFinite(factor), 'must be a number above 0');

const schema = z
  .object({
    PORT: port.default(8080),
    HOST: z.string().default('127.0.0.1'),
    DATA_DIR: z.string().default('.surehook'),
    DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' }).optional(),
    TEMPORAL_ADDRESS: z
      .string()
      .regex(/^[^\s/]+:\d+$/, 'must be host:port')
      .optional(),
    TEMPORAL_NAMESPACE: z.string().default('default'),
    TEMPORAL_TLS: flag.default(false),
    TEMPORAL_API_KEY: z.string().optional(),
    TEMPORAL_UI_PORT: port.default(8233),
    TEMPORAL_UI_URL: z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).optional(),
    SUREHOOK_ADMIN_KEY: z.string().min(16, 'must be at least 16 characters').optional(),
    SUREHOOK_ENCRYPTION_KEY: key32.optional(),
    SUREHOOK_ALLOW_NETWORKS: networks.optional(),
    SUREHOOK_RETRY_SCALE: scale.default(1),
    SUREHOOK_LANE: z.enum(['auto', 'workflow', 'direct'], 'must be auto, workflow or direct').default('auto'),
    SUREHOOK_DIRECT_ABOVE: count.default(64),
    SUREHOOK_WORKFLOW_FOR_DELIVERED: flag.default(true),
    LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
  })
  .transform((env) => ({
    port: env.PORT,
    host: env.HOST,
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
    encryptionKey: env.SUREHOOK_ENCRYPTION_KEY ?? null,
    allowNetworks: env.SUREHOOK_ALLOW_NETWORKS ?? null,
    retryScale: env.SUREHOOK_RETRY_SCALE,
    lanes: {
      lane: env.SUREHOOK_LANE,
      directAbove: env.SUREHOOK_DIRECT_ABOVE,
      workflowForEnded: env.SUREHOOK_WORKFLOW_FOR_DELIVERED,
    },
    logLevel: env.LOG_LEVEL,
  }));

export type Config = z.infer<typeof schema>;

/** One line per fault, each naming its variable. */
export class ConfigError extends Error {}

/** Reads the environment once; an empty variable counts as unset. Throws one error that lists every fault. */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'),
  );
}

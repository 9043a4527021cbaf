import { z } from 'zod';
import { WORKFLOW_MODES } from '../../domain/delivery.js';
import { count, instant } from './common.js';

const text = z.string().nullable();

export const settings = z
  .object({
    version: z.string().meta({ description: 'Of Surehook.' }),
    node: z.string().meta({ description: 'Version of Node.' }),
    processes: count.meta({ description: 'Processes that show that they live: see `GET /v1/processes`.' }),
    makes_attempts: z.boolean().meta({ description: 'Whether the process that answers makes attempts.' }),
    workflows: z.enum(WORKFLOW_MODES).meta({ description: 'The events that get a workflow.' }),
    public_url: z.string().meta({ description: 'Links to the portal begin with it.' }),
    database: z
      .object({ host: z.string(), port: z.int(), name: z.string() })
      .meta({ description: 'Never with user and password.' }),
    temporal: z.object({
      address: z.string(),
      namespace: z.string(),
      tls: z.boolean(),
      ui_url: text,
    }),
    egress: z.object({
      allow_networks: z
        .array(z.string())
        .meta({ description: 'Networks that requests may go to besides public addresses.' }),
      allow_ports: z.array(z.int()).nullable().meta({ description: 'Null: every port.' }),
      proxy: text.meta({ description: 'Without its credentials; null: requests go to receivers directly.' }),
    }),
    retry_policy: z.object({
      max_attempts: count,
      initial_seconds: z.number(),
      coefficient: z.number(),
      max_seconds: z.number(),
      scale: z.number().meta({ description: 'Every delay is multiplied by it.' }),
    }),
    limits: z.object({
      payload_bytes: count,
      batch_events: count,
      endpoints_per_tenant: count.nullable().meta({ description: 'Null: unlimited.' }),
      events_per_second_per_tenant: count.nullable().meta({ description: 'Null: unlimited.' }),
    }),
    settings: z
      .array(
        z.object({
          name: z.string(),
          value: text.meta({
            description: 'As text, without credentials; null: not set. Of a secret: `set` or `not set`.',
          }),
          source: z.enum(['environment', 'default']),
          secret: z.boolean(),
        }),
      )
      .meta({ description: 'The variables of the environment, each with its value or its default.' }),
  })
  .meta({ id: 'Settings' });

export const processList = z
  .object({
    data: z
      .array(
        z.object({
          id: z.string(),
          started_at: instant,
          heartbeat_at: instant.meta({ description: 'Twice a second while the process lives.' }),
          alive: z.boolean().meta({ description: 'False: silent for 10 seconds, its claims are over.' }),
          makes_attempts: z.boolean(),
          paused: text.meta({ description: 'The reason in its file PAUSE; null: there is none.' }),
        }),
      )
      .meta({ description: 'The oldest first, at most 1,000.' }),
  })
  .meta({ id: 'ProcessList' });

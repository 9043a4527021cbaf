import { unknownEndpoints } from '../db/endpoints.js';
import { namesWithSchema, schemaOf } from '../db/event-type-lists.js';
import { findByKey } from '../db/events.js';
import { createKeyedDigest } from '../db/keyed-digest.js';
import { createPool } from '../db/pool.js';
import { worstEndpoints } from '../db/stats.js';
import { listEventRates } from '../db/tenant-quotas.js';
import { createLive } from '../http/live.js';
import { readLive } from '../db/live.js';
import type { OpenCounts } from '../db/open-counts.js';
import { createPayloadSchemas } from '../delivery/payload-schemas.js';
import { createTenantRates } from '../delivery/tenant-rates.js';
import { createApp } from '../http/app.js';
import { BUILT_PAGE, readPage } from '../http/page/files.js';
import { startServer } from '../http/server.js';
import { createTestLimit } from '../http/test-limit.js';
import { withConcurrencyLimit } from '../lib/batcher.js';
import { sharedAnswers } from '../lib/shared-answer.js';
import type { Acceptance, Readiness } from '../observability/readiness.js';
import type { AddressGuard } from '../webhook/address-guard.js';
import { startAuth } from './auth.js';
import type { Delivery } from './delivery.js';
import { LOOK_UPS, type DeliveryParts } from './delivery-parts.js';
import { reachable } from './public-url.js';
import { readSettings } from './installation.js';
import { createRedemptions } from './redemptions.js';
import { VERSION } from './version.js';
import type { ServiceOptions } from './service-options.js';

export const CONTROL_CONNECTIONS = 2;
/** Reading them takes longer than all the other statistics; the list changes little. */
const FAILING_KEPT_MS = 10_000;

/** Steps that release resources, in the order the resources were taken. */
export type Release = (() => Promise<unknown>)[];

export interface Served extends DeliveryParts {
  guard: AddressGuard;
  acceptance: Acceptance;
  readiness: () => Promise<Readiness>;
  /** Counted a moment ago, for all who ask. */
  openCounts: () => Promise<OpenCounts>;
  release: Release;
}

/** Returns the URL it listens on. */
export async function startApi(options: ServiceOptions, served: Served, delivery: Delivery): Promise<string> {
  const { pool, workflows, control, guard, retryPolicy, metrics, acceptance, release } = served;
  const { temporal, log } = options;
  const ui = temporal.uiUrl && `${temporal.uiUrl}/namespaces/${temporal.namespace}/workflows`;
  const controlPool = createPool(options.databaseUrl, CONTROL_CONNECTIONS);
  release.push(() => controlPool.end());
  const { quotas = { maxEndpoints: null, maxEventsPerSecond: null } } = options;
  const tenantRates = await createTenantRates({
    defaultPerSecond: quotas.maxEventsPerSecond,
    load: (ids) => listEventRates(pool, ids),
    control,
    log,
  });
  release.push(() => tenantRates.close());
  const live = createLive({
    read: (place, scopes) => readLive(pool, place, scopes),
    open: served.openCounts,
    log,
  });
  let ownUrl = '';
  const publicUrl = () => options.publicUrl ?? reachable(ownUrl);
  const makesAttempts = delivery.runner !== null;
  const app = createApp({
    pool,
    controlPool,
    live,
    worstEndpoints: sharedAnswers(FAILING_KEPT_MS, (of) => worstEndpoints(pool, of)),
    ...startAuth(options, served, controlPool, release),
    redeemPortalSession: createRedemptions(pool),
    page: await readPage(options.dashboardDir ?? BUILT_PAGE, options.portal?.css ?? null),
    portalAncestors: options.portal?.ancestors ?? [],
    publicUrl,
    readSettings: () => readSettings(options, { pool, retryPolicy, makesAttempts, publicUrl: publicUrl() }),
    guard,
    secrets: served.secrets,
    keyedDigest: createKeyedDigest(pool, served.secrets),
    readSending: served.readSending,
    sender: served.sender,
    testLimit: createTestLimit(),
    sendsHere: makesAttempts,
    version: VERSION,
    accept: acceptance.watch(delivery.accept),
    findByKey: withConcurrencyLimit((event) => findByKey(pool, event), LOOK_UPS),
    payloadSchemas: createPayloadSchemas(
      { names: () => namesWithSchema(pool), schema: (name) => schemaOf(pool, name) },
      control,
      log,
    ),
    unknownEndpoints: withConcurrencyLimit(
      ({ tenant, endpointIds }) => unknownEndpoints(pool, tenant, endpointIds),
      LOOK_UPS,
    ),
    workflowMode: options.workflows ?? 'all',
    workflows,
    control,
    ...{ quotas, tenantRates },
    readiness: served.readiness,
    metrics,
    corsOrigins: options.corsOrigins ?? [],
    exposesMetrics: (options.metricsPort ?? null) === null,
    workflowUrl: (id) => ui && `${ui}/${encodeURIComponent(id)}`,
    shownReason: (reason) => reason,
    maxAttempts: retryPolicy.maximumAttempts,
    log,
  });
  const server = await startServer(app, options);
  release.push(() => server.close());
  // Before the server: it waits for requests under way.
  release.push(() => live.close());
  ownUrl = server.url;
  return ownUrl;
}

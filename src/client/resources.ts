import type { Answer, Body, Filters, OperationId, Row } from './operations.js';
import { Pages, type Page } from './pages.js';
import type { RequestOptions, Send } from './request.js';

const part = encodeURIComponent;

/** The objects of the API, each with its operations; names and fields are those of the OpenAPI document. */
export function createResources(send: Send) {
  const get =
    <Id extends OperationId>(path: (id: string) => string) =>
    (id: string, options?: RequestOptions) =>
      send<Answer<Id>>('GET', path(part(id)), options);
  const list =
    <Id extends OperationId>(path: string) =>
    (filters?: Filters<Id>, options?: RequestOptions) =>
      pages<Row<Id>>(path, filters, options);
  const create =
    <Id extends OperationId>(path: string) =>
    (body: Body<Id>, options?: RequestOptions) =>
      send<Answer<Id>>('POST', path, { ...options, body });
  const change =
    <Id extends OperationId>(path: (id: string) => string) =>
    (id: string, body: Body<Id>, options?: RequestOptions) =>
      send<Answer<Id>>('PATCH', path(part(id)), { ...options, body });
  const remove = (path: (id: string) => string) => (id: string, options?: RequestOptions) =>
    send<null>('DELETE', path(part(id)), options);
  /** An action on one object; its body may be left out where the API lets it. */
  const act =
    <Id extends OperationId>(path: (id: string) => string, defaults?: RequestOptions) =>
    (id: string, body?: Body<Id>, options?: RequestOptions) =>
      send<Answer<Id>>('POST', path(part(id)), {
        ...defaults,
        ...options,
        ...(body === undefined ? {} : { body }),
      });

  function pages<R>(path: string, filters?: object, options?: RequestOptions): Pages<R> {
    const page = (query: object | undefined) => send<Page<R>>('GET', path, { ...options, query });
    return new Pages(page(filters), (cursor) => page({ ...filters, cursor }));
  }

  return {
    events: {
      get: get<'getEvent'>((id) => `/v1/events/${id}`),
      /** The event as JSON text, which has the payload byte for byte. */
      text: (id: string, options?: RequestOptions) =>
        send<string>('GET', `/v1/events/${part(id)}`, { ...options, asText: true }),
      list: list<'listEvents'>('/v1/events'),
      /** Events whose payload has a text, newest first. */
      search: (filters: Filters<'searchEvents'>, options?: RequestOptions) =>
        pages<Row<'searchEvents'>>('/v1/events/search', filters, options),
      /** Up to 1,000 events in a request, each with a result of its own. */
      createMany: create<'postEvents'>('/v1/events/batch'),
    },
    endpoints: {
      create: create<'createEndpoint'>('/v1/endpoints'),
      get: get<'getEndpoint'>((id) => `/v1/endpoints/${id}`),
      list: list<'listEndpoints'>('/v1/endpoints'),
      update: change<'updateEndpoint'>((id) => `/v1/endpoints/${id}`),
      delete: remove((id) => `/v1/endpoints/${id}`),
      pause: act<'pauseEndpoint'>((id) => `/v1/endpoints/${id}/pause`),
      resume: act<'resumeEndpoint'>((id) => `/v1/endpoints/${id}/resume`),
      enable: act<'enableEndpoint'>((id) => `/v1/endpoints/${id}/enable`),
      disable: act<'disableEndpoint'>((id) => `/v1/endpoints/${id}/disable`),
      /** Is not tried again by itself: each try sends a sample. */
      test: act<'testEndpoint'>((id) => `/v1/endpoints/${id}/test`, { maxRetries: 0 }),
      secret: get<'getEndpointSecret'>((id) => `/v1/endpoints/${id}/secret`),
      rotateSecret: act<'rotateEndpointSecret'>((id) => `/v1/endpoints/${id}/rotate-secret`),
      stats: get<'getEndpointStats'>((id) => `/v1/endpoints/${id}/stats`),
      /** Which endpoints an event would reach, and why not the others. */
      match: create<'matchEndpoints'>('/v1/endpoints/match'),
    },
    eventTypes: {
      create: create<'createEventType'>('/v1/event-types'),
      get: get<'getEventType'>((name) => `/v1/event-types/${name}`),
      list: list<'listEventTypes'>('/v1/event-types'),
      update: change<'updateEventType'>((name) => `/v1/event-types/${name}`),
      delete: remove((name) => `/v1/event-types/${name}`),
      importOpenApi: create<'importEventTypes'>('/v1/event-types/import/openapi'),
    },
    deliveries: {
      get: get<'getDelivery'>((id) => `/v1/deliveries/${id}`),
      list: list<'listDeliveries'>('/v1/deliveries'),
      retry: act<'retryDelivery'>((id) => `/v1/deliveries/${id}/retry`),
      cancel: act<'cancelDelivery'>((id) => `/v1/deliveries/${id}/cancel`),
      cancelMany: create<'cancelDeliveries'>('/v1/deliveries/cancel'),
    },
    attempts: {
      /** A page of the feed of attempts: the newest, or those after its cursor. */
      feed: (filters?: Filters<'listAttempts'>, options?: RequestOptions) =>
        send<Answer<'listAttempts'>>('GET', '/v1/attempts', { ...options, query: filters }),
    },
    batches: {
      create: create<'createBatch'>('/v1/batches'),
      get: get<'getBatch'>((id) => `/v1/batches/${id}`),
      list: list<'listBatches'>('/v1/batches'),
      update: change<'updateBatch'>((id) => `/v1/batches/${id}`),
      items: (id: string, filters?: Filters<'listBatchItems'>, options?: RequestOptions) =>
        pages<Row<'listBatchItems'>>(`/v1/batches/${part(id)}/items`, filters, options),
      start: act<'startBatch'>((id) => `/v1/batches/${id}/start`),
      pause: act<'pauseBatch'>((id) => `/v1/batches/${id}/pause`),
      resume: act<'resumeBatch'>((id) => `/v1/batches/${id}/resume`),
      cancel: act<'cancelBatch'>((id) => `/v1/batches/${id}/cancel`),
    },
    issues: {
      list: list<'listIssues'>('/v1/issues'),
      acknowledge: act<'acknowledgeIssue'>((id) => `/v1/issues/${id}/acknowledge`),
      reopen: act<'reopenIssue'>((id) => `/v1/issues/${id}/reopen`),
    },
    control: {
      get: (options?: RequestOptions) => send<Answer<'getControl'>>('GET', '/v1/control', options),
      /** The kill switch: within a second nothing more is sent; events are accepted and held. */
      pause: create<'pauseDeliveries'>('/v1/control/pause'),
      resume: create<'resumeDeliveries'>('/v1/control/resume'),
    },
    tenants: {
      create: create<'createTenant'>('/v1/tenants'),
      get: get<'getTenant'>((id) => `/v1/tenants/${id}`),
      list: list<'listTenants'>('/v1/tenants'),
      update: change<'updateTenant'>((id) => `/v1/tenants/${id}`),
      delete: remove((id) => `/v1/tenants/${id}`),
    },
    apiKeys: {
      create: create<'createApiKey'>('/v1/api-keys'),
      get: get<'getApiKey'>((id) => `/v1/api-keys/${id}`),
      list: list<'listApiKeys'>('/v1/api-keys'),
      revoke: act<'revokeApiKey'>((id) => `/v1/api-keys/${id}/revoke`),
    },
    portalSessions: {
      create: create<'createPortalSession'>('/v1/portal-sessions'),
      get: get<'getPortalSession'>((id) => `/v1/portal-sessions/${id}`),
      list: list<'listPortalSessions'>('/v1/portal-sessions'),
      revoke: act<'revokePortalSession'>((id) => `/v1/portal-sessions/${id}/revoke`),
      revokeAll: create<'revokePortalSessions'>('/v1/portal-sessions/revoke'),
    },
    audit: { list: list<'listAudit'>('/v1/audit') },
    stats: (filters?: Filters<'getStats'>, options?: RequestOptions) =>
      send<Answer<'getStats'>>('GET', '/v1/stats', { ...options, query: filters }),
  };
}

/** Limits of a tenant; null: unlimited. */
export interface TenantQuotas {
  /** Registered endpoints; those made by POST /v1/send do not count. */
  maxEndpoints: number | null;
  /** Events accepted by one process in a second. */
  maxEventsPerSecond: number | null;
}

/** Largest quotas that can be set. */
export const MAX_QUOTA = { endpoints: 1_000_000, eventsPerSecond: 1_000_000 };

/** The operator's own tenant: its endpoints get events about Surehook itself. */
export const OPERATOR_TENANT = 'surehook';

export const OPERATIONAL_TYPES = [
  'endpoint.failing',
  'endpoint.disabled',
  'endpoint.recovered',
  'delivery.failed',
  'batch.ended',
  'control.paused',
] as const;

export type OperationalType = (typeof OPERATIONAL_TYPES)[number];

/** Whether an idempotency key may be that of an event about Surehook: with the key taken, that event would be lost. */
export const isReservedKey = (tenant: string, key: string): boolean =>
  tenant === OPERATOR_TENANT && OPERATIONAL_TYPES.some((type) => key.startsWith(`${type}/`));

/** Whether only Surehook may publish this: a receiver can rely on it. */
export const isReserved = (tenant: string, type: string): boolean =>
  tenant === OPERATOR_TENANT && (OPERATIONAL_TYPES as readonly string[]).includes(type);

import type { components } from './schema.js';

type Schemas = components['schemas'];

export type Attempt = Schemas['Attempt'];
export type Classification = Schemas['Classification'];
export type Delivery = Schemas['Delivery'];
export type DeliveryWithAttempts = Schemas['DeliveryWithAttempts'];
export type DeliveryStatus = Schemas['DeliveryStatus'];
export type Endpoint = Schemas['Endpoint'];
export type ListedEvent = Schemas['EventWithOutcome'];
export type LiveTick = Schemas['LiveTick'];
export type Batch = Schemas['Batch'];
export type BatchItem = Schemas['BatchItem'];
export type AuditEntry = Schemas['AuditEntry'];
export type ApiKey = Schemas['ApiKey'];
export type NewApiKey = Schemas['NewApiKey'];
export type Issue = Schemas['Issue'];
export type Settings = Schemas['Settings'];
export type Control = Schemas['Control'];
export type Readiness = Schemas['Readiness'];

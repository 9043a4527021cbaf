-- Ids are a prefix and a UUIDv7 in hex: compared byte by byte (collation C) they sort by time, so the partitioned
-- tables are partitioned by the id itself, and a look-up by id alone reads one partition.

-- A new id of a moment: prefix, milliseconds, version and variant of a UUIDv7 around a random UUID's bits.
create function new_id(prefix text, at timestamptz) returns text language sql volatile as $$
  select prefix || '_' || lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7'
    || substr(replace(gen_random_uuid()::text, '-', ''), 14)
$$;

create table tenants (
  id text collate "C" primary key,
  created_at timestamptz not null default now()
);

create table endpoints (
  id text collate "C" primary key,
  tenant text collate "C" not null references tenants,
  url text not null,
  event_types text[] not null,
  description text,
  headers jsonb not null default '{}',
  timeout_ms integer not null,
  retry_on text not null default 'default' check (retry_on in ('default', 'all')),
  status text not null default 'enabled' check (status in ('enabled', 'paused', 'disabled')),
  status_reason text,
  -- Made by POST /v1/send for a URL nobody registered: a digest of tenant, URL and headers. Never matched, never listed.
  ad_hoc_key text unique,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Deleted endpoints stay, so that their deliveries can still be explained.
  deleted_at timestamptz
);
create index endpoints_of_tenant on endpoints (tenant, id) where deleted_at is null;

create table endpoint_secrets (
  id text collate "C" primary key,
  endpoint_id text collate "C" not null references endpoints,
  -- AES-256-GCM: nonce, tag, ciphertext.
  sealed bytea not null,
  created_at timestamptz not null default now()
);
create index endpoint_secrets_of_endpoint on endpoint_secrets (endpoint_id, id);

create table idempotency_keys (
  tenant text collate "C" not null,
  key text collate "C" not null,
  event_id text collate "C" not null,
  request_hash bytea not null,
  -- Counts the events that used this key, one after the other: part of the workflow id from the second on.
  generation integer not null default 1,
  accepted_at timestamptz not null default now(),
  primary key (tenant, key)
);

create table events (
  id text collate "C" primary key,
  tenant text collate "C" not null,
  type text not null,
  -- The sender's own text: the bytes signed are the bytes sent are the bytes posted.
  payload text not null,
  idempotency_key text not null,
  workflow_id text not null,
  created_at timestamptz not null
) partition by range (id);
create index events_of_tenant on events (tenant, id desc);

create table deliveries (
  id text collate "C" primary key,
  event_id text collate "C" not null,
  endpoint_id text collate "C" not null,
  tenant text collate "C" not null,
  event_type text not null,
  status text not null default 'PENDING'
    check (status in ('PENDING', 'IN_PROGRESS', 'HELD', 'DELIVERED', 'FAILED', 'CANCELLED')),
  -- Why it is in this state, in words for a person; set by whoever changed it.
  status_reason text,
  attempt_count integer not null default 0,
  max_attempts integer not null,
  next_attempt_at timestamptz,
  last_classification text,
  source_delivery_id text collate "C",
  batch_id text collate "C",
  workflow_id text not null,
  created_at timestamptz not null,
  completed_at timestamptz
) partition by range (id);
create index deliveries_of_event on deliveries (event_id);
create index deliveries_of_endpoint on deliveries (endpoint_id, id desc);
create index deliveries_of_tenant on deliveries (tenant, id desc);
-- Open work has indexes of its own, small however long the history grows.
create index deliveries_pending on deliveries (id) where status = 'PENDING';
create index deliveries_held on deliveries (endpoint_id, id) where status = 'HELD';

create table attempts (
  id text collate "C" primary key,
  delivery_id text collate "C" not null,
  number integer not null,
  started_at timestamptz not null,
  latency_ms double precision not null,
  classification text not null,
  http_status integer,
  detail jsonb not null
) partition by range (id);
create index attempts_of_delivery on attempts (delivery_id, number);

-- Rows outside every dated partition are kept here: never an error, never lost.
create table events_default partition of events default;
create table deliveries_default partition of deliveries default;
create table attempts_default partition of attempts default;

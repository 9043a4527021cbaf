-- Ids are a prefix and a UUIDv7 in hex: compared byte by byte (collation C) they sort by time, so the partitioned
-- tables are partitioned by the id itself, and a look-up by id alone reads one partition.

-- A new id of a moment: prefix, milliseconds, version and variant of a UUIDv7 around a random UUID's bits.
create function new_id(prefix text, at timestamptz) returns text language sql volatile as $$
  select prefix || '_' || lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7'
    || substr(replace(gen_random_uuid()::text, '-', ''), 14)
$$;

-- A text sealed with the encryption key: a start with another key is refused. One row, written by the first start.
create table encryption_check (
  one boolean primary key default true check (one),
  sealed bytea not null,
  created_at timestamptz not null default now()
);

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
  -- Content type of requests whose event has none; null: JSON.
  content_type text,
  timeout_ms integer not null,
  retry_on text not null default 'default' check (retry_on in ('default', 'all')),
  status text not null default 'enabled' check (status in ('enabled', 'paused', 'disabled')),
  status_reason text,
  -- First failure since the last successful attempt; null while attempts succeed.
  failing_since timestamptz,
  -- Made by POST /v1/send for a URL nobody registered: a digest of tenant, URL and headers. Never matched, never listed,
  -- and deleted when it has had no event for 30 days; `updated_at` is its last use, to the day.
  ad_hoc_key text unique,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Deleted endpoints stay, so that their deliveries can still be explained.
  deleted_at timestamptz
);
create index endpoints_of_tenant on endpoints (tenant, id) where deleted_at is null and ad_hoc_key is null;
create index endpoints_ad_hoc on endpoints (updated_at) where ad_hoc_key is not null;

create table endpoint_secrets (
  id text collate "C" primary key,
  endpoint_id text collate "C" not null references endpoints,
  -- AES-256-GCM: nonce, tag, ciphertext.
  sealed bytea not null,
  created_at timestamptz not null default now()
);
create index endpoint_secrets_of_endpoint on endpoint_secrets (endpoint_id, id);

-- The patterns of endpoints.event_types, one row each: an event reads only the endpoints it reaches.
create table subscriptions (
  tenant text collate "C" not null,
  pattern text collate "C" not null,
  endpoint_id text collate "C" not null references endpoints,
  primary key (tenant, pattern, endpoint_id)
);
create index subscriptions_of_endpoint on subscriptions (endpoint_id);

create function update_subscriptions() returns trigger language plpgsql as $$
begin
  delete from subscriptions where endpoint_id = new.id;
  if new.deleted_at is null then
    insert into subscriptions (tenant, pattern, endpoint_id)
    select distinct new.tenant, pattern, new.id from unnest(new.event_types) pattern;
  end if;
  return null;
end $$;
create trigger subscriptions after insert or update of event_types, deleted_at on endpoints
  for each row execute function update_subscriptions();

create table idempotency_keys (
  tenant text collate "C" not null,
  key text collate "C" not null,
  event_id text collate "C" not null,
  request_hash bytea not null,
  -- Number of events that used this key, one after the other: part of the workflow id from the second on.
  generation integer not null default 1,
  accepted_at timestamptz not null default now(),
  -- Ids of events of earlier generations.
  earlier_event_ids text[] collate "C",
  primary key (tenant, key)
);

-- Idempotency keys of requests that create something other than an event. One row a key, written by the transaction that
-- creates, so that two requests with one key at the same time create once.
create table request_keys (
  -- Empty where the created thing belongs to no tenant.
  tenant text collate "C" not null,
  route text collate "C" not null,
  key text collate "C" not null,
  request_hash bytea not null,
  -- The id of the created row: the answer is rebuilt from that row, so no secret is stored here.
  object text collate "C",
  accepted_at timestamptz not null default now(),
  primary key (tenant, route, key)
);

create table events (
  id text collate "C" primary key,
  tenant text collate "C" not null,
  type text not null,
  -- The sender's own text: the bytes signed are the bytes sent are the bytes posted.
  payload text not null,
  -- Null for most: no own headers, JSON.
  headers jsonb,
  content_type text,
  idempotency_key text not null,
  workflow_id text not null,
  -- For endpoints that were named (POST /v1/send, endpoint_ids): the others have not missed it.
  targeted boolean not null default false,
  -- The last endpoint that has its delivery while others still wait for theirs; null: all have.
  fan_out_after text collate "C",
  -- Deliveries created with the event; replays and retries excluded. Complete when fan_out_after is null.
  delivery_count integer not null,
  created_at timestamptz not null,
  -- The feed is ordered by the transaction that inserted an event, then by id. A reader sees only transactions below the
  -- oldest one still open: nothing can be inserted there any more, however late its commit.
  xid xid8 not null default pg_current_xact_id()
) partition by range (id);
-- Compressing a payload by the default method takes a third of the time that an event takes here.
do $$ begin
  alter table events alter column payload set compression lz4;
exception when feature_not_supported then
  alter table events alter column payload set storage external;
end $$;
create index events_by_tenant on events (tenant, id, type);
create index events_by_type on events (type, id, tenant);
-- Ascending, so an insert appends to the last page of the index.
create index events_by_xid on events (xid, id);
create index events_fanning_out on events (id) where fan_out_after is not null;

-- Deliveries that have not ended. A small table of much change: few indexes, none of a claimed row but those it needs.
create table open_deliveries (
  id text collate "C" primary key,
  event_id text collate "C" not null,
  endpoint_id text collate "C" not null,
  tenant text collate "C" not null,
  event_type text not null,
  -- Attempts recorded.
  attempt_count integer not null default 0,
  max_attempts integer not null,
  last_classification text,
  -- Why it makes no progress, in words for a person.
  status_reason text,
  -- When the next attempt is due. Kept while claimed.
  run_at timestamptz not null,
  -- The maker of the next attempt: the activity of its workflow, or the poller of any process.
  run_by text not null check (run_by in ('workflow', 'queue')),
  -- The process that may attempt it now; null: nobody, it is ready.
  claimed_by text collate "C",
  claim_until timestamptz,
  -- Counts the claims. A record or release names the claim it belongs to, so that a late one changes nothing.
  claim integer not null default 0,
  -- Decided while an attempt was under way: how the delivery ends with that attempt, unless a receiver takes it.
  end_status text check (end_status in ('FAILED', 'CANCELLED')),
  source_delivery_id text collate "C",
  batch_id text collate "C",
  workflow_id text not null,
  created_at timestamptz not null,
  check ((claimed_by is null) = (claim_until is null)),
  check (claimed_by is not null or end_status is null)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.0, autovacuum_analyze_threshold = 20000);
create index open_deliveries_ready on open_deliveries (endpoint_id, run_by, run_at) where claimed_by is null;
create index open_deliveries_claimed on open_deliveries (claim_until) where claimed_by is not null;
create index open_deliveries_of_event on open_deliveries (event_id, endpoint_id);
create index open_deliveries_of_batch on open_deliveries (batch_id, id) where batch_id is not null;

-- History: a delivery is inserted when it ends. Only the late record of an attempt that counted as lost changes it.
create table deliveries (
  id text collate "C" primary key,
  event_id text collate "C" not null,
  endpoint_id text collate "C" not null,
  tenant text collate "C" not null,
  event_type text not null,
  status text not null check (status in ('DELIVERED', 'FAILED', 'CANCELLED')),
  status_reason text,
  attempt_count integer not null,
  max_attempts integer not null,
  last_classification text,
  source_delivery_id text collate "C",
  batch_id text collate "C",
  workflow_id text not null,
  created_at timestamptz not null,
  completed_at timestamptz not null
) partition by range (id);
create index deliveries_of_event on deliveries (event_id, endpoint_id);
-- Every filter of a list has an index, with the columns it is mostly combined with: a combination that matches nothing
-- is found out without reading the rows.
create index deliveries_by_tenant on deliveries (tenant, id, event_type);
create index deliveries_by_endpoint on deliveries (endpoint_id, id, event_type);
create index deliveries_by_type on deliveries (event_type, id, tenant);
create index deliveries_undelivered on deliveries (status, id, endpoint_id, tenant, event_type, last_classification)
  where status <> 'DELIVERED';
create index deliveries_by_fault on deliveries (last_classification, id, endpoint_id, tenant, event_type, status)
  where last_classification <> 'DELIVERED';
create index deliveries_of_source on deliveries (source_delivery_id) where source_delivery_id is not null;
-- In the order of a list, and to count a batch's deliveries from the index alone.
create index deliveries_of_batch on deliveries (batch_id, id, status) where batch_id is not null;

create table attempts (
  delivery_id text collate "C" not null,
  number integer not null,
  started_at timestamptz not null,
  latency_ms double precision not null,
  classification text not null,
  http_status integer,
  detail jsonb not null,
  primary key (delivery_id, number)
) partition by range (delivery_id);

-- Rows outside every dated partition are kept here: never an error, never lost.
create table events_default partition of events default;
create table deliveries_default partition of deliveries default;
create table attempts_default partition of attempts default;

-- The running processes. The claims of one without a heartbeat for 10 s are over.
create table processes (
  id text collate "C" primary key,
  started_at timestamptz not null default now(),
  alive_at timestamptz not null default now(),
  -- Since when its heartbeats have come without a gap. Only a process with 10 s of them may call others dead: after an
  -- outage of Postgres every heartbeat is old.
  steady_since timestamptz not null default now(),
  -- The workflows of all events that it accepted before this moment are started, or in workflow_starts.
  started_to timestamptz not null default now(),
  makes_attempts boolean not null,
  -- The reason in the file PAUSE that keeps this process from sending; null: no such file.
  paused text
);

-- Workflows that are still to be started, for the backfill: of an event, or of one delivery (retry by hand, replay).
create table workflow_starts (
  workflow_id text collate "C" primary key,
  event_id text collate "C" not null,
  delivery_id text collate "C",
  -- Oldest first. Later where a start was refused.
  start_at timestamptz not null default now()
);
create index workflow_starts_due on workflow_starts (start_at);

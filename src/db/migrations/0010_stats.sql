-- The transactions that inserted attempts and ended deliveries, as of events: statistics read each row once, in their order.
alter table attempts add column xid xid8 not null default pg_current_xact_id();
create index attempts_by_xid on attempts (xid, delivery_id, number);
alter table deliveries add column xid xid8 not null default pg_current_xact_id();
create index deliveries_by_xid on deliveries (xid, id);

-- Counts of events, attempts and ended deliveries by time, for GET /v1/stats. A read takes the rows of one scope and one
-- width: it costs the same however many events there are.
create table stats (
  -- Empty: all tenants.
  tenant text collate "C" not null,
  -- Empty: all endpoints of the tenant.
  endpoint_id text collate "C" not null,
  -- Minutes only of all tenants: those of each endpoint would need more room than what they count.
  width text collate "C" not null check (width in ('minute', 'hour', 'day')),
  starts_at timestamptz not null,
  -- The measure: event, attempt, delivery; attempt_ms and arrival_ms count durations.
  measure text collate "C" not null,
  -- The classification of attempts, the status of deliveries, the step of durations (see `stepOf`).
  label text collate "C" not null,
  count bigint not null,
  primary key (tenant, endpoint_id, width, starts_at, measure, label)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
-- For the endpoints with the most failures, of all tenants and of one.
create index stats_of_failures on stats (width, starts_at)
  where endpoint_id <> '' and measure = 'attempt' and label <> 'DELIVERED';
create index stats_of_failures_of_tenant on stats (tenant, width, starts_at)
  where endpoint_id <> '' and measure = 'attempt' and label <> 'DELIVERED';

-- The last row of each table that is counted. The process that counts locks it.
create table stats_progress (
  source text primary key,
  xid xid8 not null default '0',
  id text collate "C" not null default '',
  number integer not null default 0,
  -- All that was committed before is counted.
  complete_to timestamptz,
  -- Once all transactions below `seen_xid` are counted, `complete_to` is `seen_at`.
  seen_xid xid8 not null default pg_snapshot_xmax(pg_current_snapshot()),
  seen_at timestamptz not null default now()
);
insert into stats_progress (source) values ('events'), ('attempts'), ('deliveries');

-- Changes of attempts and deliveries that are counted already, or are just being counted: what to add for each (see
-- `countPage`). Written by the late record of an attempt, which waits for no count.
create table stats_corrections (
  source text not null,
  -- The row that was changed.
  xid xid8 not null,
  id text collate "C" not null,
  number integer not null,
  tenant text collate "C" not null,
  endpoint_id text collate "C" not null,
  at timestamptz not null,
  measure text collate "C" not null,
  label text collate "C" not null,
  count integer not null
);

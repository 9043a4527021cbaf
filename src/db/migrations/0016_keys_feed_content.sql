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

-- The feed of events is ordered by the transaction that inserted them, then by id. A reader sees only transactions below
-- the oldest one still open: nothing can be inserted there any more, however late its commit. Rows that exist already
-- count as one transaction; a constant default does not rewrite the table.
alter table events add column xid xid8 not null default '0';
alter table events alter column xid set default pg_current_xact_id();
-- Ascending, so an insert appends to the last page of the index.
create index events_by_xid on events (xid, id);

-- Null for most: no own headers, JSON.
alter table events add column headers jsonb;
alter table events add column content_type text;
alter table endpoints add column content_type text;

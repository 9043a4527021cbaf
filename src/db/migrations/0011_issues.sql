-- The failures of each registered endpoint by classification, for GET /v1/issues: kept by the statement that counts the
-- statistics (see `countPage`), so that a read takes the rows of one page.
create table issues (
  id text collate "C" primary key,
  tenant text collate "C" not null,
  endpoint_id text collate "C" not null,
  classification text collate "C" not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  attempt_count bigint not null,
  failed_count bigint not null,
  sample_delivery_id text collate "C" not null,
  acknowledged_at timestamptz,
  acknowledged_by text,
  note text,
  -- A failure after the acknowledgement opens the issue again.
  is_open boolean not null generated always as (acknowledged_at is null or last_seen_at > acknowledged_at) stored,
  unique (endpoint_id, classification)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create index issues_newest on issues (is_open, last_seen_at, id);
create index issues_of_tenant on issues (tenant, is_open, last_seen_at, id);

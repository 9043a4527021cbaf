-- API keys, and what a key that is bound to one tenant needs.

create table api_keys (
  id text collate "C" primary key,
  -- For people; the audit has the id.
  name text not null,
  -- SHA-256 of the key, which nobody can see again.
  hash bytea not null unique,
  role text not null check (role in ('admin', 'operator', 'publisher', 'viewer')),
  -- The only tenant that the key sees; null: all of them.
  tenant text collate "C",
  -- Requests; null: no limit.
  rate_per_second integer,
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  -- To the minute.
  last_used_at timestamptz,
  revoked_at timestamptz
);
-- A name means one key at a time.
create unique index api_keys_by_name on api_keys (name) where revoked_at is null;
create index api_keys_of_tenant on api_keys (tenant, id);

-- A process drops what it keeps of a key in memory when the change commits.
create function api_key_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('surehook_api_key', old.id);
  return null;
end $$;
create trigger api_key_changed after update of role, tenant, rate_per_second, expires_at, revoked_at or delete on api_keys
  for each row execute function api_key_changed();

-- The tenant of the key that made the batch, which then holds deliveries of that tenant only; null: a key above tenants.
alter table batches add column key_tenant text collate "C";
create index batches_of_key_tenant on batches (key_tenant, id) where key_tenant is not null;

-- Paused by a key of the tenant itself, which may not resume what a key above tenants has paused.
alter table control add column by_tenant boolean not null default false;

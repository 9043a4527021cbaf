-- A ring of encryption keys, a complete and append-only audit, tenants with quotas, and the operator's own events.

-- The keys that secrets of this database are sealed with: a start without one of them is refused. The sealing key of a
-- process is added at its start.
do $$ begin
  if exists (select from encryption_check) then
    raise exception 'The database was made by an earlier version of Surehook, whose secrets this version cannot read: use an empty database, or with the embedded Postgres another DATA_DIR.';
  end if;
end $$;
drop table encryption_check;
create table encryption_keys (
  -- Derived from the key; sealed values begin with it.
  id text collate "C" primary key,
  -- A known text, sealed with the key.
  sealed bytea not null,
  created_at timestamptz not null default now(),
  -- An operator has given the key up: what is sealed with it stays unreadable.
  forgotten_at timestamptz
);

-- The id of the key that a value is sealed with: bytes 2 to 5, behind the format.
create function key_of(sealed bytea) returns text language sql immutable as $$
  select encode(substr(sealed, 2, 4), 'hex')
$$;

-- Refuses a value sealed with a key that is not one of the database, such as one that was rotated away while the process
-- ran. The lock makes the end of a rotation wait for the value. Argument: the column.
create function require_known_key() returns trigger language plpgsql as $$
declare
  -- A bytea is `\x` and two digits for each byte.
  key text := substr(to_jsonb(new) ->> tg_argv[0], 5, 8);
begin
  perform from encryption_keys where id = key and forgotten_at is null for key share;
  if key is not null and not found then
    raise exception 'a secret is sealed with the key %, which is not one of this database', key using errcode = 'SHK01';
  end if;
  return new;
end $$;
create trigger sealed_key before insert or update of sealed on endpoint_secrets
  for each row execute function require_known_key('sealed');
create trigger sealed_key before insert or update of sealed_settings on endpoints
  for each row execute function require_known_key('sealed_settings');

-- The key of the digests of requests that hold credentials (request_keys, and keys of ad hoc endpoints): one row.
create table digest_keys (
  id text primary key,
  sealed bytea not null
);
create trigger sealed_key before insert or update of sealed on digest_keys
  for each row execute function require_known_key('sealed');

-- Ids of the encryption keys of a process, the sealing one first: a rotation must not seal what a process cannot open.
alter table processes add column key_ids text[] not null default '{}';

alter table audit
  -- Null: about the whole installation.
  add column tenant text collate "C",
  -- The x-request-id of the request that made the change; null: Surehook itself, or a tool of Temporal.
  add column request_id text collate "C";
create index audit_of_tenant on audit (tenant, id desc);
create index audit_of_actor on audit (actor, id desc);
create index audit_of_action on audit (action, id desc);

-- The tenant whose deliveries a batch selects; null: those of any. Known when it is made, for its audit and its event.
alter table batches add column tenant text collate "C";

-- Nobody changes an entry, and only a retention removes old ones: it sets surehook.audit_retention to 'on' for its
-- transaction.
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('surehook.audit_retention', true) = 'on' then
    return old;
  end if;
  raise exception 'the audit is append-only' using errcode = 'SHA01';
end $$;
create trigger append_only before update or delete on audit
  for each row execute function audit_is_append_only();
create trigger append_only_truncate before truncate on audit
  for each statement execute function audit_is_append_only();

-- Endpoints, deleted ones too, outlive their tenant's row, which a delivery of the same name makes again.
alter table endpoints drop constraint endpoints_tenant_fkey;
alter table tenants
  add column name text,
  add column metadata jsonb not null default '{}',
  -- Null: the default of the configuration.
  add column max_endpoints integer check (max_endpoints >= 0),
  add column max_events_per_second integer check (max_events_per_second > 0),
  add column updated_at timestamptz not null default now();
create index tenants_with_rate on tenants (id) where max_events_per_second is not null;

-- Every process has the rates in memory.
create function tenant_rate_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('surehook_tenant', coalesce(new.id, old.id));
  return null;
end $$;
create trigger tenant_rate_set after insert on tenants
  for each row when (new.max_events_per_second is not null) execute function tenant_rate_changed();
create trigger tenant_rate_changed after update on tenants for each row
  when (new.max_events_per_second is distinct from old.max_events_per_second) execute function tenant_rate_changed();
create trigger tenant_rate_gone after delete on tenants
  for each row when (old.max_events_per_second is not null) execute function tenant_rate_changed();

-- The last warning (endpoint.failing); older than failing_since: of an earlier time of failing. Null since it succeeds.
alter table endpoints add column failing_warned_at timestamptz;

-- Events about Surehook itself, written with the change that they announce, and accepted as events of the tenant `surehook` by
-- any process right after. Written only while an endpoint of that tenant subscribes to their type.
create table operational_events (
  id bigint generated always as identity primary key,
  type text not null,
  -- Idempotency key of the event: accepting it twice makes one event.
  key text not null,
  data json not null,
  at timestamptz not null default now(),
  -- Later where a process is accepting it.
  accept_at timestamptz not null default now()
);
create index operational_events_due on operational_events (accept_at, id);

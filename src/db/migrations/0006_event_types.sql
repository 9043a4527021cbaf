-- Event types with their schemas, and filters of endpoints on the payload.

-- Event types belong to the installation, not to a tenant.
create table event_types (
  name text collate "C" primary key,
  description text,
  -- As json, which keeps the order of members.
  example json,
  -- JSON Schema 2020-12; null: any payload.
  schema json,
  -- Hidden from lists, and refused in new subscriptions. Events are accepted.
  archived boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- A process drops what it keeps of an event type in memory when the change commits.
create function event_type_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('surehook_event_type', coalesce(new.name, old.name));
  return null;
end $$;
create trigger event_type_changed after insert or update or delete on event_types
  for each row execute function event_type_changed();

-- The filter as it was given, compiled, and the comparisons that it makes; null and 0: every payload passes.
alter table endpoints
  add filter json,
  add filter_path jsonpath,
  add filter_cost integer not null default 0,
  add check ((filter is null) = (filter_path is null) and (filter is null) = (filter_cost = 0));
alter table subscriptions
  add filter_path jsonpath,
  add filter_cost integer not null default 0;

create or replace function update_subscriptions() returns trigger language plpgsql as $$
begin
  delete from subscriptions where endpoint_id = new.id;
  if new.deleted_at is null then
    insert into subscriptions (tenant, pattern, endpoint_id, filter_path, filter_cost)
    select distinct on (pattern) new.tenant, pattern, new.id, new.filter_path, new.filter_cost
    from unnest(new.event_types) pattern;
  end if;
  return null;
end $$;
drop trigger subscriptions on endpoints;
create trigger subscriptions after insert or update of event_types, filter_path, deleted_at on endpoints
  for each row execute function update_subscriptions();

-- The payload for filters; null where Postgres cannot keep it as jsonb. U+0000 and halves of surrogate pairs become U+FFFD.
-- First \\ becomes \u005c: then each backslash begins an escape. Whole pairs are written as \U while lone halves are replaced:
-- a look-behind would read the text from its start for each match.
create function payload_document(payload text) returns jsonb language plpgsql immutable as $$
begin
  return payload::jsonb;
exception when others then
  begin
    return replace(regexp_replace(regexp_replace(replace(replace(payload, '\\', '\u005c'), '\u0000', '\ufffd'),
      '\\u([dD][89abAB][[:xdigit:]]{2})\\u([dD][c-fC-F][[:xdigit:]]{2})', '\\U\1\\U\2', 'g'),
      '\\u[dD][89a-fA-F][[:xdigit:]]{2}', '\\ufffd', 'g'), '\U', '\u')::jsonb;
  exception when others then
    return null;
  end;
end $$;

-- How many values a comparison of a filter may have to look at: at most the elements of arrays, a share for long strings,
-- and 32 for what each comparison costs anyway. There are no more elements than commas and opening brackets, and only many
-- are counted one by one.
create function payload_size(payload text, document jsonb) returns integer language sql immutable as $$
  select 32 + octet_length(payload) / 128 + case when marks < 500 then marks else (
    select coalesce(sum(size::text::integer), 0)::integer
    from jsonb_path_query(document, 'strict $.** ? (@.type() == "array").size()') size) end
  from (select 2 * octet_length(payload) - octet_length(replace(payload, ',', '')) - octet_length(replace(payload, '[', ''))
    as marks) counted
$$;

-- Whether a filter is evaluated: where it is not, the event goes to its endpoint. The limit is about 20 ms of work.
create function filter_applies(cost integer, document jsonb, size integer) returns boolean language sql immutable as $$
  select document is not null and cost::bigint * size <= 200000
$$;

-- The work of a filter: about 10 million in a second.
create function filter_work(cost integer, document jsonb, size integer) returns bigint language sql immutable as $$
  select case when filter_applies(cost, document, size) then cost::bigint * size else 0 end
$$;

-- An upper bound of the work of reading a payload of this length and of a filter on it, without reading it.
create function most_filter_work(cost integer, bytes integer) returns bigint language sql immutable as $$
  select bytes / 6 + least(cost::bigint * (32 + bytes), 200000)
$$;

create function filter_passes(filter jsonpath, cost integer, document jsonb, size integer) returns boolean
language sql immutable as $$
  select filter is null or not filter_applies(cost, document, size)
    or coalesce(jsonb_path_match(document, filter, '{}', true), true)
$$;

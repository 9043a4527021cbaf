-- Operators' stops, and the audit of what they do.

-- The current pauses; a scope that is not paused has no row. Scope: 'all' or 'tenant:<id>'.
create table control (
  scope text collate "C" primary key,
  reason text not null,
  paused_by text not null,
  paused_at timestamptz not null default now()
);

-- Why nothing of a tenant may be sent now; null where nothing stops it. A file stops its process alone: it counts where
-- every process that makes attempts has one.
create function pause_of(tenant text) returns text language sql stable as $$
  select coalesce(
    (select case c.scope when 'all' then 'everything' else 'tenant' end || ' paused: ' || c.reason
     from control c where c.scope in ('all', 'tenant:' || tenant) order by c.scope limit 1),
    (select 'everything paused by a file: ' || min(p.paused) from processes p
     where p.makes_attempts and p.alive_at > now() - interval '10 seconds' having bool_and(p.paused is not null)))
$$;

-- Why an endpoint takes no delivery now; null where it does. A deleted one does: its deliveries have to end.
create function hold_of(endpoint endpoints) returns text language sql immutable as $$
  select case when endpoint.status <> 'enabled' and endpoint.deleted_at is null
    then 'endpoint ' || endpoint.status || ' (' || coalesce(endpoint.status_reason, 'manual') || ')' end
$$;

-- Each change with its actor, time, object and reason. Kept for good.
create table audit (
  id text collate "C" primary key,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  -- An id, or a control scope.
  object text collate "C" not null,
  reason text,
  before jsonb,
  after jsonb
);
create index audit_of_object on audit (object, id desc);

-- A process drops what it keeps of an endpoint in memory when the change commits.
create function endpoint_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('surehook_endpoint',
    case when tg_table_name = 'endpoints' then to_jsonb(new)->>'id' else to_jsonb(coalesce(new, old))->>'endpoint_id' end);
  return null;
end $$;
create trigger endpoint_changed after update on endpoints
  for each row execute function endpoint_changed();
create trigger secret_changed after insert or update or delete on endpoint_secrets
  for each row execute function endpoint_changed();

-- Why a delivery to this endpoint of this tenant is not attempted now; null where nothing holds it.
create function held_reason(tenant text, endpoint text) returns text language sql stable as $$
  select coalesce(pause_of(tenant), (select hold_of(ep) from endpoints ep where ep.id = endpoint))
$$;

-- Every delivery, open or ended, as the API shows it. HELD is derived: nobody has claimed it, and something holds it.
create view all_deliveries as
  select id, event_id, endpoint_id, tenant, event_type,
    case when end_status is not null then end_status
      when claimed_by is null and held_reason(tenant, endpoint_id) is not null then 'HELD'
      when attempt_count = 0 then 'PENDING' else 'IN_PROGRESS' end as status,
    coalesce(case when claimed_by is null then held_reason(tenant, endpoint_id) end, status_reason) as status_reason,
    attempt_count, max_attempts,
    case when attempt_count > 0 and end_status is null then run_at end as next_attempt_at,
    last_classification, source_delivery_id, batch_id, workflow_id, created_at, null::timestamptz as completed_at
  from open_deliveries
  union all
  select id, event_id, endpoint_id, tenant, event_type, status, status_reason, attempt_count, max_attempts, null,
    last_classification, source_delivery_id, batch_id, workflow_id, created_at, completed_at
  from deliveries;

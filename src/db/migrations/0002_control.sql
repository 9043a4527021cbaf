-- Operators' stops, the audit of what they do, and when the sweeper looks at a delivery that should have moved by then.

-- What is paused now; a scope that goes on has no row. Scope: 'all' or 'tenant:<id>'.
create table control (
  scope text collate "C" primary key,
  reason text not null,
  paused_by text not null,
  paused_at timestamptz not null default now()
);

-- Why nothing of a tenant may be sent now; null where nothing stops it.
create function pause_of(tenant text) returns text language sql stable as $$
  select case c.scope when 'all' then 'everything' else 'tenant' end || ' paused: ' || c.reason
  from control c where c.scope in ('all', 'tenant:' || tenant) order by c.scope limit 1
$$;

-- Why an endpoint takes no delivery now; null where it does. A deleted one does: its deliveries have to end.
create function hold_of(endpoint endpoints) returns text language sql immutable as $$
  select case when endpoint.status <> 'enabled' and endpoint.deleted_at is null
    then 'endpoint ' || endpoint.status || ' (' || coalesce(endpoint.status_reason, 'manual') || ')' end
$$;

-- Who did what, when, to what, and why. Kept for good.
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

-- Since when no attempt at it has succeeded; null while they do.
alter table endpoints add column failing_since timestamptz;

-- Past this moment a delivery that is PENDING or IN_PROGRESS should have moved: the sweeper looks why it has not.
alter table deliveries add column due_at timestamptz default now() + interval '15 seconds';
drop index deliveries_pending;
create index deliveries_due on deliveries (due_at) where status in ('PENDING', 'IN_PROGRESS');
-- What a pause of an endpoint holds.
create index deliveries_open on deliveries (endpoint_id, id) where status in ('PENDING', 'IN_PROGRESS');
create index deliveries_of_source on deliveries (source_delivery_id) where source_delivery_id is not null;

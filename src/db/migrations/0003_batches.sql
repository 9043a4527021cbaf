-- Replay batches: a selection of deliveries, planned once and item by item, then delivered again.

create table batches (
  id text collate "C" primary key,
  status text not null default 'PLANNING'
    check (status in ('PLANNING', 'DRY_RUN', 'RUNNING', 'PAUSED', 'COMPLETED', 'CANCELLED', 'FAILED')),
  status_reason text,
  dry_run boolean not null,
  -- The dry run this one executes, or the batch whose rest it takes over: once.
  source_batch_id text collate "C" unique references batches,
  -- What was asked for, as it was asked for: delivery_ids or filter, and include_delivered.
  selection jsonb not null,
  -- New deliveries per second; 0: as fast as they go.
  rate_per_second double precision not null,
  note text,
  created_by text not null,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  -- What the plan came to; null until it is made.
  plan jsonb,
  -- How far planning has come: items so far, and the last thing it looked at.
  planned integer not null default 0,
  planned_to text collate "C",
  -- Items whose turn has come, and those of them that were skipped when it came.
  taken integer not null default 0,
  skipped_at_turn integer not null default 0,
  -- Numbers the transactions that take items: one that is repeated takes the same.
  step integer not null default 0,
  -- A cancellation that also ends what has been started.
  cancel_running boolean not null default false,
  -- Past this moment its workflow should have shown itself: the sweeper looks why it has not. Null: nothing is left to do.
  due_at timestamptz default now() + interval '15 seconds'
);
create index batches_due on batches (due_at) where due_at is not null;

create table batch_items (
  batch_id text collate "C" not null references batches,
  number integer not null,
  -- Null where the event never had a delivery to the endpoint ("missing").
  source_delivery_id text collate "C",
  event_id text collate "C",
  endpoint_id text collate "C",
  event_type text,
  status text not null check (status in ('PLANNED', 'SKIPPED', 'CREATED')),
  -- Why it was skipped.
  reason text,
  -- The new delivery.
  delivery_id text collate "C",
  step integer,
  primary key (batch_id, number)
);
create index batch_items_planned on batch_items (batch_id, number) where status = 'PLANNED';
create index batch_items_of_step on batch_items (batch_id, step) where status = 'CREATED';

-- Also what has become of an event at one endpoint, however much both have had.
drop index deliveries_of_event;
create index deliveries_of_event on deliveries (event_id, endpoint_id);
create index deliveries_of_batch on deliveries (batch_id, status) where batch_id is not null;

-- Why a delivery is not to be made again, or an event not to be delivered to an endpoint that never got it
-- (source: null); null: nothing stands against it. Asked when the plan is made, and again when the item's turn comes.
create function replay_skip(source text, event text, endpoint text, include_delivered boolean)
returns text language sql stable as $$
  select case
    when not exists (select from events where id = event) then 'payload_expired'
    when ep.id is null or ep.deleted_at is not null then 'endpoint_deleted'
    when ep.status = 'disabled' then 'endpoint_disabled'
    when d.status in ('PENDING', 'IN_PROGRESS', 'HELD') then 'in_progress'
    when d.status = 'DELIVERED' and not include_delivered then 'delivered'
    when exists (select from deliveries later where later.event_id = event and later.endpoint_id = endpoint
      and later.id > coalesce(source, '') and later.status <> 'CANCELLED') then 'already_replayed'
  end
  from (select) one
    left join deliveries d on d.id = source
    left join endpoints ep on ep.id = endpoint
$$;

-- Replay batches: a selection of deliveries, planned once, item by item, and then delivered again.

create table batches (
  id text collate "C" primary key,
  status text not null default 'PLANNING'
    check (status in ('PLANNING', 'DRY_RUN', 'RUNNING', 'PAUSED', 'COMPLETED', 'CANCELLED', 'FAILED')),
  status_reason text,
  dry_run boolean not null,
  -- The dry run that this batch executes, or the batch whose rest it continues: once.
  source_batch_id text collate "C" unique references batches,
  -- As requested: a filter, or the number of delivery_ids, and include_delivered.
  selection jsonb not null,
  -- Chosen ids, up to ten thousand: read while the plan is made, and by nothing else.
  delivery_ids text[] collate "C",
  -- New deliveries per second; 0: no limit.
  rate_per_second double precision not null,
  note text,
  created_by text not null,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz,
  -- Null until planning has ended.
  plan jsonb,
  -- The first skipped items, as the plan lists them.
  plan_skipped jsonb not null default '[]',
  -- Progress of planning: items so far, and the last row that was read.
  planned integer not null default 0,
  planned_to text collate "C",
  -- Eligible items processed, those of them that were skipped then, and the number of the last one: the next step begins
  -- behind it, and does not read the index entries of all items before.
  taken integer not null default 0,
  skipped_at_turn integer not null default 0,
  taken_to integer not null default 0,
  -- Number of the last transaction that processed items: a repeated one changes nothing.
  step integer not null default 0,
  -- Cancelling also ends deliveries that have been attempted.
  cancel_running boolean not null default false,
  -- When the reconciler looks whether its workflow still runs. Null: nothing is left to do.
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
  primary key (batch_id, number)
);
create index batch_items_planned on batch_items (batch_id, number) where status = 'PLANNED';
-- Finds an earlier item of the same event and endpoint. Hashed, because the three ids take six times the space.
create index batch_items_by_target on batch_items using hash ((batch_id || event_id || endpoint_id))
  where status = 'PLANNED';

-- Items of a plan, counted page by page: PLANNED ones by endpoint and by event type, SKIPPED ones by reason.
create table batch_counts (
  batch_id text collate "C" not null references batches,
  kind text collate "C" not null check (kind in ('endpoint', 'event_type', 'reason')),
  name text not null,
  count integer not null,
  primary key (batch_id, kind, name)
);
create index batch_counts_largest on batch_counts (batch_id, kind, count desc, name);

-- Why a delivery is not made again, or why an event is not delivered to an endpoint that never got it (source: null);
-- null: nothing is against it. Checked when the plan is made, and again when the item's turn comes. One row: a function
-- in the from clause is inlined, any other is planned for each call, which took 3 ms. Subqueries with a limit stay one
-- look-up for each row; `exists` could read a whole table into a hash.
create function replay_skip(source text, event text, endpoint text, include_delivered boolean)
returns table (reason text) language sql stable as $$
  select case
    when (select true from events where id = event limit 1) is null then 'payload_expired'
    when ep.id is null or ep.deleted_at is not null then 'endpoint_deleted'
    when ep.status = 'disabled' then 'endpoint_disabled'
    when (select true from open_deliveries where id = source limit 1) then 'in_progress'
    when not include_delivered and (select status = 'DELIVERED' from deliveries where id = source limit 1)
      then 'delivered'
    when (select true from deliveries later where later.event_id = event and later.endpoint_id = endpoint
      and later.id > coalesce(source, '') and later.status <> 'CANCELLED' limit 1) then 'already_replayed'
    -- One cancelled with an attempt under way may still be delivered.
    else (select case bool_and(end_status is not distinct from 'CANCELLED')
        when true then 'in_progress' when false then 'already_replayed' end
      from open_deliveries later where later.event_id = event and later.endpoint_id = endpoint
        and later.id > coalesce(source, ''))
  end
  from (select) one left join endpoints ep on ep.id = endpoint
$$;

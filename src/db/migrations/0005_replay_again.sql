-- For endpoints that were named (POST /v1/send, endpoint_ids): the others have not missed it.
alter table events add column targeted boolean not null default false;

-- Chosen ids, in a column of their own: read while the plan is made, and never else.
alter table batches add column delivery_ids text[] collate "C";
update batches set
  delivery_ids = array(select jsonb_array_elements_text(selection->'delivery_ids')),
  selection = selection - 'delivery_ids'
    || jsonb_build_object('delivery_id_count', jsonb_array_length(selection->'delivery_ids'))
where selection ? 'delivery_ids';

-- Its delivery is CANCELLED and the workflow of that has ended: no request of it is under way, none will follow.
alter table batch_items add column settled boolean not null default false;

-- Counts what has become of a batch's deliveries from the index alone.
drop index deliveries_of_batch;
create index deliveries_of_batch on deliveries (batch_id, status, id) where batch_id is not null;

-- What is paused is looked at, too: its workflow may be gone.
update batches set due_at = now() where status = 'PAUSED' and due_at is null;

-- As before; and while a batch that was cancelled is still ending, a receiver may yet take what it has sent.
create or replace function replay_skip(source text, event text, endpoint text, include_delivered boolean)
returns text language sql stable as $$
  select case
    when not exists (select from events where id = event) then 'payload_expired'
    when ep.id is null or ep.deleted_at is not null then 'endpoint_deleted'
    when ep.status = 'disabled' then 'endpoint_disabled'
    when d.status in ('PENDING', 'IN_PROGRESS', 'HELD') then 'in_progress'
    when d.status = 'DELIVERED' and not include_delivered then 'delivered'
    when exists (select from deliveries later where later.event_id = event and later.endpoint_id = endpoint
      and later.id > coalesce(source, '') and later.status <> 'CANCELLED') then 'already_replayed'
    when exists (select from deliveries ending join batches b on b.id = ending.batch_id
      where ending.event_id = event and ending.endpoint_id = endpoint and ending.id >= coalesce(source, '')
        and ending.status = 'CANCELLED' and b.status in ('CANCELLED', 'FAILED') and b.completed_at is null)
      then 'in_progress'
  end
  from (select) one
    left join deliveries d on d.id = source
    left join endpoints ep on ep.id = endpoint
$$;

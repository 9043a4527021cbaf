-- A process has it in hand: it makes the next attempt by due_at, or is taken for lost.
alter table deliveries add column in_hand boolean not null default false;
update deliveries set in_hand = true
where status in ('PENDING', 'IN_PROGRESS') and lane = 'direct' and attempt_count = 0;

-- 'any' now also waits for a retry: no workflow carries it, and whoever gets to it when it is due takes it. What is due:
-- its condition, true of all, keeps it from those who look through one endpoint after the other, and do not say it.
create index deliveries_any_due on deliveries (status, due_at)
  where lane = 'any' and completed_at is null and attempt_count >= 0;
-- A page of an endpoint's, longest due first, and the next endpoint that has any.
drop index deliveries_any;
create index deliveries_any on deliveries (status, endpoint_id, due_at, id) where lane = 'any' and completed_at is null;
-- Who looks for what is overdue, or held although nothing holds it, passes over all of these.
create index deliveries_in_hand on deliveries (due_at) where in_hand;
drop index deliveries_due;
create index deliveries_due on deliveries (due_at)
  where status in ('PENDING', 'IN_PROGRESS') and lane <> 'any' and not in_hand;
drop index deliveries_held;
create index deliveries_held on deliveries (endpoint_id, id) where status = 'HELD' and lane <> 'any';

-- As before; and where the process that made the last attempt was taken for lost, and had only been slow.
create or replace function cut_short(delivery deliveries) returns boolean language sql immutable as $$
  select delivery.status = 'CANCELLED'
    or (delivery.status = 'FAILED' and delivery.status_reason in ('ENDPOINT_DELETED', 'WORKER_LOST'))
$$;

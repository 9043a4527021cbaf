-- 'any': nobody has begun with its first attempt, and no workflow carries it. Whoever gets to it first takes it.
alter table deliveries drop constraint deliveries_lane_check;
alter table deliveries add constraint deliveries_lane_check check (lane in ('workflow', 'direct', 'any'));
-- What the direct lane may take: a page of an endpoint's, oldest first, and the next endpoint that has any.
create index deliveries_any on deliveries (status, endpoint_id, id) where lane = 'any' and completed_at is null;
-- Held so far in the direct lane: the workflow of another delivery of the event may have been given it, too.
update deliveries set lane = 'workflow' where status = 'HELD' and lane = 'direct' and attempt_count = 0;

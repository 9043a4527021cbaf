-- Lists and searches stay quick however much there is: every filter has an index, and what it is mostly combined with is
-- part of that, so that a combination which matches nothing is found out without reading the rows. Of what every delivery
-- writes it is one index more, and two of what every event does; the others hold what is rare.

create index deliveries_by_tenant on deliveries (tenant, id, event_type);
create index deliveries_by_endpoint on deliveries (endpoint_id, id, event_type);
create index deliveries_by_type on deliveries (event_type, id, tenant);
-- Also what a pause of an endpoint holds, and what the metrics count. What is held is released by deliveries_held.
create index deliveries_undelivered on deliveries (status, id, endpoint_id, tenant, event_type, last_classification)
  where status <> 'DELIVERED';
create index deliveries_by_fault on deliveries (last_classification, id, endpoint_id, tenant, event_type, status)
  where last_classification <> 'DELIVERED';
-- In the order of a list; deliveries_of_batch counts.
create index deliveries_by_batch on deliveries (batch_id, id) where batch_id is not null;

create index events_by_tenant on events (tenant, id, type);
create index events_by_type on events (type, id, tenant);
-- A key may be long, and is only ever looked for as a whole.
create index events_by_key on events using hash (idempotency_key);

-- Last: from here on the tables cannot be read, either, until the migration is committed.
drop index deliveries_of_tenant, deliveries_of_endpoint, deliveries_open, events_of_tenant;

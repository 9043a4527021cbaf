/**
 * SQL: adds failures to the issues of registered endpoints. `counted`: a relation with tenant, endpoint, measure, label,
 * count, and the delivery and the time of each failure.
 */
export const addFailures = (counted: string): string => `
  with registered as materialized (
    -- A deletion, which locks the row for update, comes before or after all of this: it leaves no issue behind.
    select id as endpoint_id from endpoints
    where id = any(array(select endpoint_id from ${counted} where measure in ('attempt', 'failed')))
      and deleted_at is null and ad_hoc_key is null
    order by id for key share
  )
  insert into issues as i (id, tenant, endpoint_id, classification, first_seen_at, last_seen_at, attempt_count,
    failed_count, sample_delivery_id)
  select new_id('iss', first_seen_at), tenant, endpoint_id, label, first_seen_at, last_seen_at, attempts, failed, sample
  from (select tenant, endpoint_id, label, min(seen_at) as first_seen_at, max(seen_at) as last_seen_at,
      coalesce(sum(count) filter (where measure = 'attempt'), 0) as attempts,
      coalesce(sum(count) filter (where measure = 'failed'), 0) as failed,
      (array_agg(delivery_id order by seen_at desc))[1] as sample
    from ${counted} where measure in ('attempt', 'failed') and label <> 'DELIVERED' group by 1, 2, 3) failing
  join registered using (endpoint_id)
  -- A correction without an issue has nothing to take from: the endpoint was not registered when its failure was counted.
  where attempts + failed > 0
    or exists (select from issues known where known.endpoint_id = failing.endpoint_id and classification = label)
  -- Attempts and deliveries are counted by two processes at a time: both lock rows in the same order.
  order by endpoint_id, label
  on conflict (endpoint_id, classification) do update set
    first_seen_at = least(i.first_seen_at, excluded.first_seen_at),
    last_seen_at = greatest(i.last_seen_at, excluded.last_seen_at),
    attempt_count = i.attempt_count + excluded.attempt_count,
    failed_count = i.failed_count + excluded.failed_count,
    sample_delivery_id = case when excluded.last_seen_at >= i.last_seen_at
      then excluded.sample_delivery_id else i.sample_delivery_id end`;

/** Deliveries of an event made with its commit; those of a wider one follow page by page. */
export const MOST_AT_ACCEPT = 100;

/** Work of filters for an event in its commit, as `filter_work` counts it: about 20 ms, and enough for any one. */
export const MAX_FILTER_WORK = 200_000;

/**
 * SQL: for each new event of `input`, the endpoints it gets deliveries to with its commit (`found`). It is `wide` if
 * others follow: there are more than MOST_AT_ACCEPT, or the filters up to endpoint `last` make up the event's `budget`
 * of work. `needed` is the work without that limit.
 */
export const MATCHED = `
  select i.id, i.tenant, generation, most < cardinality(endpoints) as wide, coalesce(endpoints[most], '') as last,
    cardinality(endpoints) as matching, coalesce(works[least(cardinality(works), ${MOST_AT_ACCEPT})], 0)::int as needed,
    max_cost > 0 and exists (select from unnest(costs[:most]) as c (cost)
      where cost > 0 and not filter_applies(cost, document, size)) as unfiltered,
    case when max_cost = 0 then endpoints[:most] else array(
      select endpoint_id from unnest(endpoints[:most], filters[:most], costs[:most]) as f (endpoint_id, filter, cost)
      where filter_passes(f.filter, f.cost, document, size) order by endpoint_id) end as found
  from key join input i on i.id = key.event_id
    cross join lateral (
      select coalesce(array_agg(endpoint_id), '{}') as endpoints, array_agg(filter_path) as filters,
        array_agg(filter_cost) as costs, coalesce(max(filter_cost), 0) as max_cost
      from (
        select distinct on (endpoint_id) * from (
          select s.* from unnest(i.patterns) p cross join lateral (
            select endpoint_id, filter_path, filter_cost from subscriptions where tenant = i.tenant and pattern = p
            order by endpoint_id limit ${MOST_AT_ACCEPT + 1}) s
          where i.endpoint_ids is null
          union all
          -- An event for named endpoints passes every filter.
          select ep.id, null, 0 from endpoints ep
          where ep.id = any(i.endpoint_ids) and ep.tenant = i.tenant and ep.deleted_at is null) subscribed
        -- One more than may be made now shows that there are more.
        order by endpoint_id limit case when i.endpoint_ids is null then ${MOST_AT_ACCEPT + 1} end) one) candidate
    -- Offset 0: evaluated once for an event, and only for one with a filter. \`works\` adds up endpoint by endpoint.
    cross join lateral (
      select document, size, case when max_cost > 0 then array(
          select sum(filter_work(cost, document, size)) over (order by nth) from unnest(costs) with ordinality c (cost, nth)
          order by nth)::bigint[] end as works
      from (
        select document, case when max_cost > 0 then payload_size(payload, document) end as size
        from (select case when max_cost > 0 then payload_document(payload) end as document offset 0) read offset 0) sized
      offset 0) content
    -- The bucket's number is that of the sums within the budget.
    cross join lateral (
      select least(cardinality(endpoints), case when i.endpoint_ids is null then ${MOST_AT_ACCEPT} end,
        width_bucket(budget::bigint, works)) as most) bound`;

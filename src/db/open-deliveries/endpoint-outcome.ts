import { announceEach, iso } from '../operational-events.js';

/**
 * An endpoint without a success for this long is disabled when a delivery to it ends as FAILED. It is warned of
 * (endpoint.failing) after the first of these days, and again when the last one begins, which is a day before it is
 * disabled at the earliest.
 */
const FAILING_DAYS = 5;
const day = (count: number) => `interval '${count} days'`;
const LAST_DAY = day(FAILING_DAYS - 1);

/** SQL: why an endpoint `ep` with the outcome `o` is disabled now; null where it is not. */
const ENDS = `case
        -- One made for a URL of POST /v1/send stays: the next to that URL would be held for good.
        when ep.status <> 'enabled' or ep.ad_hoc_key is not null then null when o.gone then 'gone'
        when o.failed and not o.delivered and ep.failing_warned_at between ep.failing_since + ${LAST_DAY} and now() - ${day(1)}
          then 'failing' end`;
/** SQL: whether it is warned of now. A warning older than failing_since belongs to an earlier time of failing. */
const WARNS = `(not o.delivered and ep.status = 'enabled' and ep.ad_hoc_key is null and ${ENDS} is null
        and ep.failing_since <= now() - ${day(1)} and coalesce(ep.failing_warned_at, '-infinity')
          < ep.failing_since + case when ep.failing_since <= now() - ${LAST_DAY} then ${LAST_DAY} else interval '0' end)`;

const ABOUT = { endpoint_id: 'endpoint.id', tenant: 'endpoint.tenant' };
const recovered = announceEach('endpoint.recovered', {
  key: `endpoint.id || '/' || ${iso('now()')}`,
  data: { ...ABOUT, failing_since: iso('endpoint.was_failing_since'), recovered_at: iso('now()') },
  from: '(select * from endpoint where was_warned_at is not null and failing_since is null) endpoint',
  tenant: 'endpoint.tenant',
});

/**
 * SQL, CTEs behind `recorded` and `input`: notes failures and successes of endpoints, and disables those that are gone or
 * have failed for days. Written only where something changes: most attempts succeed at an endpoint that works. The
 * conditions are on the row itself, which another process may have changed while the statement waited for it.
 */
export const ENDPOINT_OUTCOME = `outcome as (
    select endpoint_id, bool_or(i.classification = 'DELIVERED') as delivered,
      bool_or(i.gone and coalesce(i.url, ep.url) = ep.url) as gone, bool_or(i.status = 'FAILED') as failed,
      min(ep.failing_since) as was_failing_since, min(ep.failing_warned_at) as was_warned_at
    from recorded join input i on i.delivery_id = recorded.id join endpoints ep on ep.id = endpoint_id
    where i.classification <> 'WORKER_LOST'
    group by endpoint_id
  ), endpoint as (
    update endpoints ep set
      failing_since = case when o.delivered then null else coalesce(ep.failing_since, now()) end,
      failing_warned_at = case when o.delivered then null when ${WARNS} then now() else ep.failing_warned_at end,
      status = case when ${ENDS} is null then ep.status else 'disabled' end,
      status_reason = coalesce(${ENDS}, ep.status_reason),
      updated_at = case when ${ENDS} is null then ep.updated_at else now() end
    from outcome o
    where ep.id = o.endpoint_id and (${ENDS} is not null or (ep.failing_since is null) <> o.delivered
      or o.delivered and ep.failing_warned_at is not null or ${WARNS})
    returning ep.id, ep.tenant, ep.status_reason, ep.failing_since, ep.failing_warned_at = now() as is_warned,
      ep.status = 'disabled' and ep.updated_at = now() as is_disabled, o.was_failing_since, o.was_warned_at
  ), audited as (
    insert into audit (id, actor, action, object, tenant, reason, before, after)
    select new_id('aud', now()), 'surehook', 'endpoint.disable', id, tenant, status_reason,
      json_build_object('status', 'enabled', 'failing_since', ${iso('was_failing_since')}),
      json_build_object('status', 'disabled', 'status_reason', status_reason, 'failing_since', ${iso('failing_since')})
    from endpoint where is_disabled
  ), warned as (
    ${announceEach('endpoint.failing', {
      key: `endpoint.id || '/' || ${iso('now()')}`,
      data: {
        ...ABOUT,
        failing_since: iso('endpoint.failing_since'),
        is_last_warning: `endpoint.failing_since <= now() - ${LAST_DAY}`,
        disabled_from: iso(`greatest(endpoint.failing_since + ${day(FAILING_DAYS)}, now() + ${day(1)})`),
      },
      from: '(select * from endpoint where is_warned) endpoint',
      tenant: 'endpoint.tenant',
    })}
  ), disabled as (
    ${announceEach('endpoint.disabled', {
      key: `endpoint.id || '/' || ${iso('now()')}`,
      data: {
        ...ABOUT,
        reason: 'endpoint.status_reason',
        failing_since: iso('endpoint.failing_since'),
        disabled_at: iso('now()'),
      },
      from: '(select * from endpoint where is_disabled) endpoint',
      tenant: 'endpoint.tenant',
    })}
  ), recovered as (
    ${recovered}
  )`;

/** SQL, CTEs behind `ended`: the same where every attempt is DELIVERED. */
export const ENDPOINT_SUCCESS = `endpoint as (
    update endpoints ep set failing_since = null, failing_warned_at = null
    from (select id, failing_since, failing_warned_at from endpoints
      where id = any(array(select endpoint_id from ended))
        and (failing_since is not null or failing_warned_at is not null)) was
    where ep.id = was.id and (ep.failing_since is not null or ep.failing_warned_at is not null)
    returning ep.id, ep.tenant, ep.failing_since, was.failing_since as was_failing_since,
      was.failing_warned_at as was_warned_at
  ), recovered as (
    ${recovered}
  )`;

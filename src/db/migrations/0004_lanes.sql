-- Who makes a delivery's first attempt: its workflow, or the process that accepted the event.
alter table deliveries add column lane text not null default 'workflow' check (lane in ('workflow', 'direct'));

-- What processes keep of an endpoint in memory is told to be old with the commit that changes it.
create function endpoint_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('surehook_endpoint',
    case when tg_table_name = 'endpoints' then to_jsonb(new)->>'id' else to_jsonb(coalesce(new, old))->>'endpoint_id' end);
  return null;
end $$;
create trigger endpoint_changed after update on endpoints
  for each row execute function endpoint_changed();
create trigger secret_changed after insert or update or delete on endpoint_secrets
  for each row execute function endpoint_changed();

-- Portal sessions: a link that works once gives a customer access to one tenant for a while.

create table portal_sessions (
  id text collate "C" primary key,
  tenant text collate "C" not null,
  scopes text[] not null check (scopes <> '{}' and scopes <@ '{read,endpoints,replay}'),
  -- SHA-256 of the code in the link, which nobody can see again.
  code_hash bytea not null unique,
  -- The page that the portal leads back to.
  return_url text,
  link_expires_at timestamptz not null,
  expires_at timestamptz not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  redeemed_at timestamptz,
  revoked_at timestamptz,
  -- Until then the link, or the session, can be used.
  ends_at timestamptz not null generated always as (case when redeemed_at is null then link_expires_at else expires_at end) stored
);
create index portal_sessions_of_tenant on portal_sessions (tenant, id);
-- For those that can be used.
create index portal_sessions_live on portal_sessions (tenant, ends_at) where revoked_at is null;
-- For the removal of old sessions.
create index portal_sessions_by_end on portal_sessions (expires_at);

-- The token of a session is a row of api_keys, so that cache, expiry, revocation and limits work as for keys. A session has at most one.
alter table api_keys
  add column scopes text[],
  add column portal_session_id text collate "C" unique references portal_sessions on delete cascade,
  drop constraint api_keys_role_check,
  add constraint api_keys_role_check check (role in ('admin', 'operator', 'publisher', 'viewer', 'portal')),
  add constraint api_keys_portal_check check (
    case when role = 'portal' then num_nulls(scopes, portal_session_id, tenant, expires_at) = 0
    else num_nonnulls(scopes, portal_session_id) = 0 end);

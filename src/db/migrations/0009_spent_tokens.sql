-- Ids of sign-in links that were used, and of page sessions that were signed out, until some time after they expire.
create table spent_tokens (
  id text collate "C" primary key,
  expires_at timestamptz not null
);
create index spent_tokens_by_expiry on spent_tokens (expires_at);

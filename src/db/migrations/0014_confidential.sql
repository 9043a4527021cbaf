-- A text sealed with the encryption key: a start with another key is refused. One row, written by the first start.
create table encryption_check (
  one boolean primary key default true check (one),
  sealed bytea not null,
  created_at timestamptz not null default now()
);

-- The audit shows URLs without their query, which may hold a key.
update audit set
  before = case when before ? 'url'
    then jsonb_set(before, '{url}', to_jsonb(regexp_replace(before ->> 'url', '[?#].*$', ''))) else before end,
  after = case when after ? 'url'
    then jsonb_set(after, '{url}', to_jsonb(regexp_replace(after ->> 'url', '[?#].*$', ''))) else after end
where before ->> 'url' ~ '[?#]' or after ->> 'url' ~ '[?#]';

-- Settings of an endpoint that shape its requests: signatures, credentials, TLS, the form of the body, and the retries.

alter table endpoints
  -- The kind of its newest secret. Others may still sign until their end.
  add column signature text not null default 'hmac' check (signature in ('hmac', 'ed25519')),
  -- Receivers verify with it the signatures of the newest secret; null for HMAC.
  add column public_key text,
  add column body text not null default 'payload' check (body in ('payload', 'envelope')),
  -- Seconds before each retry; null: the default schedule.
  add column retry_schedule integer[],
  add column permanent_statuses jsonb not null default '[]',
  add column metadata jsonb not null default '{}',
  -- With a mask in place of every confidential value, as `headers` from now on.
  add column extra_signature jsonb,
  add column basic_auth jsonb,
  add column client_certificate jsonb,
  add column ca text,
  -- The masked values, as one encrypted JSON text; null where there are none.
  add column sealed_settings bytea;

-- A secret that was replaced signs until then; null: the newest.
alter table endpoint_secrets add column expires_at timestamptz;

-- What POST /v1/send made for a URL takes requests again: it is disabled by hand only, and forgotten when it is deleted.
update endpoints set ad_hoc_key = null where ad_hoc_key is not null and deleted_at is not null;
update endpoints set status = 'enabled', status_reason = null, updated_at = now()
where ad_hoc_key is not null and status = 'disabled' and status_reason in ('gone', 'failing');

-- Ended by us, while a request may have been on its way: if the receiver takes that, the delivery is DELIVERED after all.
create function cut_short(delivery deliveries) returns boolean language sql immutable as $$
  select delivery.status = 'CANCELLED' or (delivery.status = 'FAILED' and delivery.status_reason = 'ENDPOINT_DELETED')
$$;

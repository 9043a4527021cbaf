import { CloseButton, Group, Text } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useViewedTenant, viewTenant } from './view-as';
import classes from './viewing-as.module.css';

/** In the header while lists are limited to a tenant: which one, and the way out. */
export function ViewingAs() {
  const tenant = useViewedTenant();
  if (tenant === undefined) return null;
  return (
    <Group component="aside" gap={6} wrap="nowrap" className={classes.pill} aria-label="Viewing as">
      <IconEye size={16} stroke={1.6} aria-hidden className={classes.icon} />
      <Text size="sm" truncate>
        <span className={classes.words}>Viewing as </span>
        <Link to="/tenants/$id" params={{ id: tenant }} className={classes.link}>
          {tenant}
        </Link>
      </Text>
      <CloseButton size="sm" aria-label="Leave: show all tenants again" onClick={() => viewTenant(null)} />
    </Group>
  );
}

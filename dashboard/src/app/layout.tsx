import { AppShell, Burger, Divider, Group, NavLink, ScrollArea, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link, Navigate, Outlet, useLocation } from '@tanstack/react-router';
import { sessionQuery } from '../api/session';
import { AccountMenu } from './account-menu';
import { NAVIGATION } from './navigation';
import { Palette, PaletteButton } from './palette';
import { PausedBanner } from './paused-banner';
import { SessionContext } from './session';
import { ViewingAs } from './viewing-as';
import classes from './layout.module.css';

/** The frame around every page behind the sign-in. */
export function Layout() {
  const { data: session } = useQuery(sessionQuery);
  const [isOpen, { toggle, close }] = useDisclosure();
  const { href, pathname } = useLocation();
  // Until the sign-in is loaded, this is its address already: to go there again would never end.
  if (session === null && pathname !== '/sign-in') return <Navigate to="/sign-in" search={{ to: href }} />;
  if (!session) return null;
  const isAt = (to: string) => (to === '/' ? pathname === '/' : `${pathname}/`.startsWith(`${to}/`));
  return (
    <SessionContext value={session}>
      <AppShell
        header={{ height: 52 }}
        navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
        padding={{ base: 'sm', sm: 'lg' }}
        classNames={{ header: classes.header, navbar: classes.navbar }}
      >
        <a className={classes.skip} href="#main">
          Skip to the content
        </a>
        <AppShell.Header>
          <Group h="100%" px="md" justify="space-between" wrap="nowrap">
            <Group gap="xs" wrap="nowrap">
              <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
              <img src="/assets/icon.svg" alt="" width={24} height={24} />
              <Text fw={650} visibleFrom="xs" style={{ whiteSpace: 'nowrap' }}>
                Surehook
              </Text>
            </Group>
            <Group gap="xs" wrap="nowrap" miw={0}>
              <ViewingAs />
              <PaletteButton />
              <AccountMenu />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs" component="nav" aria-label="Pages">
          <ScrollArea>
            {NAVIGATION.map((group, index) => (
              <div key={group[0].to}>
                {index > 0 && <Divider my="xs" />}
                {group.map(({ to, label, icon: Icon }) => (
                  <NavLink
                    key={to}
                    component={Link}
                    to={to}
                    label={label}
                    leftSection={<Icon size={18} stroke={1.6} aria-hidden />}
                    active={isAt(to)}
                    aria-current={isAt(to) ? 'page' : undefined}
                    onClick={close}
                    className={classes.link}
                  />
                ))}
              </div>
            ))}
          </ScrollArea>
        </AppShell.Navbar>
        <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
          <PausedBanner />
          <Outlet />
        </AppShell.Main>
        <Palette />
      </AppShell>
    </SessionContext>
  );
}

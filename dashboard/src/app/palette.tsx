import '@mantine/spotlight/styles.css';
import { Button, Kbd } from '@mantine/core';
import { Spotlight, spotlight, type SpotlightActionData } from '@mantine/spotlight';
import { IconSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { EVERY_PAGE } from './navigation';
import { LEAST_TEXT, pageOfId } from './page-of-id';

/** Ctrl+K or ⌘K: to every page, to any object by its id, and to events by a text of their payload. */
export function Palette() {
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  const text = query.trim();
  const found = pageOfId(text);
  const actions: SpotlightActionData[] = EVERY_PAGE.map(({ to, label, about, icon: Icon }) => ({
    id: to,
    label,
    description: about,
    leftSection: <Icon size={20} stroke={1.6} />,
    onClick: () => void navigate({ to }),
  }));
  if (found) {
    actions.unshift({ id: 'id', label: `Open ${text}`, onClick: () => void navigate({ href: found }) });
  } else if (text.length >= LEAST_TEXT) {
    const label = `Search payloads for “${text}”`;
    actions.push({ id: 'text', label, onClick: () => void navigate({ to: '/events', search: { text } }) });
  }
  return (
    <Spotlight
      actions={actions}
      query={query}
      onQueryChange={setQuery}
      shortcut={['mod + K', '/']}
      nothingFound="No page has this name. Paste an id (evt_…, del_…, ep_…, bat_…) to open it."
      searchProps={{
        placeholder: 'Page, id, or text of a payload',
        leftSection: <IconSearch size={18} />,
        'aria-label': 'Page, or an id',
      }}
    />
  );
}

export const PaletteButton = () => (
  <Button
    variant="default"
    size="xs"
    h={34}
    leftSection={<IconSearch size={16} />}
    rightSection={
      <Kbd size="xs" visibleFrom="sm">
        Ctrl K
      </Kbd>
    }
    flex="none"
    onClick={spotlight.open}
  >
    Go to
  </Button>
);

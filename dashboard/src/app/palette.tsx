import '@mantine/spotlight/styles.css';
import { Button, Kbd } from '@mantine/core';
import { Spotlight, spotlight, type SpotlightActionData } from '@mantine/spotlight';
import { IconPlayerPause, IconPlayerPlay, IconSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useDisclosure } from '@mantine/hooks';
import { EVERY_PAGE } from './navigation';
import { PauseDialog } from './pause-button';
import { ResumeDialog } from './resume-button';
import { useKillSwitch } from './use-control';
import { LEAST_TEXT, pageOfId } from './page-of-id';

const EVERYTHING = { scope: 'all' } as const;

/** Ctrl+K or ⌘K: to every page, to any object by its id, and to events by a text of their payload; and the kill switch. */
export function Palette() {
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  const control = useKillSwitch();
  const [isPausing, pausing] = useDisclosure();
  const [isResuming, resuming] = useDisclosure();
  const text = query.trim();
  const found = pageOfId(text);
  const actions: SpotlightActionData[] = EVERY_PAGE.map(({ to, label, about, icon: Icon }) => ({
    id: to,
    label,
    description: about,
    leftSection: <Icon size={20} stroke={1.6} />,
    onClick: () => void navigate({ to }),
  }));
  if (control === 'pause')
    actions.push({
      id: 'pause',
      label: 'Pause everything',
      description: 'Stop sending; asks for a reason first',
      leftSection: <IconPlayerPause size={20} stroke={1.6} />,
      onClick: pausing.open,
    });
  if (control === 'resume')
    actions.push({
      id: 'resume',
      label: 'Resume everything',
      description: 'Send again; asks first',
      leftSection: <IconPlayerPlay size={20} stroke={1.6} />,
      onClick: resuming.open,
    });
  if (found) {
    actions.unshift({ id: 'id', label: `Open ${text}`, onClick: () => void navigate({ href: found }) });
  } else if (text.length >= LEAST_TEXT) {
    const label = `Search payloads for “${text}”`;
    actions.push({ id: 'text', label, onClick: () => void navigate({ to: '/events', search: { text } }) });
  }
  return (
    <>
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
      <PauseDialog scope={EVERYTHING} isOpen={isPausing} close={pausing.close} />
      <ResumeDialog scope={EVERYTHING} isOpen={isResuming} close={resuming.close} />
    </>
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

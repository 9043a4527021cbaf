import { TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { pageOfId } from '../app/page-of-id';

/** Opens the page of any object by its id. */
export function OpenById() {
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const [isUnknown, setUnknown] = useState(false);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const href = pageOfId(typed.trim());
        if (href) void navigate({ href });
        else setUnknown(typed.trim() !== '');
      }}
    >
      <TextInput
        aria-label="Open by id"
        placeholder="Paste an id, then Enter"
        leftSection={<IconSearch size={16} aria-hidden />}
        value={typed}
        onChange={({ currentTarget }) => {
          setTyped(currentTarget.value);
          setUnknown(false);
        }}
        error={isUnknown && 'No id: they begin with evt_, del_, ep_ or bat_.'}
        w={230}
        size="sm"
      />
    </form>
  );
}

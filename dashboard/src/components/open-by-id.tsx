import { TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { LEAST_TEXT, pageOfId } from '../app/page-of-id';

/** Opens the page of any object by its id; any other text is searched for in payloads. */
export function OpenById() {
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const [isShort, setShort] = useState(false);
  return (
    <form
      style={{ flex: '1 1 180px', maxWidth: 230 }}
      onSubmit={(event) => {
        event.preventDefault();
        const text = typed.trim();
        const href = pageOfId(text);
        if (href) void navigate({ href });
        else if (text.length >= LEAST_TEXT) void navigate({ to: '/events', search: { text } });
        else setShort(text !== '');
      }}
    >
      <TextInput
        aria-label="Open by id"
        placeholder="Id, or text of a payload"
        leftSection={<IconSearch size={16} aria-hidden />}
        value={typed}
        onChange={({ currentTarget }) => {
          setTyped(currentTarget.value);
          setShort(false);
        }}
        error={isShort && `An id, or at least ${LEAST_TEXT} characters of a payload.`}
        size="sm"
      />
    </form>
  );
}

import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import type { NewApiKey } from '../../api/types';
import { KeyForm } from './key-form';
import { MadeKey } from './made-key';

/** Makes a key, and shows it once. */
export function NewKey() {
  const [isOpen, { open, close }] = useDisclosure();
  const [made, setMade] = useState<NewApiKey | null>(null);
  const leave = () => {
    close();
    setMade(null);
  };
  return (
    <>
      <Button leftSection={<IconPlus size={16} />} onClick={open}>
        New key
      </Button>
      <Modal
        opened={isOpen}
        onClose={leave}
        title={made ? 'The new key' : 'New API key'}
        size="lg"
        // Neither a click beside the dialog nor Escape must lose the only sight of the key.
        closeOnClickOutside={made === null}
        closeOnEscape={made === null}
      >
        {made ? <MadeKey made={made} done={leave} /> : <KeyForm onMade={setMade} />}
      </Modal>
    </>
  );
}

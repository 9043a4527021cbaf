import { Accordion, Text } from '@mantine/core';
import { useState } from 'react';
import type { EndpointForm } from './basics-section';
import { CredentialsFields } from './credentials-fields';
import type { EndpointValues } from './form-values';
import { RequestFields } from './request-fields';
import { RetryFields } from './retry-fields';
import { SignatureFields } from './signature-fields';

/** Parts that most endpoints leave as they are, folded; one with an error is open. */
const PARTS = [
  {
    value: 'retries',
    title: 'Timeout and retries',
    about: 'How long to wait for an answer, and when to retry',
    fields: ['timeout_ms', 'retry_schedule', 'retry_on', 'permanent_statuses'],
    Fields: RetryFields,
  },
  {
    value: 'request',
    title: 'Request',
    about: 'Headers, form of the body, metadata',
    fields: ['headers', 'body', 'content_type', 'metadata'],
    Fields: RequestFields,
  },
  {
    value: 'signature',
    title: 'Signature',
    about: 'How the receiver can tell that a request is genuine',
    fields: ['signature', 'secret', 'extra_signature'],
    Fields: SignatureFields,
  },
  {
    value: 'credentials',
    title: 'Credentials and certificates',
    about: 'For receivers that ask for a password or a certificate',
    fields: ['basic_auth', 'client_certificate', 'ca'],
    Fields: CredentialsFields,
  },
] satisfies {
  value: string;
  title: string;
  about: string;
  fields: (keyof EndpointValues)[];
  Fields: (props: { form: EndpointForm; isEdit: boolean }) => React.JSX.Element;
}[];

export function AdvancedSections({ form, isEdit }: { form: EndpointForm; isEdit: boolean }) {
  const [opened, setOpened] = useState<string[]>([]);
  const wrong = PARTS.filter(({ fields }) => fields.some((name) => Boolean(form.errors[name]))).map(
    ({ value }) => value,
  );
  return (
    <Accordion
      multiple
      variant="contained"
      value={[...new Set([...opened, ...wrong])]}
      onChange={setOpened}
      order={2}
    >
      {PARTS.map(({ value, title, about, Fields }) => (
        <Accordion.Item key={value} value={value} bg="var(--surface)">
          <Accordion.Control>
            <Text component="span" display="block" fw={600}>
              {title}
            </Text>
            <Text component="span" display="block" size="sm" c="dimmed" fw={400}>
              {about}
            </Text>
          </Accordion.Control>
          <Accordion.Panel>
            <Fields form={form} isEdit={isEdit} />
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}

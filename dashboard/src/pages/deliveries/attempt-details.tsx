import { Tabs, Text } from '@mantine/core';
import { memo } from 'react';
import type { Attempt, Delivery } from '../../api/types';
import classes from './attempts.module.css';
import { Answer } from './answer';
import { SentRequest } from './sent-request';
import { VerifySignature } from './verify-signature';
import { Waterfall } from './waterfall';

const Details = ({ attempt, delivery }: { attempt: Attempt; delivery: Delivery }) => (
  <Tabs defaultValue="answer" className={classes.content} keepMounted={false}>
    <Tabs.List>
      <Tabs.Tab px={7} fz={13} value="answer">
        Answer
      </Tabs.Tab>
      <Tabs.Tab px={7} fz={13} value="request">
        Request
      </Tabs.Tab>
      <Tabs.Tab px={7} fz={13} value="timing">
        Timing
      </Tabs.Tab>
      <Tabs.Tab px={7} fz={13} value="signature">
        Signature
      </Tabs.Tab>
    </Tabs.List>
    <Tabs.Panel value="answer" pt="sm">
      <Answer attempt={attempt} />
    </Tabs.Panel>
    <Tabs.Panel value="request" pt="sm">
      <SentRequest attempt={attempt} delivery={delivery} />
    </Tabs.Panel>
    <Tabs.Panel value="timing" pt="sm">
      {attempt.timings ? (
        <Waterfall timings={attempt.timings} />
      ) : (
        <Text size="sm" c="dimmed">
          Not known: the request did not come to an end.
        </Text>
      )}
    </Tabs.Panel>
    <Tabs.Panel value="signature" pt="sm">
      <VerifySignature attempt={attempt} delivery={delivery} />
    </Tabs.Panel>
  </Tabs>
);

/** The countdown beside it, which renders each second, leaves it alone. */
export const AttemptDetails = memo(Details);

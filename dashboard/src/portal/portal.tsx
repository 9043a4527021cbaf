import { Title } from '@mantine/core';

export const Portal = () => <Title order={1}>Webhooks</Title>;

import { QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { queryClient } from '../api/query-client';
import { theme } from './theme';
import { Themed } from './themed';

export const Providers = ({ children }: { children: ReactNode }) => (
  <QueryClientProvider client={queryClient}>
    <Themed theme={theme}>{children}</Themed>
  </QueryClientProvider>
);

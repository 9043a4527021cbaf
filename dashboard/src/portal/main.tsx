import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Providers } from '../app/providers';
import { Portal } from './portal';

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Providers>
      <Portal />
    </Providers>
  </StrictMode>,
);

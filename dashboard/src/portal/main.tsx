import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { takeCode } from './link-code';
import { Portal } from './portal';
import { openSession } from './session';

const code = takeCode();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Portal opening={openSession(code)} code={code} />
  </StrictMode>,
);

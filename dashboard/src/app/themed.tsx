import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './global.css';
import { MantineProvider, type MantineProviderProps } from '@mantine/core';
import { Notifications } from '@mantine/notifications';

/** The nonce of this answer: the Content-Security-Policy lets only style elements with it apply. */
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
// The lock of scrolling under dialogs (react-remove-scroll) reads it here.
Object.assign(globalThis, { __webpack_nonce__: nonce });

/** The looks of every page. */
export const Themed = ({ children, ...props }: MantineProviderProps) => (
  <MantineProvider defaultColorScheme="auto" getStyleNonce={() => nonce} {...props}>
    <Notifications position="bottom-right" />
    {children}
  </MantineProvider>
);

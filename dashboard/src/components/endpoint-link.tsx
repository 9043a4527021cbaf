import { EndpointName } from './endpoint-name';
import { TextLink } from './text-link';

/** An endpoint by its name, linked to its page. */
export const EndpointLink = ({ id }: { id: string }) => (
  <TextLink to="/endpoints/$id" params={{ id }}>
    <EndpointName id={id} />
  </TextLink>
);

export const JSON_TYPE = 'application/json';
export const MAX_CONTENT_TYPE = 255;

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const QUOTED = '"(?:[^"\\\\\\x00-\\x1f\\x7f-\\uffff]|\\\\[\\x20-\\x7e])*"';
/** RFC 9110 section 8.3.1. */
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|${QUOTED}))*$`);
const CHARSET = /;\s*charset="?([^";\s]+)/i;
/** `application/json`, and structured syntaxes such as `application/cloudevents+json`. */
const IS_JSON = /^(?:application\/json|text\/json|[^/;\s]+\/[^;\s]+\+json)\s*(?:;|$)/i;

/** Why a content type is refused, or null. */
export function contentTypeProblem(value: string): string | null {
  if (!MEDIA_TYPE.test(value)) return 'Must be a media type such as application/x-www-form-urlencoded.';
  const charset = CHARSET.exec(value)?.[1];
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') return 'The body is sent as utf-8.';
  return null;
}

export const isJsonType = (contentType: string): boolean => IS_JSON.test(contentType);

/**
 * The body that is signed and sent. With a JSON content type it is the payload as it was posted. With another type, a
 * JSON string becomes its text, and any other value stays JSON text.
 */
export function bodyOf(payload: string, contentType: string): string {
  return payload.startsWith('"') && !isJsonType(contentType) ? (JSON.parse(payload) as string) : payload;
}

/** The envelope of Standard Webhooks around a payload, which stays as it was posted, byte for byte. */
export function envelopeOf(event: { event_type: string; event_created_at: Date; payload: string }): string {
  const timestamp = event.event_created_at.toISOString();
  return `{"type":${JSON.stringify(event.event_type)},"timestamp":"${timestamp}","data":${event.payload}}`;
}

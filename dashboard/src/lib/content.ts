const JSON_TYPE = /^(?:application\/json|text\/json|[^/;\s]+\/[^;\s]+\+json)\s*(?:;|$)/i;

/** The body of a request as the server makes it of an event: the payload itself, the text of a string, or an envelope. */
export function sentBody(
  event: { type: string; created_at: string; payload: string },
  { form, contentType }: { form: 'payload' | 'envelope'; contentType: string },
): string {
  if (form === 'envelope')
    return `{"type":${JSON.stringify(event.type)},"timestamp":"${event.created_at}","data":${event.payload}}`;
  const isText = event.payload.startsWith('"') && !JSON_TYPE.test(contentType);
  return isText ? (JSON.parse(event.payload) as string) : event.payload;
}

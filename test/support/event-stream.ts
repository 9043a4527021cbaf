export interface StreamEvent {
  event: string;
  data: string;
}

export const isEventStream = (response: Response): boolean =>
  response.headers.get('content-type') === 'text/event-stream';

/** The events of an open stream, until it ends. Leaving the loop closes the connection. */
export async function* eventsOf(response: Response): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const messages = text.split('\n\n');
    text = messages.pop()!;
    for (const message of messages) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(message)?.[1];
      const data = field('data');
      if (data !== undefined) yield { event: field('event') ?? 'message', data };
    }
  }
}

/** The data of the first event. */
export async function firstEvent(response: Response): Promise<string> {
  for await (const { data } of eventsOf(response)) return data;
  throw new Error('The stream ended without an event.');
}

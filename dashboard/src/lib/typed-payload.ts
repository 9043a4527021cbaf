/**
 * A serializer of request bodies that sends the payload as the text given, which has to be JSON: JSON.parse and
 * JSON.stringify would round numbers above 2^53. The body has another member besides the payload.
 */
export const typedPayload = (text: string) => (body: object | undefined) =>
  `{"payload":${text},${JSON.stringify({ ...body, payload: undefined }).slice(1)}`;

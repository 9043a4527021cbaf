/** Nobody can send a request to an unspecified address. */
export const reachable = (url: string): string =>
  url.replace(/(?<=\/\/)(0\.0\.0\.0|\[::\])(?=:)/, 'localhost');

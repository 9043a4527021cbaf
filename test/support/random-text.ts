/** The letters a and b in a pseudo-random order, the same in each run. */
export function randomText(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48_271) % 0x7fffffff;
    return state & 64 ? 'a' : 'b';
  }).join('');
}

/** A pause of everything may be about another customer, and its reason is in the operator's words. */
export const shownToCustomers = (reason: string): string =>
  reason.startsWith('everything paused') ? 'paused by the operator' : reason;

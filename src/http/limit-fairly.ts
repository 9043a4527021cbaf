import type { RequestHandler, Response } from 'express';
import { identityOf, type Identity } from './auth.js';
import type { FairLimit, Slot } from './fair-limit.js';

/** A request may pass several of these; `slotOf` moves it in all of them. */
export const limitFairly =
  (limit: FairLimit): RequestHandler =>
  (_request, response, next) => {
    const entered = (slot: Slot) => {
      ((response.locals.slots ??= []) as Slot[]).push(slot);
      next();
    };
    limit.enter(response, sharerOf(identityOf(response)), entered, next);
  };

/** All portal sessions of a tenant count as one holder: a customer may open many. */
const sharerOf = ({ id, role, tenant }: Identity): string => (role === 'portal' ? `portal of ${tenant}` : id);

/** The slots of a request in all of its limits, as one. */
export const slotOf = (response: Response): Slot => ({
  async admit(tenant) {
    for (const slot of (response.locals.slots ?? []) as Slot[]) await slot.admit(tenant);
  },
});

import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { putDelivery } from '../../api/deliveries';
import type { DeliveryWithAttempts } from '../../api/types';
import { count } from '../../lib/format';

/** Requests at a time: the API has other clients. */
const AT_ONCE = 6;

/** Does the same with each of many deliveries, and says how many it was refused for, and why. */
export function useEach(call: (id: string) => Promise<DeliveryWithAttempts>, done: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (ids: string[]) => {
      const waiting = [...ids];
      const refusals: string[] = [];
      const work = async () => {
        for (let id = waiting.shift(); id !== undefined; id = waiting.shift())
          await call(id).then(
            (changed) => putDelivery(queryClient, changed),
            (error: Error) => refusals.push(error.message),
          );
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      return { worked: ids.length - refusals.length, refusals };
    },
    onSuccess: ({ worked, refusals }) => {
      const why = [...new Set(refusals)].slice(0, 3).join(' ');
      notifications.show({
        color: refusals.length > 0 ? 'orange' : 'teal',
        title: `${count(worked)} ${done}`,
        message: refusals.length > 0 ? `${count(refusals.length)} refused: ${why}` : '',
      });
    },
  });
}

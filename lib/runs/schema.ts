import { z } from 'zod';
import { deliveryStatuses } from '@/db/enums';

const rowId = z.coerce
  .number('invalid_value')
  .int('invalid_value')
  .positive('invalid_value')
  .max(2 ** 53 - 1, 'invalid_value');

/** Outcomes that "finish" can put back into the queue. */
export const finishableOutcomes = ['failed', 'expired', 'cancelled', 'unknown'] as const;
export type FinishableOutcome = (typeof finishableOutcomes)[number];

export const mailingCommandSchema = z.object({ mailingId: rowId });

export const finishRunSchema = z.object({
  mailingId: rowId,
  runId: rowId,
  outcomes: z.preprocess(
    (value) => (value === undefined || value === '' ? [] : Array.isArray(value) ? value : [value]),
    z.array(z.enum(finishableOutcomes, 'invalid_value')).min(1, 'choose_outcome'),
  ),
});

/** The words of the filter of a run's list of clients; null for anything else. */
export function asDeliveryStatus(value: unknown) {
  return deliveryStatuses.find((status) => status === value) ?? null;
}

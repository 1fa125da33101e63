'use server';

import { type ActionState, actorAction } from '@/lib/action';
import { wakeOrPass } from '@/lib/sending/wake';
import { sendHoldLetter } from '@/lib/users/mutations';
import {
  disableMailing,
  enableMailing,
  finishRun,
  pauseMailing,
  resumeMailing,
  startRun,
  stopMailing,
} from './mutations';
import { disableSchema, finishRunSchema, mailingCommandSchema } from './schema';

const start = actorAction(mailingCommandSchema, startRun, {
  redirectTo: ({ runId, mailingId }) => `/mailings/${mailingId}/runs/${runId}?notice=mailings.started`,
  afterwards: () => wakeOrPass(),
});
export async function startRunAction(
  state: ActionState<{ runId: number; mailingId: number; isNew: boolean }>,
  form: FormData,
) {
  return start(state, form);
}

const pause = actorAction(mailingCommandSchema, pauseMailing, {
  redirectTo: ({ mailingId }) => `/mailings/${mailingId}?notice=mailings.paused`,
});
export async function pauseMailingAction(state: ActionState<{ mailingId: number }>, form: FormData) {
  return pause(state, form);
}

const resume = actorAction(mailingCommandSchema, resumeMailing, {
  redirectTo: ({ mailingId }) => `/mailings/${mailingId}?notice=mailings.resumed`,
  afterwards: () => wakeOrPass(),
});
export async function resumeMailingAction(state: ActionState<{ mailingId: number }>, form: FormData) {
  return resume(state, form);
}

const stop = actorAction(mailingCommandSchema, stopMailing, {
  redirectTo: ({ mailingId }) => `/mailings/${mailingId}?notice=mailings.stopped`,
});
export async function stopMailingAction(
  state: ActionState<{ mailingId: number; cancelled: number }>,
  form: FormData,
) {
  return stop(state, form);
}

const finish = actorAction(finishRunSchema, finishRun, {
  redirectTo: ({ runId, mailingId }) => `/mailings/${mailingId}/runs/${runId}?notice=mailings.finished`,
  afterwards: () => wakeOrPass(),
});
export async function finishRunAction(
  state: ActionState<{ runId: number; mailingId: number; requeued: number }>,
  form: FormData,
) {
  return finish(state, form);
}

const disable = actorAction(disableSchema, disableMailing, {
  redirectTo: ({ mailingId }) => `/mailings/${mailingId}?notice=manage.mailing_disabled`,
  afterwards: ({ news }) => sendHoldLetter(news),
});
export async function disableMailingAction(state: Parameters<typeof disable>[0], form: FormData) {
  return disable(state, form);
}

const enable = actorAction(mailingCommandSchema, enableMailing, {
  redirectTo: ({ mailingId }) => `/mailings/${mailingId}?notice=manage.mailing_enabled`,
  afterwards: async ({ news }) => {
    await sendHoldLetter(news);
    await wakeOrPass();
  },
});
export async function enableMailingAction(state: Parameters<typeof enable>[0], form: FormData) {
  return enable(state, form);
}

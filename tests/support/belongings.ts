import { db } from '@/db/client';
import {
  createAttempt,
  createClient,
  createDelivery,
  createMailing,
  createMessage,
  createPost,
  createRun,
  createUser,
} from './factories';

/** Ids of one thing of every kind. */
export type Belongings = Record<
  | 'client'
  | 'message'
  | 'mailing'
  | 'paused'
  | 'disabled'
  | 'over'
  | 'overRun'
  | 'run'
  | 'attempt'
  | 'person'
  | 'barred'
  | 'draft'
  | 'article'
  | 'deletedArticle',
  number
>;

/**
 * What every row of the matrix needs, for this owner: a mailing with an open run, one that is paused, one that is disabled, and one
 * that is over with a letter that failed; an article that is a draft, one that is published, and one that is deleted. `person` and `barred` are users: the owner, where the thing is to be one's own.
 */
export async function createBelongings(owner: { id: number }, own: boolean): Promise<Belongings> {
  const client = await createClient(db, owner);
  const message = await createMessage(db, owner);
  const mailing = await createMailing(db, owner, { messageId: message.id, status: 'running' });
  const run = await createRun(db, mailing);
  const delivery = await createDelivery(db, run, client);
  const attempt = await createAttempt(db, run, delivery, { status: 'failure' });
  const paused = await createMailing(db, owner, { messageId: message.id, pausedAt: new Date() });
  const disabled = await createMailing(db, owner, {
    messageId: message.id,
    disabledAt: new Date(),
    disabledReason: 'spam',
  });
  const over = await createMailing(db, owner, { messageId: message.id, status: 'completed' });
  const overRun = await createRun(db, over, { status: 'partly_done' });
  await createDelivery(db, overRun, client, { status: 'failed' });
  const person = own ? owner : await createUser(db);
  const barred = own ? owner : await createUser(db, { blockedAt: new Date(), blockedReason: 'spam' });
  const draft = await createPost(db, { authorId: owner.id });
  const article = await createPost(db, { authorId: owner.id, status: 'published' });
  const deletedArticle = await createPost(db, { authorId: owner.id, deletedAt: new Date() });
  return {
    client: client.id,
    message: message.id,
    mailing: mailing.id,
    paused: paused.id,
    disabled: disabled.id,
    over: over.id,
    overRun: overRun.id,
    run: run.id,
    attempt: attempt.id,
    person: person.id,
    barred: barred.id,
    draft: draft.id,
    article: article.id,
    deletedArticle: deletedArticle.id,
  };
}

const nowhere = 999_999_999;

export const missingBelongings: Belongings = {
  client: nowhere,
  message: nowhere,
  mailing: nowhere,
  paused: nowhere,
  disabled: nowhere,
  over: nowhere,
  overRun: nowhere,
  run: nowhere,
  attempt: nowhere,
  person: nowhere,
  barred: nowhere,
  draft: nowhere,
  article: nowhere,
  deletedArticle: nowhere,
};
